"""How good the cases of a run are: what they cover, compared with other case lists, and which faults they find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conformance.cases.case import Case
from conformance.cases.design.statistics import statistics
from conformance.cases.peers import load_peers
from conformance.cases.tiers import Kills, load_kills
from conformance.reports.record.store import Results

__all__ = ["CaseCoverage", "measure_coverage", "prepare_coverage"]

# Counting takes seconds, longer than a run of a few cases; the coverage of so few cases means nothing anyway.
_FEWEST_CASES = 100
_STRENGTHS = (1, 2, 3)
_SPACE = "whole"
THIS_RUN = "this run"


@dataclass(frozen=True)
class CaseCoverage:
    """Coverage and kills.

    Attributes
    ----------
    lists : dict
        By the name of a case list, that of this run first: ``cases`` (their number), ``coverage`` (by strength,
        ``covered`` and ``required``), ``boundaries`` (number of cases by class). Empty for a run of a few cases.
    kills : Kills
        How many cases of each tier notice each planted fault.
    tier : str
        The tier whose cases are exactly those of the run; empty if there is none.
    """

    lists: dict[str, dict[str, Any]]
    kills: Kills
    tier: str

    @property
    def strengths(self) -> list[str]:
        """The strengths for which coverage is counted."""
        return list(next(iter(self.lists.values()))["coverage"]) if self.lists else []

    @property
    def boundaries(self) -> list[str]:
        """The names of the boundary classes."""
        return list(next(iter(self.lists.values()))["boundaries"]) if self.lists else []


def measure_coverage(results: Results) -> CaseCoverage:
    """Count what the cases of a run cover.

    Parameters
    ----------
    results : Results
        The record of the run.
    """
    kills = load_kills()
    case_set = results.meta().get("case_set_hash")
    tier = next((name for name, case_hash in kills.tiers.items() if case_hash == case_set), "")
    return CaseCoverage(_lists(frozenset(results.cases())), kills, tier)


def prepare_coverage(case_ids: Iterable[str]) -> None:
    """Count the coverage of these cases early, before the report of the run is written."""
    _lists(frozenset(case_ids))


@lru_cache(maxsize=1)
def _lists(case_ids: frozenset[str]) -> dict[str, dict[str, Any]]:
    if len(case_ids) < _FEWEST_CASES:
        return {}
    return {THIS_RUN: _count([Case.parse(case_id) for case_id in sorted(case_ids)]), **_count_peers()}


@lru_cache(maxsize=1)
def _count_peers() -> dict[str, dict[str, Any]]:
    """The coverage of the case lists of other projects."""
    return {f"{peer.name} {peer.version}": _count(peer.cases) for peer in load_peers().values()}


def _count(cases: Sequence[Case]) -> dict[str, Any]:
    numbers = statistics(cases, _STRENGTHS, (_SPACE,))
    return {"cases": len(cases), "coverage": numbers["coverage"][_SPACE], "boundaries": numbers["boundaries"]}
