"""What a timed command is said to have taken."""

from __future__ import annotations

import sys

import pytest

from benchmarks.figures import DONE, timed

_BYTES = 200 << 20


def test_memory_is_that_of_the_command_and_not_of_who_times_it() -> None:
    held = bytearray(_BYTES)
    held[::4096] = b"x" * len(held[::4096])
    small = timed(sys.executable, "-c", "print('done')")
    assert small.peak_mb < 100
    assert (small.printed, small.status) == (b"done\n", 0)
    large = timed(sys.executable, "-c", f"held = bytearray({_BYTES}); held[::4096] = b'x' * len(held[::4096])")
    assert large.peak_mb > 200


def test_how_a_command_ends() -> None:
    assert timed(sys.executable, "-c", "import os; os.abort()").status == -6
    with pytest.raises(RuntimeError, match="ends with 3"):
        timed(sys.executable, "-c", "raise SystemExit(3)", ends=DONE)


def test_seconds_are_those_of_the_command() -> None:
    waits = timed(sys.executable, "-c", "import time; time.sleep(0.5)")
    assert waits.wall >= 0.5 > waits.cpu > 0
