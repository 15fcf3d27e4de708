"""What of a run is news, as the page needs it: how outcomes stand, what explains them, what they were before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.reports.gate.assess import Gate, Item
from conformance.reports.gate.expectations import Expectation
from conformance.reports.gate.standings import STANDINGS, Standing
from conformance.reports.gate.text import Line, headline, lines
from conformance.reports.record.findings import Finding
from conformance.reports.record.statuses import label
from conformance.reports.record.store import Results

__all__ = ["ExplainedGroup", "News", "news_of"]

Question = tuple[str, str]


@dataclass(frozen=True)
class ExplainedGroup:
    """What one expectation explains in a run: whose discrepancies, what they are, how many, and the entry."""

    adapter: str
    label: str
    count: int
    entry: Expectation


@dataclass(frozen=True)
class News:
    """A run against what was known.

    Attributes
    ----------
    headline : str
        The result in one sentence; empty where nobody asked for news.
    fails : bool
        Whether the gate fails.
    green : bool
        Whether it passes, with answers of every adapter compared.
    lines : list of Line
        What to look at beside the discrepancies: what is fixed, stale or less precise.
    explained : list of ExplainedGroup
        What expectations explain, by adapter.
    standing : dict
        Name in ``STANDINGS`` by adapter and case.
    expectation : dict
        The entry that expects an outcome, by adapter and case.
    before : dict
        Status and kind in the earlier run, by adapter and case.
    versions_before : dict
        Versions in the earlier run, by adapter; None without one.
    """

    headline: str = ""
    fails: bool = False
    green: bool = True
    lines: list[Line] = field(default_factory=list)
    explained: list[ExplainedGroup] = field(default_factory=list)
    standing: dict[Question, str] = field(default_factory=dict)
    expectation: dict[Question, Expectation] = field(default_factory=dict)
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

    def fails_by(self, found: Finding) -> bool:
        """Whether some member of a group fails the gate."""
        return any(item.fails for item, _ in self.standings(found))

    def smallest(self, found: Finding) -> str:
        """The smallest case of a group that fails the gate, or else the smallest of all."""
        failing = {name for name, item in STANDINGS.items() if item.fails}
        members = (case_id for case_id in found.members if self.standing.get((found.adapter, case_id)) in failing)
        return next(members, found.smallest)

    def since(self, found: Finding) -> str:
        """What the expectations and the earlier run say about since when a group is there."""
        entries = (self.expectation.get((found.adapter, case_id)) for case_id in found.members)
        spans = sorted({entry.holds_for for entry in entries if entry is not None and entry.holds_for})
        before = self.before.get((found.adapter, self.smallest(found)))
        same = {label(found.status, None if kind == found.status else kind) for kind in found.kinds}
        if before is None or (before in same and spans):
            return f"known in {'; '.join(spans)}" if spans else ""
        versions = (self.versions_before or {}).get(found.adapter) or {}
        named = ", ".join(f"{name} {version}" for name, version in versions.items())
        return f"before: {before}" + (f" with {named}" if named else "")


def _in_order(counts: Counter[str]) -> list[tuple[Standing, int]]:
    return [(item, counts[name]) for name, item in STANDINGS.items() if counts[name]]


def news_of(gate: Gate | None, before: Results | None, cases: Mapping[str, dict[str, Any]]) -> News:
    """Arrange the result of a gate, and an earlier run, by question."""
    earlier: dict[Question, str] = {}
    versions = None
    if before is not None:
        earlier = {(o.adapter, o.case_id): label(o.status, o.kind) for o in before.outcomes(details=False)}
        environments = before.meta().get("environments") or {}
        versions = {adapter: about.get("versions", {}) for adapter, about in environments.items()}
    if gate is None:
        return News(before=earlier, versions_before=versions)
    standing, expectation = {}, {}
    explained: dict[tuple[str, str, str], list[Item]] = {}
    for item in gate.items:
        question = item.outcome.adapter, item.outcome.case_id
        standing[question] = item.standing
        if item.entry is not None:
            expectation[question] = item.entry
            explained.setdefault((item.outcome.adapter, item.entry.place, item.entry.finding), []).append(item)
    # What fails because of its outcomes, and what is known, stands among the discrepancies.
    others = [
        line
        for line in lines(gate, cases)
        if line.standing != "known" and not (line.standing in STANDINGS and line.fails)
    ]
    reasons = [_explained(items) for _, items in sorted(explained.items())]
    green = not gate.fails and not gate.uncompared
    return News(headline(gate), gate.fails, green, others, reasons, standing, expectation, earlier, versions)


def _explained(items: list[Item]) -> ExplainedGroup:
    outcomes = [item.outcome for item in items]
    labels = Counter(label(outcome.status, outcome.kind) for outcome in outcomes)
    words = ", ".join(labels if len(labels) == 1 else (f"{count} {name}" for name, count in labels.most_common()))
    assert items[0].entry is not None
    return ExplainedGroup(outcomes[0].adapter, words, len(items), items[0].entry)
