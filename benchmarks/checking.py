"""How soon `conformance check` has a first row, all rows, and all rows again.

    python -m benchmarks.checking [--adapter NAME ...] [--repeats 3]

The peer is `benchmarks.bare`: for each adapter a process that imports the framework and makes the one call.
These processes run one after the other; divided by the number of processors, that is the least time in which
the adapters can run side by side. They also run side by side as a check does, as processes that share caches and
memory slow each other down. A first check finds no process of an earlier one, a second check follows at
once. The time of a check is that of the whole command, and its first row is timed from the start of the command.
Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.figures import DONE, spread, table, with_spread
from benchmarks.overhead import bare
from conformance.adapters.environment import processors
from conformance.adapters.registry import resolve
from conformance.adapters.selection import expand
from conformance.cases import Case
from conformance.execution.lanes import import_seconds, in_lanes

CASE = "2d-i5x7-k3-s2-same"


class _Check(NamedTuple):
    """Seconds from the start of a command to its first row and to its end."""

    first_row: float
    whole: float


def check(adapters: Sequence[str], folder: str) -> _Check:
    """Time a check; processes stay for the next one that has the same folder."""
    environment = {**os.environ, "CONFORMANCE_SERVER": "30", "XDG_RUNTIME_DIR": folder}
    options = [f"--adapter={adapter}" for adapter in adapters]
    started, first_row = time.perf_counter(), None
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", "check", CASE, *options],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if first_row is None and line.strip().startswith(tuple(adapters)):
                first_row = time.perf_counter() - started
    if process.returncode not in DONE or first_row is None:
        raise RuntimeError(f"check ends with {process.returncode}")
    return _Check(first_row, time.perf_counter() - started)


def measure(adapters: Sequence[str] = (), repeats: int = 3) -> dict[str, Any]:
    """All figures; without names for the adapters of a check that names none."""
    names, case = expand(adapters), str(Case.parse(CASE))
    in_order = sorted(names, key=lambda name: import_seconds(resolve(name)))
    peers, together, firsts, seconds = [], [], [], []
    for _ in range(repeats):
        peers.append([bare(name, [case])["wall"] for name in names])
        side_by_side = in_lanes(in_order, lambda name: bare(name, [case]))
        together.append(sum(loop["wall"] for _, loop in side_by_side) / processors())
        with tempfile.TemporaryDirectory() as folder:
            firsts.append(check(names, folder))
            seconds.append(check(names, folder))
    least = [sum(walls) / processors() for walls in peers]
    return {
        "adapters": names,
        "bare_s": spread(least),
        "check_s": spread(first.whole for first in firsts),
        "ratio": spread(first.whole / peer for first, peer in zip(firsts, least, strict=True)),
        "side_by_side_ratio": spread(first.whole / peer for first, peer in zip(firsts, together, strict=True)),
        "first_row_s": spread(first.first_row for first in firsts),
        "first_row_ratio": spread(
            first.first_row / min(walls) for first, walls in zip(firsts, peers, strict=True)
        ),
        "second_s": spread(second.whole for second in seconds),
        "second_ratio": spread(second.whole / first.whole for first, second in zip(firsts, seconds, strict=True)),
    }


def markdown(figures: dict[str, Any]) -> str:
    """The table of the README."""
    head = ("what", "seconds", "ratio", "to what")
    rows = [
        ("first check", figures["check_s"], figures["ratio"], "the bare calls, divided by the processors"),
        (
            "first check",
            figures["check_s"],
            figures["side_by_side_ratio"],
            "the same, where they run side by side",
        ),
        ("its first row", figures["first_row_s"], figures["first_row_ratio"], "the quickest bare call"),
        ("second check", figures["second_s"], figures["second_ratio"], "the first check"),
    ]
    return table(head, [(a, with_spread(b, 1), with_spread(c), d) for a, b, c, d in rows])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", action="append", default=[], help="repeatable")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.adapter, arguments.repeats), indent=2))


if __name__ == "__main__":
    main()
