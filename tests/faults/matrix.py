"""The kill matrix, ``python -m tests.faults.matrix [TIER ...]``: how many cases of a tier notice each fault."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from cases import Case
from cases.errors import DomainError
from cases.policy import beyond_memory
from cases.tiers import TIERS, load_tier, tier_hash
from conformance.bound import Reference
from conformance.reference import question, reference
from conformance.verdict import judge
from tests.faults.catalogue import FAULTS, RIGHT, Fault

__all__ = ["answerable", "kills", "notices", "unnoticed"]

Expected = dict[str, Reference]


def answerable(cases: Iterable[Case]) -> Iterator[tuple[Case, Expected]]:
    """The cases that have an answer some memory holds, with the oracle's."""
    for case in cases:
        try:
            if beyond_memory(case):
                continue
        except DomainError:
            continue
        yield case, reference(case, question(case))


def notices(case: Case, expected: Expected, fault: Fault) -> bool:
    """Whether the verdict on a case fails an implementation with a fault in it."""
    tensors = question(case)
    with np.errstate(all="ignore"):
        return judge(case, tensors, fault.reply(case, tensors), expected=expected)["status"] == "fail"


def unnoticed(fault: Fault, cases: Sequence[tuple[Case, Expected]]) -> list[int]:
    """The ranks on which a fault can be said and no case notices it."""
    return [
        rank
        for rank in fault.ranks
        if not any(case.rank == rank and notices(case, expected, fault) for case, expected in cases)
    ]


def kills(tier: str) -> dict[str, Counter[int]]:
    """For every fault, the number of cases on each rank that notice it."""
    found: dict[str, Counter[int]] = {name: Counter() for name in FAULTS}
    for case, expected in answerable(load_tier(tier)):
        if notices(case, expected, RIGHT):
            raise AssertionError(f"false alarm on {case}")
        for name, fault in FAULTS.items():
            if case.rank in fault.ranks and notices(case, expected, fault):
                found[name][case.rank] += 1
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the matrix as Markdown; write it as JSON where asked to, cases by fault and tier."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.matrix", description=__doc__)
    parser.add_argument("tiers", metavar="TIER", nargs="*", help="default: smoke gate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write {fault: {tier: cases}}")
    given = parser.parse_args(arguments)
    unknown = set(given.tiers) - TIERS.keys()
    if unknown:
        parser.error(f"no tier {', '.join(sorted(unknown))}; there are {', '.join(TIERS)}")
    found = {tier: kills(tier) for tier in given.tiers or ("smoke", "gate")}
    _print(found)
    if given.json:
        counts = {name: {tier: sum(found[tier][name].values()) for tier in found} for name in FAULTS}
        given.json.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


def _print(found: dict[str, dict[str, Counter[int]]]) -> None:
    for tier, counts in found.items():
        noticed = sum(all(counts[name][rank] for rank in fault.ranks) for name, fault in FAULTS.items())
        print(
            f"`{tier}` ({tier_hash(load_tier(tier))}) notices {noticed} of {len(FAULTS)} faults on every rank.\n"
        )
    columns = [(tier, rank) for tier in found for rank in (1, 2, 3)]
    print("| fault |" + "".join(f" {tier} {rank}-D |" for tier, rank in columns))
    print("| --- |" + " ---: |" * len(columns))
    for name, fault in FAULTS.items():
        cells = (str(found[tier][name][rank]) if rank in fault.ranks else "" for tier, rank in columns)
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
