"""What the benchmarks share: the spread of repeated figures, the machine they come from, and Markdown tables."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, NamedTuple

from conformance.adapters.environment import describe
from conformance.reports.gate.exit_codes import DISCREPANCY, NOTHING_NEW

__all__ = ["DONE", "Timed", "best_of", "grouped", "machine", "spread", "table", "timed", "with_spread"]

# Exit statuses of a command of the suite that succeeds.
DONE = (NOTHING_NEW, DISCREPANCY)

_PACKAGES = ("numpy", "torch", "tensorflow", "keras", "jax", "onnx", "pytest", "pytest-xdist", "pytest-html")


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, lowest and highest of repeated figures."""
    values = list(values)
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def with_spread(figure: dict[str, float], digits: int = 2) -> str:
    """A spread as text: ``1.10 (1.05 to 1.20)``."""
    return "{median:.{d}f} ({low:.{d}f} to {high:.{d}f})".format(**figure, d=digits)


class Timed(NamedTuple):
    """A command that ended: its seconds, those of all processors, its peak memory, what it printed, its status."""

    wall: float
    cpu: float
    peak_mb: float
    printed: bytes
    status: int


# The peak memory of a process includes that of its parent at the start, so a small process starts the command.
_LAUNCHER = """
import json, os, resource, sys, time
started = time.perf_counter()
_, status = os.waitpid(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ), 0)
wall, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
figures = wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)
os.write(1, b"\\n" + json.dumps(figures).encode())
"""


def timed(*command: str, ends: Container[int] | None = None) -> Timed:
    """Run a command to its end; raises RuntimeError for an exit status that is not in ``ends``."""
    launcher = (sys.executable, "-I", "-S", "-c", _LAUNCHER)
    done = subprocess.run((*launcher, *command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    printed, _, figures = done.stdout.rpartition(b"\n")
    wall, cpu, peak_mb, status = json.loads(figures)
    if ends is not None and status not in ends:
        raise RuntimeError(f"{' '.join(command)} ends with {status}")
    return Timed(wall, cpu, peak_mb, printed, status)


def best_of(call: Callable[[], Any], *, within: float = 0.3, repeats: int = 3) -> float:
    """Seconds of one call: the best of the repeats that fit, the one least disturbed by other work."""
    best, count, first = float("inf"), 0, time.perf_counter()
    while count < repeats or time.perf_counter() - first < within:
        started = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - started)
        count += 1
        if time.perf_counter() - first > 20 * within:
            break
    return best


def machine() -> dict[str, Any]:
    """Processor, cores, load and versions, as far as the system reports them."""
    about = describe(_PACKAGES)
    return {
        "processor": about["cpu"],
        "cores": about["threads"],
        "load": round(os.getloadavg()[0], 1),
        "python": about["python"],
        "versions": about["versions"],
    }


def grouped(number: int) -> str:
    """A count with its thousands separated: ``10 000``."""
    return f"{number:,}".replace(",", " ")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)
