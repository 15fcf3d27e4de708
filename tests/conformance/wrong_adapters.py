"""Adapters that are wrong under a condition, for the tests of what finds the cause."""

from __future__ import annotations

from conformance.adapters.base import Program
from conformance.cases.case import Case
from conformance.cases.errors import DomainError
from tests.toy_adapters import Right


class Shifted(Right):
    """Moves the output along W by one, zeros coming in, where the stride exceeds the kernel on some axis."""

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


class Crashing(Right):
    """Ends its process on dilated groups."""

    name = "crashing"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        if max(case.dilation) == 1 or case.groups == 1:
            return right
        return Program((*right.setup, "import signal"), ("os.kill(os.getpid(), signal.SIGSEGV)", *right.body))


class ShapeAlone(Right):
    """Says of its answer no more than the shape."""

    name = "shape-alone"
    shape_only = True

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        return Program(right.setup, (*right.body, "shape = y.shape"))


class SameExchanged(Right):
    """Crops the other end where `same` crops unevenly."""

    name = "same-exchanged"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        try:
            crop = case.geometry().crop
        except DomainError:
            return right
        if case.padding != "same":
            return right
        exchanged = tuple((high, low) for low, high in crop)
        return Program(
            right.setup, tuple(line.replace(f"crop={crop}", f"crop={exchanged}") for line in right.body)
        )
