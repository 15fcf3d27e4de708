"""What compilation costs, and what keeping compiled programs saves: the same answers, before and after.

    python -m benchmarks.compiling [--tier smoke] [--adapter jax-lax ...]

The questions of a tier are put to an adapter's process once without a cache, once while an empty cache fills, and
once more in a new process from the full cache (``CONFORMANCE_COMPILE_CACHE``). Seconds are those of all
processors, the import of the framework included. Then twice in one process, where the second time finds every
program compiled, and as a run asks, some questions ahead, without and with a thread for each processor that
compiles for those (``CONFORMANCE_COMPILE_THREADS``), both by the clock on the wall. All answers have the same
bits, or the command fails. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from benchmarks.figures import table
from conformance.adapters.environment import processors
from conformance.adapters.host.client import AdapterProcess, Pending
from conformance.adapters.host.compile_cache import VARIABLE
from conformance.adapters.host.precompile import THREADS
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.data import Tensors, make_tensors
from conformance.execution.case_runner import MOST_AHEAD
from conformance.oracle.verdict import judge
from conformance.runner.selection import select

ADAPTERS = ("jax-lax",)


class Timing(NamedTuple):
    """Seconds of all processors of a process that was asked, and on the wall each time; each answer's digest."""

    cpu: float
    walls: list[float]
    answers: dict[str, str]


def _asked(
    adapter: str, cases: Sequence[Case], cache: str = "", *, times: int = 1, ahead: int = 1, count: int = 0
) -> Timing:
    """Ask everything, ``ahead`` questions at a time, with a cache and so many threads that compile."""
    before, walls = resource.getrusage(resource.RUSAGE_CHILDREN), []
    answers: dict[str, str] = {}
    sent: deque[tuple[Case, Tensors, Pending]] = deque()
    with patch.dict(os.environ, {VARIABLE: cache, THREADS: str(count)}), AdapterProcess(resolve(adapter)) as host:
        for _ in range(times):
            started = time.perf_counter()
            for case in cases:
                tensors = make_tensors(case)
                sent.append((case, tensors, host.send(case, tensors, twice=False)))
                if len(sent) >= ahead:
                    _take(host, sent, answers)
            while sent:
                _take(host, sent, answers)
            walls.append(time.perf_counter() - started)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Timing(cpu, walls, answers)


def _take(host: AdapterProcess, sent: deque[tuple[Case, Tensors, Pending]], answers: dict[str, str]) -> None:
    case, tensors, pending = sent.popleft()
    verdict = judge(case, tensors, host.wait(pending))
    digest = verdict.get("digest") or verdict["status"]
    assert answers.setdefault(str(case), digest) == digest, f"{case}: another answer"


def measure(adapters: Iterable[str] = ADAPTERS, tier: str = "smoke") -> dict[str, Any]:
    """Ask each adapter with and without."""
    figures: dict[str, Any] = {"tier": tier, "adapters": {}}
    cases = select(tier, (), None)
    for adapter in adapters:
        with tempfile.TemporaryDirectory() as cache:
            without = _asked(adapter, cases)
            filling = _asked(adapter, cases, cache)
            full = _asked(adapter, cases, cache)
            size = sum(path.stat().st_size for path in Path(cache).rglob("*") if path.is_file())
        both = _asked(adapter, cases, times=2)
        one = _asked(adapter, cases, ahead=MOST_AHEAD + 1)
        several = _asked(adapter, cases, ahead=MOST_AHEAD + 1, count=processors())
        others = (filling, full, both, one, several)
        assert all(asked.answers == without.answers for asked in others), f"{adapter}: another answer"
        figures["adapters"][adapter] = {
            "questions": len(cases),
            "without_s": without.cpu,
            "filling_over_without": filling.cpu / without.cpu,
            "full_over_without": full.cpu / without.cpu,
            "second_time_over_first": both.walls[1] / both.walls[0],
            "cache_mb": size / 1e6,
            "threads_over_one": several.walls[0] / one.walls[0],
        }
    return figures


def markdown(figures: dict[str, Any]) -> str:
    """The table of the README."""
    rows = [
        (f"`{name}`", found["questions"], f"{found['without_s']:.1f}", f"{found['filling_over_without']:.2f}",
         f"{found['full_over_without']:.2f}", f"{found['second_time_over_first']:.2f}",
         f"{found['cache_mb']:.1f}", f"{found['threads_over_one']:.2f}")
        for name, found in figures["adapters"].items()
    ]  # fmt: skip
    head = ("adapter", "questions", "no cache, s", "filling it", "from it", "again in one process, wall",
            "cache, MB", "in threads, wall")  # fmt: skip
    return table(head, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", default="smoke")
    parser.add_argument("--adapter", action="append")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.adapter or ADAPTERS, arguments.tier), indent=2))


if __name__ == "__main__":
    main()
