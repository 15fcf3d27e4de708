"""Adapters whose process misbehaves when the first kernel axis is 2. ``ASKED`` names a log of what was asked."""

from __future__ import annotations

from typing import ClassVar

from conformance.adapters.base import Program
from conformance.cases.case import Case
from examples.numpy_backend import NumpyBackend
from tests.toy_adapters import Right

_LOG = "if 'ASKED' in os.environ: print({case!r}, file=open(os.environ['ASKED'], 'a'))"


class Faulty(Right):
    """Right, after what ``fault`` does."""

    fault: ClassVar[tuple[str, ...]] = ()

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        fault = self.fault if case.kernel_size[0] == 2 else ()
        setup = (*right.setup, "import resource, signal, sys")
        return Program(setup, (_LOG.format(case=str(case)), *fault, *right.body))


class Slow(Faulty):
    """Takes its time for every answer."""

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        return Program(right.setup, ("time.sleep(0.1)", *right.body))


class First(Right):
    """Notes its name and its process."""

    name = "first"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        note = f"print({self.name!r}, os.getpid(), file=open(os.environ['ASKED'], 'a'))"
        return Program(right.setup, (note, "time.sleep(0.05)", *right.body))


class Second(First):
    """Another one."""

    name = "second"


class Killed(Faulty):
    """Is ended from outside."""

    fault = ("os.kill(os.getpid(), signal.SIGKILL)",)


class Segfaults(Faulty):
    """Reads what is not there."""

    fault = ("os.kill(os.getpid(), signal.SIGSEGV)",)


class Aborts(Faulty):
    """Fails an assertion of its C++ code."""

    fault = ("os.abort()",)


class Hangs(Faulty):
    """Never answers."""

    fault = ("while True: time.sleep(1)",)


class Waits(Faulty):
    """Answers once the file ``GO`` is there."""

    fault = ("while not os.path.exists(os.environ['GO']): time.sleep(0.05)",)


class Exits(Faulty):
    """Ends its process in good order."""

    fault = ("os._exit(7)",)


class Garbage(Faulty):
    """Writes into the conversation."""

    fault = ("os.write(int(sys.argv[2]), b'garbage' * 1000)",)


class Talkative(Faulty):
    """Prints megabytes."""

    fault = ("sys.stderr.write('x' * 8_000_000)", "print('y' * 8_000_000)", "sys.stdout.flush()")


class OutOfMemory(Faulty):
    """Asks for more memory than it may have."""

    fault = ("resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))", "np.ones(1 << 30)")


class KillsItsRunner(Faulty):
    """Takes the process that asks down with it."""

    fault = ("os.kill(os.getppid(), signal.SIGKILL)", "time.sleep(30)")


class KillsItsRunnerOnce(Faulty):
    """As above, but only the first time; the file ``CRASHED`` remembers."""

    limits = NumpyBackend.limits
    fault = (
        "if not os.path.exists(os.environ['CRASHED']):",
        "    open(os.environ['CRASHED'], 'w').close()",
        "    os.kill(os.getppid(), signal.SIGKILL)",
        "    time.sleep(30)",
    )
