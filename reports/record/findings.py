"""Findings: all outcomes with one cause, so that thousands of red cells are a handful of lines.

A cause is the adapter, how it failed, and the transformation that the diagnosis found: not the axis or the amount,
which vary with the case, and not the dtype, the direction or the kind of failure, by which a finding is broken
down.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.reports.record.breakdown import Breakdown, breakdown, counted, spread
from conformance.reports.record.causes import Cause, cause, group_by_cause
from conformance.reports.record.conditions import Condition
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import label

__all__ = ["Condition", "Finding", "case_weight", "cause", "findings"]


@dataclass(frozen=True)
class Finding:
    """Outcomes of one cause.

    Attributes
    ----------
    id : str
        Stable from run to run: made of the cause, not of the cases that happened to be asked.
    adapter, status, transform : str
        What the outcomes share.
    kind : str or None
        The kind of failure of the smallest case.
    text : str
        The diagnosis of the smallest case in words, or else what kind of discrepancy it is.
    members : tuple of str
        Case ids, the smallest case first.
    detail : str
        What was recorded for the smallest case.
    condition : Condition or None
        When it happens.
    breakdown : dict
        Number of outcomes by ``kind``, ``dtype``, ``direction`` and ``data``; see `Breakdown`.
    """

    id: str
    adapter: str
    status: str
    kind: str | None
    transform: str
    text: str
    members: tuple[str, ...]
    detail: str
    condition: Condition | None = None
    breakdown: Breakdown = field(default_factory=dict)

    @property
    def smallest(self) -> str:
        """The smallest case."""
        return self.members[0]

    @property
    def count(self) -> int:
        """Number of outcomes."""
        return len(self.members)

    @property
    def label(self) -> str:
        """Status and kinds in words, the commonest kind first."""
        if len(self.kinds) < 2:
            return label(self.status, self.kind)
        return f"{label(self.status, None)}: {', '.join(self.kinds)}"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of failure of the outcomes, or the status where it has none; the commonest first."""
        return tuple(self.breakdown.get("kind", ())) or (self.kind or self.status,)

    @property
    def counted(self) -> str:
        """Number of cases, by kind of failure where there are several: ``15 cases: 8 rejected, 7 shape``."""
        return counted(self.count, self.breakdown.get("kind", {}))

    @property
    def spread(self) -> str:
        """Over which dtypes, directions and data the cases spread; empty where each is one."""
        return spread(self.breakdown)

    @property
    def title(self) -> str:
        """One line: who, what, and when."""
        when = f", {self.condition.phrase}" if self.condition and self.condition.text != "always" else ""
        return f"{self.adapter}: {self.text or self.label}{when}"

    def _repr_html_(self) -> str:
        from conformance.reports.record.notebook import finding_html

        return finding_html(self)


def case_weight(columns: Mapping[str, Any]) -> tuple[int, str]:
    """Sort key of a case: number of elements it involves, then its id."""

    def product(text: str) -> int:
        return math.prod(map(int, text.split("x")))

    inputs = columns["batch"] * columns["in_channels"] * product(columns["input_size"])
    weights = columns["in_channels"] * columns["out_channels"] * abs(product(columns["kernel_size"]))
    return inputs + weights, columns["case_id"]


def findings(
    outcomes: Iterable[Outcome],
    cases: Mapping[str, Mapping[str, Any]],
    conditions: Mapping[str, Condition] | None = None,
) -> list[Finding]:
    """Group discrepancies by cause, the worst first.

    Parameters
    ----------
    outcomes : iterable of Outcome
        Those that fail the gate.
    cases : mapping
        Columns of every case, by id.
    conditions : mapping, optional
        When findings happen, by their id.
    """
    found = []
    for key, outcomes_of_cause in group_by_cause(outcomes).items():
        members = sorted(outcomes_of_cause, key=lambda outcome: case_weight(cases[outcome.case_id]))
        first = members[0]
        identity = hashlib.sha256("\0".join(key).encode()).hexdigest()[:8]
        diagnosis = _diagnosis(key, members)
        found.append(
            Finding(
                identity,
                first.adapter,
                first.status,
                first.kind,
                diagnosis.get("transform") or "",
                diagnosis.get("text") or "",
                tuple(outcome.case_id for outcome in members),
                first.detail,
                (conditions or {}).get(identity),
                breakdown(members, cases),
            )
        )
    return sorted(found, key=_gravity)


def _diagnosis(key: Cause, members: Sequence[Outcome]) -> Mapping[str, Any]:
    """That of the smallest case whose first explanation is the cause."""
    own = next((outcome for outcome in members if cause(outcome) == key), members[0])
    return own.diagnosis or {}


# A crash ends a user's program, a wrong answer goes unnoticed; a refusal is at least loud.
_GRAVEST_FIRST = ("crash", "values", "gradient", "nonfinite", "shape", "stateful", "nondeterministic", "dtype",
                  "accepted", "precision", "rejected", "timeout", "missing", "infra")  # fmt: skip


def _gravity(found: Finding) -> tuple[int, int, str]:
    name = found.kind or found.status
    rank = _GRAVEST_FIRST.index(name) if name in _GRAVEST_FIRST else 0
    return rank, -found.count, found.id
