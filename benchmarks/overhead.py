"""What the suite costs on top of the frameworks' own time: a whole run against the same calls in a bare loop.

    python -m benchmarks.overhead [--tier gate] [--adapter torch ...] [--repeats 3]

The bare loop (`benchmarks.bare`) is a process that imports the framework and makes each call once, from the start
of the interpreter to the last output; no oracle, no verdict. A case that ends its process ends that of a run, too;
the loop then continues after it in a new process. The run is the whole command ``conformance run``: start of the
interpreter, pytest, collection, the adapter's process and its import of the framework, input data, second runs of
the cases, oracle, verdict, record, diagnosis of failures, summary, JUnit and HTML report. A run over several
adapters is compared with their loops one after the other. All figures are wall seconds and seconds of all
processors; on a machine with other work only the latter are comparable. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from benchmarks.figures import DONE, spread, table, timed, with_spread
from conformance.adapters.registry import load, resolve
from conformance.adapters.selection import expand
from conformance.runner.selection import select


class Part(NamedTuple):
    """One comparison: which adapters run which tier in one run, and how often; ``where`` selects cases."""

    adapters: tuple[str, ...]
    tier: str
    repeats: int
    where: str | None = None


PARTS = (
    Part(("torch",), "smoke", 9),
    Part(("torch",), "gate", 9),
    Part(("onnxruntime",), "gate", 3),
    Part(("keras-tensorflow",), "gate", 2),
    Part(("*",), "smoke", 1, "dtype = 'f32'"),
)
"""The fastest framework on few and on many cases, two others, and every installed adapter of Python in one run."""


def bare(adapter: str, cases: Sequence[str]) -> dict[str, float]:
    """Time the loop over one adapter."""
    total = {"wall": 0.0, "cpu": 0.0, "calls": 0}
    left = list(cases)
    with _scratch() as scratch:
        ids = scratch / "ids"
        while left:
            ids.write_text("\n".join(left), encoding="utf-8")
            loop = timed(sys.executable, "-m", "benchmarks.bare", adapter, str(ids))
            # Some frameworks print lines of their own.
            numbers = [line for line in loop.printed.splitlines() if line.isdigit()]
            uncounted = json.loads(next((line for line in loop.printed.splitlines() if line[:1] == b"{"), b"{}"))
            if loop.status and not numbers:
                raise RuntimeError(f"the loop over {adapter} ends with {loop.status} before any case")
            total["wall"] += loop.wall - uncounted["wall"]
            total["cpu"] += loop.cpu - uncounted["cpu"]
            total["calls"] += len(numbers)
            left = left[int(numbers[-1]) + 1 :] if loop.status else []
    return total


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder, in which Inductor keeps its programs too, so that it finds none of an earlier process."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        patch.dict(os.environ, {"TORCHINDUCTOR_CACHE_DIR": scratch}),
    ):
        yield Path(scratch)


def run(adapters: Iterable[str], tier: str, where: str | None = None) -> dict[str, float]:
    """Time the whole command."""
    with _scratch() as scratch:
        options = [f"--adapter={adapter}" for adapter in adapters] + ([f"--where={where}"] if where else [])
        out = str(scratch / "out")
        whole = timed(
            sys.executable, "-m", "conformance", "run", *options, "--tier", tier, "--out", out, ends=DONE
        )
        return {"wall": whole.wall, "cpu": whole.cpu}


def compare(part: Part) -> dict[str, Any]:
    """Time both, alternately."""
    cases = [str(case) for case in select(part.tier, (), part.where)]
    # The bare loop is a Python program.
    adapters = [name for name in expand(part.adapters) if load(resolve(name).target).language == "python"]
    pairs = []
    for _ in range(part.repeats):
        whole = run(adapters, part.tier, part.where)
        loops = [bare(adapter, cases) for adapter in adapters]
        pairs.append((whole, {name: sum(loop[name] for loop in loops) for name in ("wall", "cpu", "calls")}))
    return {
        **part._asdict(),
        "adapters": adapters,
        "calls": pairs[0][1]["calls"],
        "bare_s": spread(loop["wall"] for _, loop in pairs),
        "run_s": spread(whole["wall"] for whole, _ in pairs),
        "wall_ratio": spread(whole["wall"] / loop["wall"] for whole, loop in pairs),
        "cpu_ratio": spread(whole["cpu"] / loop["cpu"] for whole, loop in pairs),
    }


def measure(parts: Iterable[Part] = PARTS) -> dict[str, Any]:
    """All figures."""
    return {"parts": [compare(part) for part in parts]}


def markdown(figures: dict[str, Any]) -> str:
    """The table of the README."""
    head = ("adapters", "tier", "calls", "bare loop, s", "whole run, s", "ratio, wall", "ratio, processor")
    rows = [
        (
            f"`{part['adapters'][0]}`" if len(part["adapters"]) == 1 else f"{len(part['adapters'])} adapters",
            ", ".join(filter(None, (f"`{part['tier']}`", part["where"]))), part["calls"],
            with_spread(part["bare_s"], 1), with_spread(part["run_s"], 1),
            with_spread(part["wall_ratio"]), with_spread(part["cpu_ratio"]),
        )
        for part in figures["parts"]
    ]  # fmt: skip
    return table(head, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", default="gate")
    parser.add_argument("--adapter", action="append", help="adapters of one run; repeatable")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    parts = [Part(tuple(arguments.adapter), arguments.tier, arguments.repeats)] if arguments.adapter else PARTS
    print(json.dumps(measure(parts), indent=2))


if __name__ == "__main__":
    main()
