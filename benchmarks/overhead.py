"""What the suite costs beside the frameworks' own time: a whole run against the same calls in a bare loop.

    python -m benchmarks.overhead [--tier gate] [--adapter torch ...] [--repeats 3]

The bare loop (`benchmarks.bare`) is a process that imports the framework and makes each call once, from the
start of the interpreter to the last answer; no oracle, no verdict. A question that ends its process ends a
run's, too; the loop goes on behind it in a new one. The run is the whole command ``conformance run``: start of
the interpreter, pytest, collection, the adapter's process and its import of the framework, input data, second
answers, oracle, verdict, record, diagnosis of what is wrong, summary, JUnit and HTML report. A run over several
adapters stands beside their loops one after the other. All are given in seconds of the wall and of all
processors; on a machine with other work only the second is comparable. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.figures import spread, table, timed, with_spread
from conformance.selection import select


class Part(NamedTuple):
    """One comparison: who is asked which tier, in one run, and how often."""

    adapters: tuple[str, ...]
    tier: str
    repeats: int


PARTS = (
    Part(("torch",), "smoke", 5),
    Part(("torch",), "gate", 5),
    Part(("onnxruntime",), "gate", 3),
    Part(("keras-tensorflow",), "gate", 2),
    Part(("torch", "keras-tensorflow", "tf-nn", "jax-lax", "flax-nnx", "onnxruntime", "openvino"), "smoke", 1),
)
"""The fastest framework on few and on many questions, two others, and one interface of each in one run."""


def bare(adapter: str, cases: Sequence[str]) -> dict[str, float]:
    """Time the loop over one adapter."""
    found = {"wall": 0.0, "cpu": 0.0, "calls": 0}
    left = list(cases)
    with tempfile.TemporaryDirectory() as scratch:
        ids = Path(scratch) / "ids"
        while left:
            ids.write_text("\n".join(left), encoding="utf-8")
            loop = timed(sys.executable, "-m", "benchmarks.bare", adapter, str(ids))
            first, *numbers = loop.printed.splitlines() or [b"{}"]
            still = json.loads(first)
            if loop.status and not numbers:
                raise RuntimeError(f"the loop over {adapter} ends with {loop.status} before any question")
            found["wall"] += loop.wall - still["wall"]
            found["cpu"] += loop.cpu - still["cpu"]
            found["calls"] += len(numbers)
            left = left[int(numbers[-1]) + 1 :] if loop.status else []
    return found


def run(adapters: Iterable[str], tier: str) -> dict[str, float]:
    """Time the whole command."""
    with tempfile.TemporaryDirectory() as out:
        named = [f"--adapter={adapter}" for adapter in adapters]
        whole = timed(sys.executable, "-m", "conformance", "run", *named, "--tier", tier, "--out", out)
        return {"wall": whole.wall, "cpu": whole.cpu}


def compare(part: Part) -> dict[str, Any]:
    """Time both, in turns."""
    cases = [str(case) for case in select(part.tier, (), None)]
    pairs = []
    for _ in range(part.repeats):
        whole = run(part.adapters, part.tier)
        loops = [bare(adapter, cases) for adapter in part.adapters]
        pairs.append((whole, {name: sum(loop[name] for loop in loops) for name in ("wall", "cpu", "calls")}))
    return {
        **part._asdict(),
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
    head = ("asked", "tier", "calls", "bare loop, s", "whole run, s", "ratio, wall", "ratio, processor")
    rows = [
        (
            f"`{part['adapters'][0]}`" if len(part["adapters"]) == 1 else f"{len(part['adapters'])} adapters",
            f"`{part['tier']}`", part["calls"], with_spread(part["bare_s"], 1), with_spread(part["run_s"], 1),
            with_spread(part["wall_ratio"]), with_spread(part["cpu_ratio"]),
        )
        for part in figures["parts"]
    ]  # fmt: skip
    return table(head, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", default="gate")
    parser.add_argument("--adapter", action="append", help="asked in one run; repeatable")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    parts = [Part(tuple(arguments.adapter), arguments.tier, arguments.repeats)] if arguments.adapter else PARTS
    print(json.dumps(measure(parts), indent=2))


if __name__ == "__main__":
    main()
