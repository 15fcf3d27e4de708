"""The coverage of a list of cases, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.cases.design.boundary import BOUNDARIES, boundary_classes
from conformance.cases.design.coverage import count, level_numbers
from conformance.cases.design.domain import FACTORS, SPACES, classify
from conformance.cases.tiers import tier_hash

__all__ = ["STRENGTHS", "statistics"]

STRENGTHS = (1, 2, 3, 4)


def statistics(
    cases: Sequence[Case], strengths: Sequence[int] = STRENGTHS, spaces: Sequence[str] = tuple(SPACES)
) -> dict[str, Any]:
    """Number, hash, t-way coverage in every space, and cases per class and per boundary class.

    Parameters
    ----------
    cases : sequence of Case
        Any list.
    strengths : sequence of int
        Values of t; the time grows steeply with t.
    spaces : sequence of str
        Names in ``conformance.cases.design.domain.SPACES``.
    """
    figures: dict[str, Any] = {"cases": len(cases), "hash": tier_hash(cases), "coverage": {}}
    rows = [classify(case) for case in cases]
    table = level_numbers(rows)
    for space in spaces:
        counted = [count(table, strength, space) for strength in strengths]
        figures["coverage"][space] = {
            str(result.strength): {"covered": result.covered, "required": result.required} for result in counted
        }
    figures["classes"] = {name: dict(Counter(row[name] for row in rows)) for name in FACTORS}
    boundaries = Counter(name for case in cases for name in boundary_classes(case))
    figures["boundaries"] = {name: boundaries[name] for name in BOUNDARIES}
    return figures
