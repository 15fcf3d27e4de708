"""All figures of ``benchmarks/README.md`` in one command: ``python -m benchmarks [NAME ...] [--quick]``.

Each benchmark is measured, and its tables are written into the README between its two markers, with the machine,
its load and the versions. The figures themselves go to ``conformance-out/benchmarks.json``.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import (
    checking,
    compiling,
    detection,
    false_alarms,
    oracle,
    overhead,
    report_page,
    scale,
    speed,
    tolerances,
)
from benchmarks.figures import machine

README = Path(__file__).with_name("README.md")


class Benchmark(NamedTuple):
    """A benchmark: how it is measured, how its figures are formatted, and the parameters of a quick run."""

    measure: Callable[..., dict[str, Any]]
    markdown: Callable[[dict[str, Any]], str]
    quick: dict[str, Any]


BENCHMARKS = {
    "overhead": Benchmark(
        overhead.measure, overhead.markdown, {"parts": [overhead.Part(("torch", "onnxruntime"), "smoke", 1)]}
    ),
    "checking": Benchmark(checking.measure, checking.markdown, {"adapters": ("onnxruntime",), "repeats": 1}),
    "speed": Benchmark(speed.measure, speed.markdown, {"tier": "smoke", "repeats": 1}),
    "compiling": Benchmark(compiling.measure, compiling.markdown, {}),
    "oracle": Benchmark(oracle.measure, oracle.markdown, {"tier": "smoke", "repeats": 1}),
    "detection": Benchmark(detection.measure, detection.markdown, {"random": 100, "tiers": ("smoke",)}),
    "scale": Benchmark(scale.measure, scale.markdown, {"outcomes": (10_000,), "adapters": (1,)}),
    "false_alarms": Benchmark(false_alarms.measure, false_alarms.markdown, {"adapters": (), "seeds": 1}),
    "tolerances": Benchmark(tolerances.measure, tolerances.markdown, {}),
    "report_page": Benchmark(
        report_page.measure, report_page.markdown, {"outcomes": 10_000, "peer_outcomes": 1000}
    ),
}


def describe_machine(facts: dict[str, Any]) -> str:
    """Where figures come from, in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    hardware = f"{facts['processor']}, {facts['cores']} cores, load {facts['load']}"
    return f"{hardware}; Python {facts['python']}, {versions}."


def replace_block(text: str, name: str, block: str) -> str:
    """The README with the block between the markers of a benchmark replaced."""
    pattern = re.compile(rf"(<!-- start {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    replaced, count = pattern.subn(lambda match: f"{match[1]}\n{block}\n\n{match[2]}", text)
    if count != 1:
        raise ValueError(f"the README has {count} places for {name}")
    return replaced


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="smaller sizes; the README stays as it is")
    parser.add_argument("--out", type=Path, default=Path("conformance-out/benchmarks.json"))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - BENCHMARKS.keys():
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}; the benchmarks are {', '.join(BENCHMARKS)}")
    figures: dict[str, Any] = {}
    for name in arguments.names or BENCHMARKS:
        benchmark, started = BENCHMARKS[name], time.perf_counter()
        facts = machine()
        measured = benchmark.measure(**(benchmark.quick if arguments.quick else {}))
        figures[name] = {"machine": facts, "figures": measured}
        block = f"{benchmark.markdown(measured)}\n\n{describe_machine(facts)}"
        print(f"{name}: {time.perf_counter() - started:.0f} s\n\n{block}\n", flush=True)
        if not arguments.quick:
            README.write_text(replace_block(README.read_text(encoding="utf-8"), name, block), encoding="utf-8")
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
