"""What compilation costs, and what keeping compiled programs saves: the same answers, before and after.

    python -m benchmarks.compiling [--tier smoke] [--adapter jax-lax ...]

The questions of a tier are put to an adapter's process once without a cache, once while an empty cache fills, and
once more in a new process from the full cache (``CONFORMANCE_COMPILE_CACHE``); then twice in one process, where
the second time finds every program compiled. Seconds are those of all processors, the import of the framework
included but for the last. All answers have the same bits, or the command fails. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
from collections.abc import Iterable
from typing import Any

from adapters.compile_cache import VARIABLE
from adapters.process import Host
from adapters.registry import resolve
from benchmarks.figures import table
from cases import Case
from cases.data import make_tensors
from conformance.selection import select
from conformance.verdict import judge

ADAPTERS = ("jax-lax",)
Answers = dict[str, str]


def _asked(adapter: str, cases: Iterable[Case], cache: str | None, times: int = 1) -> tuple[float, Answers]:
    """Processor seconds of a process that is asked everything, and the digest of each answer."""
    os.environ.pop(VARIABLE, None)
    if cache is not None:
        os.environ[VARIABLE] = cache
    before, answers = resource.getrusage(resource.RUSAGE_CHILDREN), {}
    with Host(resolve(adapter)) as host:
        for _ in range(times):
            for case in cases:
                tensors = make_tensors(case)
                verdict = judge(case, tensors, host.ask(case, tensors, twice=False))
                digest = verdict.get("digest") or verdict["status"]
                assert answers.setdefault(str(case), digest) == digest, f"{case}: another answer"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    os.environ.pop(VARIABLE, None)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, answers


def measure(adapters: Iterable[str] = ADAPTERS, tier: str = "smoke") -> dict[str, Any]:
    """Ask each adapter with and without."""
    figures: dict[str, Any] = {"tier": tier, "adapters": {}}
    cases = select(tier, (), None)
    for adapter in adapters:
        with tempfile.TemporaryDirectory() as cache:
            without, answers = _asked(adapter, cases, None)
            filling, filled = _asked(adapter, cases, cache)
            full, kept = _asked(adapter, cases, cache)
            size = sum(entry.stat().st_size for entry in os.scandir(next(os.scandir(cache)).path))
        both, _ = _asked(adapter, cases, None, times=2)
        assert answers == filled == kept, f"{adapter}: another answer from kept programs"
        figures["adapters"][adapter] = {
            "questions": len(cases),
            "without_s": without,
            "filling_over_without": filling / without,
            "full_over_without": full / without,
            "second_time_over_first": (both - without) / without,
            "cache_mb": size / 1e6,
        }
    return figures


def markdown(figures: dict[str, Any]) -> str:
    """The table of the README."""
    rows = [
        (f"`{name}`", found["questions"], f"{found['without_s']:.1f}", f"{found['filling_over_without']:.2f}",
         f"{found['full_over_without']:.2f}", f"{max(found['second_time_over_first'], 0):.2f}",
         f"{found['cache_mb']:.1f}")
        for name, found in figures["adapters"].items()
    ]  # fmt: skip
    head = ("adapter", "questions", "no cache, s", "filling it", "from it", "again in one process", "cache, MB")
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
