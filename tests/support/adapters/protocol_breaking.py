"""Adapters that break the protocol, or return no array of numbers, where the first kernel axis is 2."""

from __future__ import annotations

from typing import ClassVar

from conformance.adapters.base import Program
from conformance.cases.case import Case
from tests.support.adapters.crashing import OnKernelTwo


class Garbage(OnKernelTwo):
    """Writes bytes that are not a message into the connection."""

    fault = ("os.write(int(sys.argv[2]), b'garbage' * 1000)",)


class Half(OnKernelTwo):
    """Sends the start of a message and ends."""

    fault = ("os.write(int(sys.argv[2]), b'CTC1' + bytes([9, 0, 0, 0]) + bytes(8))", "os._exit(0)")


class OtherId(OnKernelTwo):
    """Sends a reply that belongs to another message, as two processes on one connection would."""

    fault = (
        "from conformance.adapters.host import protocol",
        "pack = protocol.pack",
        "protocol.pack = lambda message, arrays=None: pack({**message, 'id': -1}, arrays)",
    )


class ForksBoth(OnKernelTwo):
    """Forks, and lets both processes return."""

    fault = ("os.fork()",)


class Talkative(OnKernelTwo):
    """Prints megabytes on both streams."""

    fault = ("sys.stderr.write('x' * 8_000_000)", "print('y' * 8_000_000)", "sys.stdout.flush()")


class NeverStopsPrinting(OnKernelTwo):
    """Prints without end."""

    fault = ("while True:", '    os.write(2, b"a line " * 512)')


class LoneSurrogate(OnKernelTwo):
    """Raises with a text that UTF-8 cannot hold."""

    fault = (r"raise RuntimeError('cannot open \udcff\ud800')",)


class NamesTerabytes(OnKernelTwo):
    """Fails to allocate 8 TiB for a few numbers, as after an index overflow."""

    fault = ("raise MemoryError('Unable to allocate 8.00 TiB')",)


class Output(OnKernelTwo):
    """Replaces its output by what ``last`` computes."""

    last: ClassVar[str] = "y = None"

    def program(self, case: Case) -> Program:
        """Write the call."""
        right = super().program(case)
        body = (*right.body, self.last) if case.kernel_size[0] == 2 else right.body
        return Program(right.setup, body)


class GivesNone(Output):
    """Returns None."""


class GivesText(Output):
    """Returns a text."""

    last = "y = 'numbers'"


class GivesObjects(Output):
    """Returns the right numbers as Python objects."""

    last = "y = y.astype(object)"


class GivesDates(Output):
    """Returns dates."""

    last = "y = y.astype('int64').astype('datetime64[s]')"


class Masked(Output):
    """Returns the right numbers, half of them masked."""

    last = "y = np.ma.masked_array(y, np.arange(y.size).reshape(y.shape) % 2 == 0)"


class NothingMasked(Output):
    """Returns the right numbers under a mask that hides none."""

    last = "y = np.ma.masked_array(y)"


class Endless(Output):
    """Returns a view of one number with 2**40 elements."""

    last = "y = np.broadcast_to(np.float32(1), (2**20, 2**20))"
