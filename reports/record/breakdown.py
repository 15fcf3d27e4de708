"""The outcomes of one cause counted by kind of failure, dtype, direction and data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.reports.record.outcome import Outcome

__all__ = ["Breakdown", "breakdown", "counted", "spread"]

Breakdown = dict[str, dict[str, int]]

_BY = ("dtype", "direction", "data")


def breakdown(outcomes: Iterable[Outcome], cases: Mapping[str, Mapping[str, Any]]) -> Breakdown:
    """Number of outcomes by ``kind`` (a status where there is no kind), ``dtype``, ``direction`` and ``data``.

    Parameters
    ----------
    outcomes : iterable of Outcome
        Those of one cause.
    cases : mapping
        Columns of their cases, by id.
    """
    found: dict[str, Counter[str]] = {name: Counter() for name in ("kind", *_BY)}
    for outcome in outcomes:
        found["kind"][outcome.kind or outcome.status] += 1
        row = cases.get(outcome.case_id, {})
        for name in _BY:
            if row.get(name):
                found[name][str(row[name])] += 1
    return {
        name: dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))) for name, counts in found.items()
    }


def counted(count: int, by_kind: Mapping[str, int]) -> str:
    """Such as ``15 cases: 8 rejected, 7 shape``; the kinds are left out where there is one only."""
    cases = f"{count} case{'' if count == 1 else 's'}"
    return cases if len(by_kind) < 2 else f"{cases}: {_listed(by_kind)}"


def spread(found: Breakdown) -> str:
    """Over which dtypes, directions and data an outcome spreads, such as ``7 f32, 3 bf16; 6 fwd, 4 grad``.

    A parameter with one value only says nothing, and is left out.
    """
    return "; ".join(_listed(found[name]) for name in _BY if len(found.get(name, {})) > 1)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
