"""The kill matrix, ``python -m tests.faults.matrix [TIER ...]``: how many cases of a tier notice each fault.

With ``--masking`` it says instead how many of those notices the shipped expectations hide, adapter by adapter.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from conformance.cases import Case, tiers
from conformance.cases.errors import DomainError
from conformance.cases.policy import beyond_memory
from conformance.cases.tiers import TIERS, load_tier, tier_hash
from conformance.oracle.expected_output import input_tensors, reference
from conformance.oracle.reference import Reference
from conformance.oracle.verdict import judge
from tests.faults.catalogue import FAULTS, RIGHT, Fault

__all__ = ["TABLE", "judged_cases", "kills", "notices", "source", "unnoticed"]

Expected = dict[str, Reference]
_NO_FAULTS = ("accidental.py", "matrix.py", "masking.py", "recorded.py")
TABLE = Path(tiers.__file__).with_name("kills.json")


def source() -> str:
    """Identify the planted faults: a hash of their modules, so that a table of others is known to be stale."""
    modules = sorted(path for path in Path(__file__).parent.glob("*.py") if "test_" not in path.name)
    text = "".join(path.read_text(encoding="utf-8") for path in modules if path.name not in _NO_FAULTS)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def judged_cases(cases: Iterable[Case]) -> Iterator[tuple[Case, Expected]]:
    """The cases that have an output which fits into memory, with the oracle's."""
    for case in cases:
        try:
            if beyond_memory(case):
                continue
        except DomainError:
            continue
        yield case, reference(case, input_tensors(case))


def notices(case: Case, expected: Expected, fault: Fault) -> bool:
    """Whether the verdict on a case fails an implementation with a fault in it.

    Where the fault is not in it, the implementation is the right one, which fails no case.
    """
    if fault.where is not None and not fault.where(case):
        return False
    tensors = input_tensors(case)
    with np.errstate(all="ignore"):
        return judge(case, tensors, fault.reply(case, tensors), expected=expected).status == "fail"


def unnoticed(fault: Fault, cases: Sequence[tuple[Case, Expected]]) -> list[int]:
    """The ranks on which a fault can be said and no case notices it."""
    return [
        rank
        for rank in fault.ranks
        if not any(case.rank == rank and notices(case, expected, fault) for case, expected in cases)
    ]


def kills(tier: str, jobs: int = 1) -> dict[str, Counter[int]]:
    """For every fault, the number of cases on each rank that notice it."""
    cases = load_tier(tier)
    if jobs == 1:
        return _kills(cases)
    with ProcessPoolExecutor(jobs) as pool:
        # Neighbours in a tier take about the same time, so every process gets some of all sorts.
        parts = list(pool.map(_kills, (cases[start :: 8 * jobs] for start in range(8 * jobs))))
    return {name: sum((part[name] for part in parts), Counter()) for name in FAULTS}


def _kills(cases: Sequence[Case]) -> dict[str, Counter[int]]:
    found: dict[str, Counter[int]] = {name: Counter() for name in FAULTS}
    for case, expected in judged_cases(cases):
        if notices(case, expected, RIGHT):
            raise AssertionError(f"false alarm on {case}")
        for name, fault in FAULTS.items():
            if case.rank in fault.ranks and notices(case, expected, fault):
                found[name][case.rank] += 1
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the matrix as Markdown; on request write it as JSON, cases by fault and tier."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.matrix", description=__doc__)
    parser.add_argument("tiers", metavar="TIER", nargs="*", help="default: smoke gate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write {fault: {tier: cases}}")
    parser.add_argument(
        "--write", action="store_true", help="write the table that reports show, cases/tiers/kills.json"
    )
    parser.add_argument("--masking", action="store_true", help="what expectations hide; of gate, by default")
    parser.add_argument("--adapter", action="append", default=[], metavar="NAME", help="with --masking: of these")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="with --masking: every Nth fault only")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    given = parser.parse_args(arguments)
    unknown = set(given.tiers) - TIERS.keys()
    if unknown:
        parser.error(f"no tier {', '.join(sorted(unknown))}; there are {', '.join(TIERS)}")
    if given.masking:
        _print_masking(given.tiers or ["gate"], given.adapter, list(FAULTS)[:: given.every], given.jobs)
        return
    found = {tier: kills(tier, given.jobs) for tier in given.tiers or ("smoke", "gate")}
    _print(found)
    counts = {name: {tier: sum(found[tier][name].values()) for tier in found} for name in FAULTS}
    if given.write:
        table = {
            "tiers": {tier: tier_hash(load_tier(tier)) for tier in found},
            "source": source(),
            "faults": counts,
        }
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="ascii")
    if given.json:
        given.json.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


def _print_masking(tiers: Sequence[str], names: Sequence[str], faults: Sequence[str], jobs: int) -> None:
    from tests.faults.masking import markdown, masking  # it uses this module

    for tier in tiers:
        print(f"`{tier}` ({tier_hash(load_tier(tier))}), {len(faults)} faults under the shipped expectations\n")
        print("\n".join(markdown(masking(tier, names=names, faults=faults, jobs=jobs))), flush=True)


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
