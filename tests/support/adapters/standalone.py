"""Adapters in plain NumPy, mostly faulty, for scripts that run without this project: one axis, one channel."""

from __future__ import annotations

from conformance.adapters.base import Adapter, Program
from conformance.cases.case import Case
from conformance.cases.errors import DomainError


class Plain(Adapter):
    """Adds up what the definition says; a fault is a line before or after."""

    name = "plain"
    packages = ("numpy",)
    documentation = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def program(self, case: Case) -> Program:
        """Write the call."""
        try:
            ((size,), ((low, _),)) = case.geometry().output_size, case.geometry().crop
        except DomainError:
            return Program((), (*self.before, "raise ValueError('no such thing')"))
        body = (
            f"y = np.zeros((1, 1, {case.geometry().full_size[0]}), x.dtype)",
            f"for j, t in np.ndindex({case.input_size[0]}, {case.kernel_size[0]}):",
            f"    y[0, 0, j * {case.stride[0]} + t * {case.dilation[0]}] += x[0, 0, j] * w[0, 0, t]",
            f"y = y[:, :, {low}:{low + size}]",
        )
        return Program((), (*self.before, *body, *self.after))


class PlainFlipped(Plain):
    """Flips the kernel."""

    before: tuple[str, ...] = ("w = w[:, :, ::-1]",)


class PlainAbortsWithoutStride(PlainFlipped):
    """Flips the kernel, and aborts where the stride is 1."""

    before = ("import os", "os.abort() if y_is_short else None", *PlainFlipped.before)

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        return Program(right.setup, (f"y_is_short = {case.stride[0] == 1}", *right.body))


class PlainAborts(Plain):
    """Ends its process by a signal."""

    before = ("import os; os.abort()",)


class PlainHangs(Plain):
    """Never returns."""

    before = ("import time; time.sleep(1000)",)


class PlainRefuses(Plain):
    """Refuses every case."""

    before = ("raise ValueError('refused')",)


class AcceptsAnything(Plain):
    """Accepts invalid cases."""

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program((), ("y = x",))


class OtherDtype(Plain):
    """Returns a different dtype."""

    after = ("y = y.astype(np.float64)",)


class Shortens(Plain):
    """Loses the last element."""

    after = ("y = y[:, :, :-1]",)


class Unwritten(Plain):
    """Leaves an element as fresh memory has it."""

    after = ("z = np.empty(4096, y.dtype)", "y[0, 0, 0] = z[7]")


class MinusZero(Plain):
    """Gives every zero the other sign."""

    after = ("y[y == 0] = -0.0",)


class NamesThings(Plain):
    """Flips the kernel, and uses a module and a bias that need not be there."""

    def program(self, case: Case) -> Program:
        """Write the call."""
        body = super().program(case).body
        return Program(("import os",), (*body, "y = y[:, :, ::-1] if os.sep and bias is None else y"))


class Imprecise(Plain):
    """Off by more than float32 sums may be."""

    after = ("y = y * np.float32(1.001)",)


class Wide(Plain):
    """Adds up in float32, so that only the output overflows."""

    before: tuple[str, ...] = ("x = x.astype(np.float32)",)
    after: tuple[str, ...] = ("y = y.astype(np.float16)",)


class WideAndWrong(Wide):
    """Wrong in its last element, where nothing overflows."""

    after = (*Wide.after, "y[0, 0, -1] += np.float16(100)")


class Gradients(Plain):
    """The gradients, product by product; channels and groups too."""

    def program(self, case: Case) -> Program:
        """Write the call."""
        ((size,), ((low, _),)) = case.geometry().output_size, case.geometry().crop
        channels, outputs = case.in_channels // case.groups, case.out_channels // case.groups
        body = (
            "dx, dw, db = np.zeros_like(x), np.zeros_like(w), dy.sum((0, 2))",
            f"for n, c, o, j, t in np.ndindex({case.batch}, *w.shape[:2], {case.input_size[0]}, w.shape[2]):",
            f"    at = n, c // {channels} * {outputs} + o, j * {case.stride[0]} + t * {case.dilation[0]} - {low}",
            f"    if 0 <= at[2] < {size}:",
            "        dx[n, c, j] += dy[at] * w[c, o, t]",
            "        dw[c, o, t] += dy[at] * x[n, c, j]",
        )
        return Program((), (*body, *self.after))


class WrongWeightGradient(Gradients):
    """Off in one of them."""

    after = ("dw = dw + 1",)
