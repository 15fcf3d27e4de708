"""Adapters that end a run, or hide what is wrong with an output, unless the machinery minds: where kernel is 2."""

from __future__ import annotations

from tests.conformance.runner.faulty_adapters import Faulty


class LoneSurrogate(Faulty):
    """Raises with a text that UTF-8 cannot hold."""

    fault = (r"raise RuntimeError('cannot open \udcff\ud800')",)


class ForksBoth(Faulty):
    """Forks, and lets both processes return."""

    fault = ("os.fork()",)


class OtherId(Faulty):
    """Sends a reply that belongs to another message, as two processes on one connection would."""

    fault = (
        "from conformance.adapters.host import protocol",
        "pack = protocol.pack",
        "protocol.pack = lambda message, arrays=None: pack({**message, 'id': -1}, arrays)",
    )


class AsksForTerabytes(Faulty):
    """Asks for 8 TiB over a few numbers, as after an index overflow."""

    fault = ("raise MemoryError('Unable to allocate 8.00 TiB')",)


class Output(Faulty):
    """Gives something in place of its output; ``last`` says what."""

    last = "y = None"

    def program(self, case):  # type: ignore[no-untyped-def]
        """Write the call."""
        right = super().program(case)
        body = (*right.body, self.last) if case.kernel_size[0] == 2 else right.body
        return type(right)(right.setup, body)


class GivesNone(Output):
    """Nothing."""


class GivesText(Output):
    """A text."""

    last = "y = 'numbers'"


class GivesObjects(Output):
    """The right numbers as Python objects."""

    last = "y = y.astype(object)"


class GivesDates(Output):
    """Dates."""

    last = "y = y.astype('int64').astype('datetime64[s]')"


class Masked(Output):
    """The right numbers, half of them masked."""

    last = "y = np.ma.masked_array(y, np.arange(y.size).reshape(y.shape) % 2 == 0)"


class NothingMasked(Output):
    """The right numbers under a mask that hides none."""

    last = "y = np.ma.masked_array(y)"


class Endless(Output):
    """One number seen as 2**40."""

    last = "y = np.broadcast_to(np.float32(1), (2**20, 2**20))"
