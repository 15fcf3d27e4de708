"""The cases on which conditions are searched and judged, read and turned into columns once for all tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from conformance.cases import Case
from conformance.cases.columns import COLUMN_NAMES, columns
from conformance.cases.errors import DomainError
from conformance.cases.tiers import load_tier
from conformance.reports.record.query import matching

__all__ = ["assert_condition_says", "ordinary_cases"]


def _ordinary(case: Case) -> bool:
    """Whether a case has an output with elements in it."""
    try:
        return case.batch > 0 and min(case.input_size) > 0 and min(case.geometry().output_size) > 0
    except DomainError:
        return False


@cache
def ordinary_cases(tier: str, ranks: tuple[int, ...] = (1, 2, 3), step: int = 1) -> tuple[Case, ...]:
    """Every so many cases of a tier, without those that have no element in their input or output."""
    return tuple(case for case in load_tier(tier)[::step] if case.rank in ranks and _ordinary(case))


@cache
def _columns(ranks: tuple[int, ...]) -> Sequence[dict[str, Any]]:
    return [columns(case) for case in ordinary_cases("full", ranks, 3)]


def assert_condition_says(sql: str, applies: Callable[[Case], bool], ranks: tuple[int, ...] = (1, 2, 3)) -> None:
    """Check a condition on every third case of the full tier."""
    expected = [applies(case) for case in ordinary_cases("full", ranks, 3)]
    assert any(expected)
    assert matching(_columns(ranks), sql, COLUMN_NAMES) == expected
