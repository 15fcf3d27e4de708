"""Adapters whose process ends, hangs or takes all memory; most only where the first kernel axis is 2."""

from __future__ import annotations

from typing import ClassVar

from conformance.adapters.base import Program
from conformance.cases.case import Case
from examples.numpy_backend import NumpyBackend
from tests.support.adapters.right import Logged, Right, Zeros


class OnKernelTwo(Logged):
    """Runs ``fault`` before the right call where the first kernel axis is 2."""

    fault: ClassVar[tuple[str, ...]] = ()

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        log, *call = right.body
        fault = self.fault if case.kernel_size[0] == 2 else ()
        return Program((*right.setup, "import resource, signal, sys"), (log, *fault, *call))


class Aborts(OnKernelTwo):
    """Fails an assertion of its C++ code, after a message."""

    fault = ("os.write(2, b'the last text\\n')", "os.abort()")


class AbortsOnce(OnKernelTwo):
    """Aborts, but only the first time; the file ``CRASHED`` remembers."""

    fault = (
        "if not os.path.exists(os.environ['CRASHED']):",
        "    open(os.environ['CRASHED'], 'w').close()",
        "    os.abort()",
    )


class Segfaults(OnKernelTwo):
    """Reads memory that is not mapped."""

    fault = ("os.kill(os.getpid(), signal.SIGSEGV)",)


class SegfaultsOnDilatedGroups(Right):
    """Reads memory that is not mapped, where a case has both a dilation and groups."""

    name = "segfaults-on-dilated-groups"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        if max(case.dilation) == 1 or case.groups == 1:
            return right
        return Program((*right.setup, "import signal"), ("os.kill(os.getpid(), signal.SIGSEGV)", *right.body))


class Killed(OnKernelTwo):
    """Is killed from outside, as by the kernel when memory runs out."""

    fault = ("os.kill(os.getpid(), signal.SIGKILL)",)


class Exits(OnKernelTwo):
    """Ends its process without an error."""

    fault = ("os._exit(7)",)


class Hangs(OnKernelTwo):
    """Never returns."""

    fault = ("while True: time.sleep(1)",)


class Waits(OnKernelTwo):
    """Returns once the file ``GO`` exists."""

    fault = ("while not os.path.exists(os.environ['GO']): time.sleep(0.05)",)


class OutOfMemory(OnKernelTwo):
    """Requests more memory than it may have."""

    fault = ("resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))", "np.ones(1 << 30)")


class Grows(OnKernelTwo):
    """Takes memory and fills it until there is none."""

    fault = ("kept = []", "while True:", "    kept.append(np.ones(1 << 27))")


class RequestsTerabyte(OnKernelTwo):
    """Requests a terabyte at once."""

    fault = ("np.empty(1 << 37)",)


class KillsItsRunner(OnKernelTwo):
    """Kills the process that runs it."""

    fault = ("os.kill(os.getppid(), signal.SIGKILL)", "time.sleep(30)")


class KillsItsRunnerOnce(OnKernelTwo):
    """Kills the process that runs it, but only the first time; the file ``CRASHED`` remembers."""

    limits = NumpyBackend.limits
    fault = (
        "if not os.path.exists(os.environ['CRASHED']):",
        "    open(os.environ['CRASHED'], 'w').close()",
        "    os.kill(os.getppid(), signal.SIGKILL)",
        "    time.sleep(30)",
    )


class AbortsOnGroups(Zeros):
    """Prints the case, and aborts where it has groups."""

    name = "aborts-on-groups"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        end = ("os.abort()",) if case.groups > 1 else ()
        return Program(right.setup, (f'os.write(2, b"over {case}\\n")', *end, *right.body))


class AbortsInAThread(AbortsOnGroups):
    """Reaches the case over which it aborts while another one is still running."""

    name = "aborts-in-a-thread"
    before = ("time.sleep(0.2)",)
    compiles_in_threads = True


class AbortsAtLast(AbortsInAThread):
    """Aborts over a case with groups after the output of the case before was sent."""

    name = "aborts-at-last"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        return Program(right.setup, ("time.sleep(2)", *right.body)) if case.groups > 1 else right


class HoldsTheLock(AbortsInAThread):
    """Hangs over a case with groups while it holds the interpreter's lock, so that no other thread runs."""

    name = "holds-the-lock"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        body = ("import ctypes", "ctypes.PyDLL(None).sleep(1000)") if case.groups > 1 else right.body
        return Program(right.setup, body)
