"""What compilation costs, and what keeping compiled programs saves: the same outputs, before and after.

    python -m benchmarks.compiling [--tier smoke] [--adapter jax-lax ...]

An adapter's process runs the cases of a tier once without a cache, once while an empty cache fills, and once more
in a new process from the full cache (``CONFORMANCE_COMPILE_CACHE``). Seconds are those of all processors,
including the import of the framework. Then the cases run twice in one process, where every program is compiled the
second time; and as in a run, with several requests in flight, without and with one thread per processor that
precompiles them (``CONFORMANCE_COMPILE_THREADS``). These are wall times. All outputs have the same bits, or the
command fails. Prints JSON.
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
    """Processor seconds of an adapter's process, wall seconds per repetition, and the digest of each output."""

    cpu: float
    walls: list[float]
    digests: dict[str, str]


def _run_cases(
    adapter: str, cases: Sequence[Case], cache: str = "", *, times: int = 1, ahead: int = 1, count: int = 0
) -> Timing:
    """Run all cases, with ``ahead`` requests in flight, a cache and ``count`` threads that compile."""
    before, walls = resource.getrusage(resource.RUSAGE_CHILDREN), []
    digests: dict[str, str] = {}
    sent: deque[tuple[Case, Tensors, Pending]] = deque()
    with patch.dict(os.environ, {VARIABLE: cache, THREADS: str(count)}), AdapterProcess(resolve(adapter)) as host:
        for _ in range(times):
            started = time.perf_counter()
            for case in cases:
                tensors = make_tensors(case)
                sent.append((case, tensors, host.send(case, tensors, twice=False)))
                if len(sent) >= ahead:
                    _receive(host, sent, digests)
            while sent:
                _receive(host, sent, digests)
            walls.append(time.perf_counter() - started)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Timing(cpu, walls, digests)


def _receive(host: AdapterProcess, sent: deque[tuple[Case, Tensors, Pending]], digests: dict[str, str]) -> None:
    case, tensors, pending = sent.popleft()
    verdict = judge(case, tensors, host.wait(pending))
    digest = verdict.digest or verdict.status
    assert digests.setdefault(str(case), digest) == digest, f"{case}: a different output"


def measure(adapters: Iterable[str] = ADAPTERS, tier: str = "smoke") -> dict[str, Any]:
    """Run each adapter with and without a cache and threads."""
    figures: dict[str, Any] = {"tier": tier, "adapters": {}}
    cases = select(tier, (), None)
    for adapter in adapters:
        with tempfile.TemporaryDirectory() as cache:
            without = _run_cases(adapter, cases)
            filling = _run_cases(adapter, cases, cache)
            full = _run_cases(adapter, cases, cache)
            size = sum(path.stat().st_size for path in Path(cache).rglob("*") if path.is_file())
        both = _run_cases(adapter, cases, times=2)
        one = _run_cases(adapter, cases, ahead=MOST_AHEAD + 1)
        several = _run_cases(adapter, cases, ahead=MOST_AHEAD + 1, count=processors())
        others = (filling, full, both, one, several)
        assert all(timing.digests == without.digests for timing in others), f"{adapter}: a different output"
        figures["adapters"][adapter] = {
            "cases": len(cases),
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
        (f"`{name}`", measured["cases"], f"{measured['without_s']:.1f}", f"{measured['filling_over_without']:.2f}",
         f"{measured['full_over_without']:.2f}", f"{measured['second_time_over_first']:.2f}",
         f"{measured['cache_mb']:.1f}", f"{measured['threads_over_one']:.2f}")
        for name, measured in figures["adapters"].items()
    ]  # fmt: skip
    head = ("adapter", "cases", "no cache, s", "filling it", "from it", "again in one process, wall",
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
