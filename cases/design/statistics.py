"""The coverage of a list of cases, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.cases.corpus.layers import load_layers
from conformance.cases.design.boundary import BOUNDARIES
from conformance.cases.design.coverage import count, level_numbers
from conformance.cases.design.domain import FACTORS, SPACES, classify
from conformance.cases.design.sizes import SIZES
from conformance.cases.tiers import tier_hash

__all__ = ["STRENGTHS", "special_classes", "statistics"]

STRENGTHS = (1, 2, 3, 4)


def statistics(
    cases: Sequence[Case], strengths: Sequence[int] = STRENGTHS, spaces: Sequence[str] = tuple(SPACES)
) -> dict[str, Any]:
    """Number, hash, t-way coverage in every space, and cases per class, per boundary and size class and per layer.

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
    valid = [case for case in cases if case.is_valid]
    figures["boundaries"] = {name: sum(map(applies, valid)) for name, applies in special_classes().items()}
    return figures


def special_classes() -> dict[str, Callable[[Case], bool]]:
    """The boundary classes, the size classes and the layers of public models, each with its predicate."""
    return {
        **{name: boundary.applies for name, boundary in BOUNDARIES.items()},
        **{name: size.applies for name, size in SIZES.items()},
        **{f"layer: {name}": layer.applies for name, layer in load_layers().items()},
    }
