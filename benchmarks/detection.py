"""How soon planted faults are noticed: after how many cases and seconds, per list of cases.

    python -m benchmarks.detection [--random 1000]

Every fault of ``tests/faults`` is planted on every rank where it can occur, and the cases of a list run in the
list's order (a tier's in that of a run) until it is noticed. The lists are the suite's tiers, the lists of other
projects' tests (``cases/peers``) and random samples of the whole domain (``cases/design/strategies``). The suite's
verdict judges all of them. The seconds are those of a right implementation in NumPy with oracle and verdict.
Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

import hypothesis

from benchmarks.figures import table
from conformance.cases import Case
from conformance.cases.design.strategies import valid_cases
from conformance.cases.peers import load_peers
from conformance.cases.tiers import load_tier
from conformance.oracle.expected_output import input_tensors
from conformance.oracle.verdict import judge
from conformance.runner.plan import turn
from tests.faults.catalogue import FAULTS, RIGHT
from tests.faults.matrix import judged_cases, notices

CHECKPOINTS = (1, 3, 10, 30, 100, 300, 1000)


def sample(count: int) -> list[Case]:
    """Random cases, the same ones for the same version of hypothesis."""
    drawn: list[Case] = []

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=count, database=None, deadline=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(valid_cases())
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    return drawn


def detect(cases: Iterable[Case]) -> dict[str, Any]:
    """Run cases in order, and record when each fault is noticed first."""
    left = {(name, rank) for name, fault in FAULTS.items() for rank in fault.ranks}
    planted, count, seconds = len(left), 0, 0.0
    curve: list[dict[str, float]] = []
    last = {"cases": 0, "seconds": 0.0}
    started = time.perf_counter()
    for case, expected in judged_cases(cases):
        judge(case, input_tensors(case), RIGHT.reply(case, input_tensors(case)), expected=expected)
        seconds += time.perf_counter() - started
        count += 1
        noticed = {key for key in left if key[1] == case.rank and notices(case, expected, FAULTS[key[0]])}
        left -= noticed
        if noticed:
            last = {"cases": count, "seconds": seconds}
        if count in CHECKPOINTS:
            curve.append({"cases": count, "seconds": seconds, "noticed": planted - len(left)})
        started = time.perf_counter()
    return {
        "planted": planted,
        "cases": count,
        "seconds": seconds,
        "noticed": planted - len(left),
        "last_noticed_after": last,
        "curve": curve,
        "unnoticed": sorted(f"{name}, {rank}-D" for name, rank in left),
    }


def measure(random: int = 1000, tiers: Sequence[str] = ("smoke", "gate")) -> dict[str, Any]:
    """Measure every list."""
    lists = {f"tier `{tier}`": sorted(load_tier(tier), key=lambda case: turn(str(case))) for tier in tiers}
    lists |= {f"{peer.name} {peer.version}": list(peer.cases) for peer in load_peers().values()}
    lists["random sampling"] = sample(random)
    return {name: detect(cases) for name, cases in lists.items()}


def markdown(figures: dict[str, Any]) -> str:
    """The tables of the README."""
    planted = next(iter(figures.values()))["planted"]
    rows, curves = [], []
    for name, measured in figures.items():
        last = measured["last_noticed_after"]
        rows.append(
            (
                name,
                measured["cases"],
                f"{measured['noticed']} of {planted}",
                last["cases"],
                f"{last['seconds']:.1f}",
            )
        )
        at = {point["cases"]: f"{point['noticed'] / planted:.0%}" for point in measured["curve"]}
        curves.append((name, *(at.get(count, "") for count in CHECKPOINTS)))
    return "\n\n".join(
        [
            table(("list", "valid cases", "faults noticed", "the last after, cases", "seconds"), rows),
            table(("share of the faults noticed after", *(f"{count} cases" for count in CHECKPOINTS)), curves),
        ]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=1000)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.random), indent=2))


if __name__ == "__main__":
    main()
