"""What of a run is news, as the page needs it: how outcomes stand, what explains them, what they were before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.findings import Finding
from reports.gate import Gate
from reports.gate_text import Line, headline, lines
from reports.standings import STANDINGS, Standing
from reports.statuses import label
from reports.store import Results

__all__ = ["News", "news_of"]

Question = tuple[str, str]


@dataclass(frozen=True)
class News:
    """A run against what was known.

    Attributes
    ----------
    headline : str
        The result in one sentence; empty where nobody asked for news.
    fails : bool
        Whether the gate fails.
    lines : list of Line
        What to look at beside the discrepancies: what is fixed, expected, stale or less precise.
    standing : dict
        Name in ``STANDINGS`` by adapter and case.
    expectation : dict
        The reason and the upstream report of what is expected, by adapter and case.
    before : dict
        Status and kind in the earlier run, by adapter and case.
    versions_before : dict
        Versions in the earlier run, by adapter; None without one.
    """

    headline: str = ""
    fails: bool = False
    lines: list[Line] = field(default_factory=list)
    standing: dict[Question, str] = field(default_factory=dict)
    expectation: dict[Question, str] = field(default_factory=dict)
    before: dict[Question, str] = field(default_factory=dict)
    versions_before: dict[str, dict[str, str]] | None = None

    @property
    def counts(self) -> list[tuple[Standing, int]]:
        """Number of outcomes by standing, in the order of ``STANDINGS``."""
        return _in_order(Counter(self.standing.values()))

    def standings(self, found: Finding) -> list[tuple[Standing, int]]:
        """How the members of a group stand, and how many of them, in the order of ``STANDINGS``."""
        members = ((found.adapter, case_id) for case_id in found.members)
        return _in_order(Counter(self.standing[key] for key in members if key in self.standing))

    def order(self, groups: list[Finding]) -> list[Finding]:
        """Findings with something that fails the gate first, otherwise as they are."""
        return sorted(groups, key=lambda found: not any(item.fails for item, _ in self.standings(found)))


def _in_order(counts: Counter[str]) -> list[tuple[Standing, int]]:
    return [(item, counts[name]) for name, item in STANDINGS.items() if counts[name]]


def news_of(gate: Gate | None, before: Results | None, cases: Mapping[str, dict[str, Any]]) -> News:
    """Arrange the result of a gate, and an earlier run, by question."""
    earlier: dict[Question, str] = {}
    versions = None
    if before is not None:
        earlier = {(o.adapter, o.case_id): label(o.status, o.kind) for o in before.outcomes()}
        environments = before.meta().get("environments") or {}
        versions = {adapter: about.get("versions", {}) for adapter, about in environments.items()}
    if gate is None:
        return News(before=earlier, versions_before=versions)
    standing, expectation = {}, {}
    for item in gate.items:
        question = item.outcome.adapter, item.outcome.case_id
        standing[question] = item.standing
        if item.entry is not None:
            expectation[question] = f"{item.entry.reason} {item.entry.upstream}".rstrip()
    # What fails because of its outcomes stands among the discrepancies.
    others = [line for line in lines(gate, cases) if not (line.standing in STANDINGS and line.fails)]
    return News(headline(gate), gate.fails, others, standing, expectation, earlier, versions)
