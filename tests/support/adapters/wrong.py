"""Adapters whose output, or whose own code, is wrong."""

from __future__ import annotations

from conformance.adapters.base import Program
from conformance.adapters.facts import calls_with
from conformance.cases.case import Case
from conformance.cases.errors import DomainError
from tests.support.adapters.right import Right, Zeros


class Flipped(Right):
    """Flips the kernel."""

    name = "flipped"

    def program(self, case: Case) -> Program:
        """Write the call."""
        axes = tuple(range(2, case.rank + 2))
        right = super().program(case)
        return Program(right.setup, (f"w = np.flip(w, {axes})", *right.body))


class Broken(Right):
    """The adapter's own code is wrong."""

    name = "broken"

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program((), ("y = not_defined",))


class Stale(Right):
    """Returns memory that was never written."""

    name = "stale"
    after = ("y = np.empty(8192, y.dtype)[: y.size].reshape(y.shape)",)


class WrongSame(Right):
    """Shifts the output by one where the padding is named, and only there."""

    name = "wrong-same"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        if not isinstance(case.padding, str):
            return right
        return Program(right.setup, (*right.body, "y = np.roll(y, 1, 2)" if case.direction == "fwd" else ""))


class Shifted(Right):
    """Moves the output along W by one and fills with zeros, where the stride exceeds the kernel on some axis."""

    name = "shifted"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        wrong = any(s > k for s, k in zip(case.stride, case.kernel_size, strict=True))
        if case.direction != "fwd" or not wrong:
            return right
        # Zeros come in, so that an output of one element shows it as well.
        axis, first = (-1, "..., 0") if case.layout == "channels_first" else (-2, "..., 0, :")
        return Program(right.setup, (*right.body, f"y = np.roll(y, 1, axis={axis})", f"y[{first}] = 0"))


class SameSwapped(Right):
    """Crops the other side where `same` crops unevenly."""

    name = "same-swapped"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        try:
            crop = case.geometry().crop
        except DomainError:
            return right
        if case.padding != "same":
            return right
        swapped = tuple((high, low) for low, high in crop)
        return Program(right.setup, tuple(line.replace(f"crop={crop}", f"crop={swapped}") for line in right.body))


class Overwriting(Right):
    """Doubles its input after the call, in memory."""

    name = "overwriting"
    after = ("x *= 2",)


class WrongDX(Right):
    """Leaves the last input position out of the input's gradient."""

    name = "wrong-dx"
    after = ("if 'dx' in globals(): dx[..., -1] = 0",)


class WrongDW(Right):
    """Leaves the last input channel out of the weights' gradient."""

    name = "wrong-dw"
    after = ("if 'dw' in globals(): dw[-1] = 0",)


class WrongDB(Right):
    """Doubles the gradient of the bias."""

    name = "wrong-db"
    after = ("if 'db' in globals(): db = 2 * db",)


class NarrowIndex(Right):
    """Indexes its output, or its first gradient, with 15 bits."""

    name = "narrow-index"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        name = "y" if case.direction == "fwd" else "dx"
        line = f"{name}.flat[2**15:] = {name}.flat[np.arange(2**15, {name}.size) % 2**15]"
        return Program(right.setup, (*right.body, line))


class NarrowOffset(Right):
    """Leaves out what lies 2**17 bytes or more behind the start of its output."""

    name = "narrow-offset"
    after = ("y.flat[2**17 // y.itemsize :] = 0",)


class NarrowInput(Right):
    """Indexes its input with 14 bits."""

    name = "narrow-input"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        line = "x = x.flat[np.arange(x.size) % 2**14].reshape(x.shape)"
        return Program(right.setup, (line, *right.body))


class Longer(Right):
    """Has one position too many along the last axis."""

    name = "longer"
    after = ("y = np.concatenate([y, y[..., :1]], -1)",)


class SharesInput(Right):
    """Returns its input where that is the output."""

    name = "shares-input"
    after = ("y = x if np.array_equal(x, y) else y",)


class ReusesOutput(Right):
    """Returns the same memory from every call."""

    name = "reuses-output"
    after = ("np.copyto(kept.setdefault(y.shape, np.empty_like(y)), y)", "y = kept[y.shape]")

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        return Program((*right.setup, "kept = {}"), right.body)


class Unpinned(Zeros):
    """States that it computes with seven threads, whatever the setting."""

    name = "unpinned"
    facts = (calls_with(7),)
