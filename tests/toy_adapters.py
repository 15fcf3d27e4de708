"""Adapters without a framework, right and wrong on purpose, for tests of the machinery around them."""

from __future__ import annotations

from conformance.adapters.base import Adapter, Limit, Program
from conformance.cases.case import Case


class Right(Adapter):
    """Answers by an independent algorithm of the oracle."""

    name = "right"
    packages = ("numpy",)
    documentation = ""
    after: tuple[str, ...] = ()

    def program(self, case: Case) -> Program:
        """Write the call."""
        arguments = (
            f"stride={case.stride}, dilation={case.dilation}, groups={case.groups}, "
            f"crop={case.geometry().crop}, layout={case.layout!r}"
        )
        if case.direction == "fwd":
            lines = [f"y = by_zero_insertion(x, w, bias, {arguments}).astype(x.dtype)"]
        else:
            lines = [
                f"dx, dw, db = gradients_by_correlation(x, w, dy, {arguments})",
                "dx, dw, db = (g.astype(x.dtype) for g in (dx, dw, db))",
            ]
        setup = ("from conformance.oracle import by_zero_insertion, gradients_by_correlation", "import os, time")
        return Program(setup, (*lines, *self.after))


class Flipped(Right):
    """Flips the kernel."""

    name = "flipped"

    def program(self, case: Case) -> Program:
        """Write the call."""
        axes = tuple(range(2, case.rank + 2))
        right = super().program(case)
        return Program(right.setup, (f"w = np.flip(w, {axes})", *right.body))


class CrashesOnKernelTwo(Right):
    """Ends its process by a signal when the first kernel axis is 2."""

    name = "crashes"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        if case.kernel_size[0] != 2:
            return right
        return Program(right.setup, ("import os, sys", "print('last words', file=sys.stderr)", "os.abort()"))


class CrashesOnce(Right):
    """Ends its process when the first kernel axis is 2, once; the file ``CRASHED`` remembers."""

    name = "crashes-once"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        if case.kernel_size[0] != 2:
            return right
        trap = (
            "if not os.path.exists(os.environ['CRASHED']):",
            "    open(os.environ['CRASHED'], 'w').close()",
            "    os.abort()",
        )
        return Program(right.setup, (*trap, *right.body))


class HangsOnKernelTwo(Right):
    """Never answers when the first kernel axis is 2."""

    name = "hangs"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        if case.kernel_size[0] != 2:
            return right
        return Program(right.setup, ("while True: time.sleep(1)",))


class Refuses(Right):
    """Raises for every question, in words that hold markup."""

    name = "refuses"

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program((), ("raise RuntimeError('<script>alert(1)</script>')",))


class CannotImport(Right):
    """Its framework is not there."""

    name = "cannot-import"

    def __init__(self) -> None:
        raise ModuleNotFoundError("No module named 'no_such_framework'")


class Limited(Right):
    """Declares a limit."""

    name = "limited"
    limits = (Limit("inexpressible", "groups", lambda case: case.groups > 1, "no word for groups", "manual"),)


class Broken(Right):
    """Its own code is wrong."""

    name = "broken"

    def program(self, case: Case) -> Program:
        """Write the call."""
        return Program((), ("y = not_defined",))


class Stale(Right):
    """Hands out memory that nobody wrote."""

    name = "stale"
    after = ("y = np.empty(8192, y.dtype)[: y.size].reshape(y.shape)",)


class WrongSame(Right):
    """Places the answer one off where the padding is named, and only there."""

    name = "wrong-same"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        if not isinstance(case.padding, str):
            return right
        return Program(right.setup, (*right.body, "y = np.roll(y, 1, 2)" if case.direction == "fwd" else ""))


class WordsOnly(Right):
    """Takes no crop but those that two words stand for."""

    name = "words-only"
    limits = (
        Limit(
            "inexpressible", "padding", lambda case: case.padding not in ("valid", "same"), "two words", "manual"
        ),
    )
