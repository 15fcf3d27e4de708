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
        The outcomes of one cause.
    cases : mapping
        Columns of the cases, by id.
    """
    numbers: dict[str, Counter[str]] = {name: Counter() for name in ("kind", *_BY)}
    for outcome in outcomes:
        numbers["kind"][outcome.kind or outcome.status] += 1
        row = cases.get(outcome.case_id, {})
        for name in _BY:
            if row.get(name):
                numbers[name][str(row[name])] += 1
    return {
        name: dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
        for name, counts in numbers.items()
    }


def counted(count: int, by_kind: Mapping[str, int]) -> str:
    """Text such as ``15 cases: 8 rejected, 7 shape``; without the kinds if there is only one."""
    cases = f"{count} case{'' if count == 1 else 's'}"
    return cases if len(by_kind) < 2 else f"{cases}: {_join_counts(by_kind)}"


def spread(counts: Breakdown) -> str:
    """The dtypes, directions and data of the outcomes of a cause, such as ``7 f32, 3 bf16; 6 fwd, 4 grad``.

    A parameter with only one value is left out.
    """
    return "; ".join(_join_counts(counts[name]) for name in _BY if len(counts.get(name, {})) > 1)


def _join_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
