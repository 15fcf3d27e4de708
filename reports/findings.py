"""Findings: all outcomes with one cause, so that thousands of red cells are a handful of lines.

A cause is what was asked of whom, how it went wrong, and the transformation that the diagnosis found: not the axis
or the amount, which vary with the question.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reports.outcome import Outcome
from reports.statuses import label

__all__ = ["Condition", "Finding", "case_weight", "cause", "findings"]


@dataclass(frozen=True)
class Condition:
    """When a finding happens, as far as that is known.

    Attributes
    ----------
    text, sql : str
        In words, and over the columns of a case.
    failing, passing : int
        Cases that meet it, all of which show the finding, and cases that do not, none of which does.
    exact : bool
        Whether further questions near its border confirmed it.
    """

    text: str
    sql: str
    failing: int
    passing: int
    exact: bool = False

    @property
    def phrase(self) -> str:
        """When, and whether that is sure, as a part of a sentence."""
        return f"when {self.text}" if self.exact else f"as far as asked, when {self.text}"


@dataclass(frozen=True)
class Finding:
    """Outcomes of one cause.

    Attributes
    ----------
    id : str
        Stable from run to run: made of the cause, not of the cases that happened to be asked.
    adapter, status, kind, transform : str
        What the outcomes share.
    text : str
        The diagnosis of the smallest case in words, or else what kind of discrepancy it is.
    members : tuple of str
        Case ids, the smallest case first.
    detail : str
        What was recorded for the smallest case.
    condition : Condition or None
        When it happens.
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
        """Status and kind in words."""
        return label(self.status, self.kind)

    @property
    def title(self) -> str:
        """One line: who, what, and when."""
        when = f", {self.condition.phrase}" if self.condition and self.condition.text != "always" else ""
        return f"{self.adapter}: {self.text or self.label}{when}"

    def _repr_html_(self) -> str:
        from reports.notebook import finding_html

        return finding_html(self)


def cause(outcome: Outcome) -> tuple[str, ...]:
    """What outcomes of one finding share."""
    diagnosis = outcome.diagnosis or {}
    # Crashes differ by their signal, refusals by the argument they are about, gradients by the tensor.
    more = (diagnosis.get("signal") or "", diagnosis.get("argument") or "", *diagnosis.get("tensors", ()))
    return (outcome.adapter, outcome.status, outcome.kind or "", diagnosis.get("transform") or "", *more)


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
    """Put discrepancies of one cause together, gravest first.

    Parameters
    ----------
    outcomes : iterable of Outcome
        Those that fail the gate.
    cases : mapping
        Columns of every case, by id.
    conditions : mapping, optional
        When findings happen, by their id.
    """
    together: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        together.setdefault(cause(outcome), []).append(outcome)
    found = []
    for key, outcomes_of_cause in together.items():
        members = sorted(outcomes_of_cause, key=lambda outcome: case_weight(cases[outcome.case_id]))
        first = members[0]
        identity = hashlib.sha256("\0".join(key).encode()).hexdigest()[:8]
        diagnosis = first.diagnosis or {}
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
            )
        )
    return sorted(found, key=_gravity)


# A crash ends a user's program, a wrong answer goes unnoticed; a refusal is at least loud.
_GRAVEST_FIRST = ("crash", "values", "gradient", "nonfinite", "shape", "stateful", "nondeterministic", "dtype",
                  "accepted", "precision", "rejected", "timeout", "missing", "infra")  # fmt: skip


def _gravity(found: Finding) -> tuple[int, int, str]:
    name = found.kind or found.status
    rank = _GRAVEST_FIRST.index(name) if name in _GRAVEST_FIRST else 0
    return rank, -found.count, found.id
