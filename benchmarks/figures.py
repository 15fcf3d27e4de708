"""What the benchmarks share: the spread of repeated figures, the machine they come from, and Markdown tables."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, NamedTuple

from adapters.environment import describe
from conformance.exit_codes import DISCREPANCY, NOTHING_NEW

__all__ = ["DONE", "Timed", "best_of", "grouped", "machine", "spread", "table", "timed", "with_spread"]

# What a command of the suite that does what it is asked ends with.
DONE = (NOTHING_NEW, DISCREPANCY)

_PACKAGES = ("numpy", "torch", "tensorflow", "keras", "jax", "onnx", "pytest", "pytest-xdist", "pytest-html")


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, lowest and highest of repeated figures."""
    values = list(values)
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def with_spread(figure: dict[str, float], digits: int = 2) -> str:
    """A spread in words: ``1.10 (1.05 to 1.20)``."""
    return "{median:.{d}f} ({low:.{d}f} to {high:.{d}f})".format(**figure, d=digits)


class Timed(NamedTuple):
    """A command that ended: its seconds, those of all processors, its peak memory, what it printed, its status."""

    wall: float
    cpu: float
    peak_mb: float
    printed: bytes
    status: int


def timed(*command: str, ends: Container[int] | None = None) -> Timed:
    """Run a command to its end; raises RuntimeError where it ends with another status than it may."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall, cpu = time.perf_counter() - started, usage.ru_utime + usage.ru_stime
    if ends is not None and process.returncode not in ends:
        raise RuntimeError(f"{' '.join(command)} ends with {process.returncode}")
    return Timed(wall, cpu, usage.ru_maxrss / 1024, printed, process.returncode)


def best_of(call: Callable[[], Any], *, within: float = 0.3, repeats: int = 3) -> float:
    """Seconds of one call: the best of the repeats that fit, which other work on the machine disturbs least."""
    best, count, begun = float("inf"), 0, time.perf_counter()
    while count < repeats or time.perf_counter() - begun < within:
        started = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - started)
        count += 1
        if time.perf_counter() - begun > 20 * within:
            break
    return best


def machine() -> dict[str, Any]:
    """Processor, cores, load and versions, as far as the system says."""
    about = describe(_PACKAGES)
    return {
        "processor": about["cpu"],
        "cores": about["threads"],
        "load": round(os.getloadavg()[0], 1),
        "python": about["python"],
        "versions": about["versions"],
    }


def grouped(number: int) -> str:
    """A count with its thousands apart: ``10 000``."""
    return f"{number:,}".replace(",", " ")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)
