"""What grows with the number of outcomes, and how much a second worker helps.

    python -m benchmarks.scale [--outcomes 10000 --outcomes 100000] [--adapters 1 --adapters 16]

Records: made-up outcomes of 20 adapters and more, of some 5000 cases each, are recorded, reported, merged from two
halves and compared with themselves, each command in a process of its own; seconds, and the peak of its resident
memory. Runs: the ``full`` tier on ever more adapters that decline every case, so that only the suite's own memory
counts. Workers: the ``full`` tier on an adapter that waits 20 ms per case, with ``-n 1`` and ``-n 2``, so that
enough cores are free for both. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import DONE, grouped, spread, table, timed, with_spread
from conformance.cases import Case
from conformance.reports.record.store import Results
from tests.support.records import make_run

OUTCOMES = (10_000, 100_000, 1_000_000)
"""How many made-up outcomes are recorded."""

ADAPTERS = (1, 16, 160)
"""How many adapters run the full tier in one run."""

_DECLINES = """
from conformance.adapters.base import Adapter, Limit

class Declines(Adapter):
    packages, documentation = ("numpy",), "https://example.org"
    limits = (Limit("inexpressible", "rank", lambda case: True, "declines", "https://example.org"),)

    def program(self, case):
        raise NotImplementedError

for number in range({count}):
    globals()[f"D{{number}}"] = type(f"D{{number}}", (Declines,), {{"name": f"d{{number}}"}})
"""
_WAITS = """
from examples.numpy_backend import NumpyBackend
from conformance.adapters.base import Program

class Waits(NumpyBackend):
    name = "waits"

    def program(self, case):
        right = super().program(case)
        return Program(("import time",), ("time.sleep(0.02)", *right.body))
"""


def _timed(*command: str) -> dict[str, float]:
    """Run a command; its seconds and the largest resident memory of its processes, in MB."""
    done = timed(*command, ends=DONE)
    return {"seconds": done.wall, "peak_mb": done.peak_mb}


def _conformance(*arguments: str) -> dict[str, float]:
    return _timed(sys.executable, "-m", "conformance", *arguments)


def _make(path: str, outcomes: str, adapters: str) -> None:
    """In a process of its own: record made-up outcomes, and two files that hold half of them each."""
    target = Path(path)
    with make_run(target, int(outcomes), int(adapters)) as results:
        everything = list(results.outcomes())
    if target.name == "whole.sqlite":
        halves = [everything[half::2] for half in (0, 1)]
        for half, mine in enumerate(halves):
            with Results.create(target.with_name(f"half-{half}.sqlite")) as part:
                part.plan([(o.adapter, Case.parse(o.case_id)) for o in mine])
                part.record_all(mine)


def records(outcomes: int) -> dict[str, Any]:
    """Record, report, merge and diff a number of outcomes."""
    adapters = max(20, outcomes // 5000)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        whole, only = str(folder / "whole.sqlite"), str(folder / "only.sqlite")
        make = (sys.executable, "-m", "benchmarks.scale", "--make")
        _timed(*make, whole, str(outcomes), str(adapters))
        halves = [str(folder / f"half-{half}.sqlite") for half in (0, 1)]
        return {
            "outcomes": outcomes,
            "record": _timed(*make, only, str(outcomes), str(adapters)),
            "report": _conformance("report", whole, "--out", str(folder / "report")),
            "merge": _conformance("merge", *halves, "--out", str(folder / "merged.sqlite")),
            "diff": _conformance("diff", whole, only),
        }


def runs(adapters: int) -> dict[str, Any]:
    """Run the full tier on a number of adapters."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "declining.py"
        file.write_text(_DECLINES.format(count=adapters), encoding="utf-8")
        names = [f"--adapter={file}:D{number}" for number in range(adapters)]
        out = Path(scratch) / "out"
        figures = _conformance("run", *names, "--tier", "full", "--out", str(out), "--", "--no-report")
        with Results.open(out / "results.sqlite") as results:
            outcomes = results.count()
        return {"outcomes": outcomes, **figures, "ms_an_outcome": figures["seconds"] / outcomes * 1000}


def workers(repeats: int = 2) -> dict[str, Any]:
    """How much sooner two workers finish than one."""
    ratios = []
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "waiting.py"
        file.write_text(_WAITS, encoding="utf-8")
        for _ in range(repeats):
            one, two = (
                _conformance("run", f"--adapter={file}:Waits", "--tier", "full", "-n", str(count), "--out",
                             str(Path(scratch) / "out"), "--", "--no-report")["seconds"]
                for count in (1, 2)
            )  # fmt: skip
            ratios.append(one / two)
    return {"speedup": spread(ratios)}


def measure(outcomes: Sequence[int] = OUTCOMES, adapters: Sequence[int] = ADAPTERS) -> dict[str, Any]:
    """All figures."""
    return {
        "workers": workers(),
        "runs": [runs(count) for count in adapters],
        "records": [records(count) for count in outcomes],
    }


def markdown(figures: dict[str, Any]) -> str:
    """The tables of the README."""
    steps = ("record", "report", "merge", "diff")
    recorded = [
        (grouped(row["outcomes"]),
         *(f"{row[step]['seconds']:.1f} s, {row[step]['peak_mb']:.0f} MB" for step in steps))
        for row in figures["records"]
    ]  # fmt: skip
    run_rows = [
        (grouped(row["outcomes"]), f"{row['seconds']:.1f}", f"{row['ms_an_outcome']:.2f}",
         f"{row['peak_mb']:.0f}")
        for row in figures["runs"]
    ]  # fmt: skip
    return "\n\n".join(
        [
            table(("outcomes", *steps), recorded),
            table(("outcomes of one run", "seconds", "ms each", "peak, MB"), run_rows),
            f"Two workers are done {with_spread(figures['workers']['speedup'])} times sooner than one.",
        ]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outcomes", type=int, action="append")
    parser.add_argument("--adapters", type=int, action="append", help="number of adapters that run the full tier")
    parser.add_argument("--make", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        _make(*arguments.make)
        return
    print(json.dumps(measure(arguments.outcomes or OUTCOMES, arguments.adapters or ADAPTERS), indent=2))


if __name__ == "__main__":
    main()
