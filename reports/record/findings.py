"""Findings: all outcomes with one cause, so that thousands of failures become a handful of lines.

A cause is the adapter, how it failed, and the transformation that the diagnosis names. The axis and the amount are
not part of it, as they vary with the case. Neither are dtype, direction and kind of failure: a finding counts its
cases by each of these.
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
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import label

__all__ = ["Condition", "Finding", "case_weight", "cause", "findings"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Outcomes of one cause.

    Attributes
    ----------
    id : str
        Stable from run to run: made from the cause, not from the cases that happened to be run.
    adapter, status, transform : str
        The values that the outcomes share.
    kind : str or None
        The kind of failure of the smallest case.
    text : str
        The diagnosis of the smallest case as text; empty without one.
    members : tuple of str
        Case ids, the smallest case first.
    detail : str
        The recorded detail of the smallest case.
    condition : Condition or None
        The condition under which it happens.
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
        """Text for the status and the kinds, the most common kind first."""
        if len(self.kinds) < 2:
            return label(self.status, self.kind)
        return f"{label(self.status, None)}: {', '.join(self.kinds)}"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of failure of the outcomes, or the status if it has none; the most common first."""
        return tuple(self.breakdown.get("kind", ())) or (self.kind or self.status,)

    @property
    def counted(self) -> str:
        """Number of cases, by kind of failure if there are several: ``15 cases: 8 rejected, 7 shape``."""
        return counted(self.count, self.breakdown.get("kind", {}))

    @property
    def spread(self) -> str:
        """The dtypes, directions and data of the cases; empty if there is only one of each."""
        return spread(self.breakdown)

    @property
    def title(self) -> str:
        """One line: the adapter, the failure and the condition."""
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
        The outcomes that fail the gate.
    cases : mapping
        Columns of every case, by id.
    conditions : mapping, optional
        The conditions of findings, by finding id.
    """
    groups = []
    for key, outcomes_of_cause in group_by_cause(outcomes).items():
        members = sorted(outcomes_of_cause, key=lambda outcome: case_weight(cases[outcome.case_id]))
        first = members[0]
        identity = hashlib.sha256("\0".join(key).encode()).hexdigest()[:8]
        diagnosis = _diagnosis(key, members)
        groups.append(
            Finding(
                id=identity,
                adapter=first.adapter,
                status=first.status,
                kind=first.kind,
                transform=diagnosis.transform if diagnosis else "",
                text=diagnosis.text if diagnosis else "",
                members=tuple(outcome.case_id for outcome in members),
                detail=first.detail,
                condition=(conditions or {}).get(identity),
                breakdown=breakdown(members, cases),
            )
        )
    return sorted(groups, key=_severity)


def _diagnosis(key: Cause, members: Sequence[Outcome]) -> Diagnosis | None:
    """The diagnosis of the smallest case whose first explanation is the cause."""
    own = next((outcome for outcome in members if cause(outcome) == key), members[0])
    return own.diagnosis


# A crash ends a user's program, a wrong output goes unnoticed; a refusal is at least visible.
_WORST_FIRST = ("crash", "values", "gradient", "nonfinite", "shape", "stateful", "nondeterministic",
                "inputs", "aliased",
                "dtype", "accepted", "precision", "rejected", "timeout", "missing", "infra")  # fmt: skip


def _severity(finding: Finding) -> tuple[int, int, str]:
    name = finding.kind or finding.status
    rank = _WORST_FIRST.index(name) if name in _WORST_FIRST else 0
    return rank, -finding.count, finding.id
