"""Adapters whose output is right."""

from __future__ import annotations

from conformance.adapters.base import Adapter, Program
from conformance.cases.case import Case


class Right(Adapter):
    """Computes by an independent algorithm of the oracle."""

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


class Logged(Right):
    """Writes the case to the file that the environment variable ``CALLS`` names, if it is set."""

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        log = f"if 'CALLS' in os.environ: print({str(case)!r}, file=open(os.environ['CALLS'], 'a'))"
        return Program(right.setup, (log, *right.body))


class Slow(Logged):
    """Takes a tenth of a second for every call."""

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        return Program(right.setup, ("time.sleep(0.1)", *right.body))


class Held(Right):
    """Makes four calls, then waits until the file exists that the environment variable ``GO`` names."""

    name = "held"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        wait = (
            "sys.calls = getattr(sys, 'calls', 0) + 1",
            "while sys.calls > 4 and not os.path.exists(os.environ['GO']):",
            "    time.sleep(0.05)",
        )
        return Program((*right.setup, "import sys"), (*wait, *right.body))


class First(Right):
    """Writes its name and its process to the file ``CALLS``."""

    name = "first"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        log = f"print({self.name!r}, os.getpid(), file=open(os.environ['CALLS'], 'a'))"
        return Program(right.setup, (log, "time.sleep(0.05)", *right.body))


class Second(First):
    """A second adapter that does the same."""

    name = "second"


class ShapeOnly(Right):
    """Reports only the shape of its output."""

    name = "shape-only"
    shape_only = True

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        return Program(right.setup, (*right.body, "shape = y.shape"))


class Zeros(Adapter):
    """Returns zeros of the right shape without any arithmetic, for tests that judge no values."""

    name = "zeros"
    packages = ("numpy",)
    documentation = "https://example.org"
    before: tuple[str, ...] = ()

    def program(self, case: Case) -> Program:
        """Write the call."""
        setup = ("import os, signal, sys, time",)
        return Program(setup, (*self.before, f"y = np.zeros({case.output_shape}, x.dtype)"))
