"""What is new in a run, as the page needs it: standings of outcomes, their explanations, their earlier status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.cases.columns import Row
from conformance.reports.gate.assess import Gate, Item
from conformance.reports.gate.expectations import Expectation
from conformance.reports.gate.standings import STANDINGS, Standing
from conformance.reports.gate.text import Line, headline, lines
from conformance.reports.record.findings import Finding
from conformance.reports.record.statuses import label
from conformance.reports.record.store import Results

__all__ = ["ExplainedGroup", "News", "news_of"]

Key = tuple[str, str]
"""Adapter and case id."""


@dataclass(frozen=True, kw_only=True)
class ExplainedGroup:
    """The discrepancies of one adapter that one expectation explains: their text, their number, and the entry."""

    adapter: str
    label: str
    count: int
    entry: Expectation


@dataclass(frozen=True, kw_only=True)
class News:
    """A run compared with what was known.

    Attributes
    ----------
    headline : str
        The result in one sentence; empty without a gate.
    fails : bool
        Whether the gate fails.
    green : bool
        Whether it passes, and outputs of every adapter were compared.
    lines : list of Line
        What to look at in addition to the discrepancies: what is fixed, stale or less precise.
    explained : list of ExplainedGroup
        The discrepancies that expectations explain, by adapter.
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
    standing: dict[Key, str] = field(default_factory=dict)
    expectation: dict[Key, Expectation] = field(default_factory=dict)
    before: dict[Key, str] = field(default_factory=dict)
    versions_before: dict[str, dict[str, str]] | None = None

    @property
    def counts(self) -> list[tuple[Standing, int]]:
        """Number of outcomes by standing, in the order of ``STANDINGS``."""
        return _in_order(Counter(self.standing.values()))

    def standings(self, finding: Finding) -> list[tuple[Standing, int]]:
        """Number of outcomes of a finding by standing, in the order of ``STANDINGS``."""
        members = ((finding.adapter, case_id) for case_id in finding.members)
        return _in_order(Counter(self.standing[key] for key in members if key in self.standing))

    def fails_by(self, finding: Finding) -> bool:
        """Whether some outcome of a finding fails the gate."""
        return any(item.fails for item, _ in self.standings(finding))

    def smallest(self, finding: Finding) -> str:
        """The smallest case of a finding that fails the gate, or else the smallest of all."""
        failing = {name for name, item in STANDINGS.items() if item.fails}
        members = (
            case_id for case_id in finding.members if self.standing.get((finding.adapter, case_id)) in failing
        )
        return next(members, finding.smallest)

    def since(self, finding: Finding) -> str:
        """Since when a finding has existed, by the expectations and the earlier run."""
        entries = (self.expectation.get((finding.adapter, case_id)) for case_id in finding.members)
        spans = sorted({entry.holds_for for entry in entries if entry is not None and entry.holds_for})
        before = self.before.get((finding.adapter, self.smallest(finding)))
        same = {label(finding.status, None if kind == finding.status else kind) for kind in finding.kinds}
        if before is None or (before in same and spans):
            return f"known in {'; '.join(spans)}" if spans else ""
        versions = (self.versions_before or {}).get(finding.adapter) or {}
        named = ", ".join(f"{name} {version}" for name, version in versions.items())
        return f"before: {before}" + (f" with {named}" if named else "")


def _in_order(counts: Counter[str]) -> list[tuple[Standing, int]]:
    return [(item, counts[name]) for name, item in STANDINGS.items() if counts[name]]


def news_of(gate: Gate | None, before: Results | None, cases: Mapping[str, Row]) -> News:
    """Arrange the result of a gate, and an earlier run, by adapter and case."""
    earlier: dict[Key, str] = {}
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
        key = item.outcome.adapter, item.outcome.case_id
        standing[key] = item.standing
        if item.entry is not None:
            expectation[key] = item.entry
            explained.setdefault((item.outcome.adapter, item.entry.place, item.entry.finding), []).append(item)
    # New and known discrepancies have tables of their own on the page.
    others = [
        line
        for line in lines(gate, cases)
        if line.standing != "known" and not (line.standing in STANDINGS and line.fails)
    ]
    reasons = [_explained_group(items) for _, items in sorted(explained.items())]
    green = not gate.fails and not gate.uncompared
    return News(
        headline=headline(gate), fails=gate.fails, green=green, lines=others, explained=reasons,
        standing=standing, expectation=expectation, before=earlier, versions_before=versions,
    )  # fmt: skip


def _explained_group(items: list[Item]) -> ExplainedGroup:
    outcomes = [item.outcome for item in items]
    labels = Counter(label(outcome.status, outcome.kind) for outcome in outcomes)
    text = ", ".join(labels if len(labels) == 1 else (f"{count} {name}" for name, count in labels.most_common()))
    assert items[0].entry is not None
    return ExplainedGroup(adapter=outcomes[0].adapter, label=text, count=len(items), entry=items[0].entry)
