"""The gate: which of a run's outcomes are news, by expectations and by an earlier run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cases import Case
from cases.columns import columns
from reports.drift import Drift, drifts
from reports.expectations import CONDITION_COLUMNS, Expectation
from reports.outcome import OUTCOME_COLUMNS, Outcome
from reports.standings import STANDINGS, standing
from reports.statuses import STATUSES
from reports.store import Results
from reports.where import Table

__all__ = ["Gate", "Item", "assess", "explain", "explaining", "known", "most_flaky"]

Expectations = Mapping[str, Sequence[Expectation]]
_FLAKY_IN_ANY_CASE, _FLAKY_ONE_IN = 3, 100


@dataclass(frozen=True)
class Item:
    """An outcome worth naming, how it stands, and what explains it."""

    outcome: Outcome
    standing: str
    entry: Expectation | None = None


@dataclass(frozen=True)
class Gate:
    """The result of a run, against what was known.

    Attributes
    ----------
    items : list of Item
        Outcomes of note, in the order of ``STANDINGS``.
    stale : list of Expectation
        Entries whose cases were asked and do not fail as they say; their lines are to be removed.
    unused : list of Expectation
        Entries that apply here and met nothing, without a case having been asked that could tell.
    overlaps : list
        Pairs of entries and the number of outcomes that both explain; one of them is too wide.
    drifts : list of Drift
        Lost precision against the earlier run.
    counts : Counter
        Outcomes by status.
    unsteady : dict
        Adapters with more flaky outcomes than `most_flaky` allows, and their number.
    """

    items: list[Item] = field(default_factory=list)
    stale: list[Expectation] = field(default_factory=list)
    unused: list[Expectation] = field(default_factory=list)
    overlaps: list[tuple[Expectation, Expectation, int]] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    unsteady: dict[str, int] = field(default_factory=dict)

    @cached_property
    def standings(self) -> Counter[str]:
        """Number of items by standing."""
        return Counter(item.standing for item in self.items)

    @property
    def fails(self) -> bool:
        """Whether there is anything new."""
        return bool(self.stale or self.drifts or self.unsteady) or any(
            STANDINGS[name].fails for name in self.standings
        )

    @property
    def broken(self) -> bool:
        """Whether the suite's own machinery failed somewhere."""
        return bool(self.standings["infra"])

    @property
    def failing(self) -> list[Item]:
        """The items that fail the gate, the gravest first."""
        return [item for item in self.items if STANDINGS[item.standing].fails]


def most_flaky(cases: int) -> int:
    """How many flaky outcomes an adapter may have among so many cases: one in a hundred, and three in any case.

    A machine under load, short of memory or time, makes one now and then. A framework that computes wrong numbers
    now and then makes many.
    """
    return max(_FLAKY_IN_ANY_CASE, cases // _FLAKY_ONE_IN)


def explain(
    rows: Sequence[dict[str, Any]], entries: Sequence[Expectation], environment: Mapping[str, Any]
) -> list[list[Expectation]]:
    """The entries that explain each of some discrepancies of one adapter.

    Parameters
    ----------
    rows : sequence of dict
        Values of ``CONDITION_COLUMNS``.
    entries : sequence of Expectation
        Those of the adapter.
    environment : mapping
        What the adapter ran in.
    """
    found: list[list[Expectation]] = [[] for _ in rows]
    applicable = [entry for entry in entries if entry.applies(environment)]
    if not rows or not applicable:
        return found
    with Table(rows, CONDITION_COLUMNS) as table:
        for entry in applicable:
            for row, explained, met in zip(rows, found, table.matching(entry.where), strict=True):
                if met and (row["kind"] or row["status"]) in entry.kinds:
                    explained.append(entry)
    return found


def explaining(
    case: Case, outcome: Outcome, entries: Sequence[Expectation], environment: Mapping[str, Any]
) -> list[Expectation]:
    """The entries that explain one outcome, none where it is no discrepancy; see `explain`."""
    if not outcome.gates:
        return []
    (explained,) = explain([columns(case) | outcome.columns()], entries, environment)
    return explained


def known(
    case: Case, outcome: Outcome, entries: Sequence[Expectation], environment: Mapping[str, Any]
) -> Expectation | None:
    """The first entry that explains one outcome."""
    return next(iter(explaining(case, outcome, entries, environment)), None)


def assess(
    results: Results, expectations: Expectations, baseline: Results | None = None, profiles: Sequence[str] = ()
) -> Gate:
    """Find out what is news in a run.

    Parameters
    ----------
    results : Results
        The run.
    expectations : mapping
        Entries by adapter, as `reports.expectations.load_all` reads them.
    baseline : Results, optional
        An earlier run: what it has is known, and precision is compared with it.
    profiles : sequence of str
        Accuracy profiles, the tightest first; needed with a baseline.
    """
    cases = results.cases()
    environments = results.meta().get("environments") or {}
    gate = Gate()
    for adapter in results.adapters():  # a run may have more outcomes than should be in memory at once
        own = list(results.outcomes(adapter, details=False))
        gate.counts.update(outcome.status for outcome in own)
        flaky = sum(outcome.status == "flaky" for outcome in own)
        if flaky > most_flaky(len(own)):
            gate.unsteady[adapter] = flaky
        before = (
            {} if baseline is None else {old.case_id: old for old in baseline.outcomes(adapter, details=False)}
        )
        entries = expectations.get(adapter, ())
        environment = environments.get(adapter, {})
        explained = _explain_all(own, cases, entries, environment)
        for outcome in own:
            named = standing(before.get(outcome.case_id), outcome)
            by = explained.get(outcome.case_id, [])
            if by:
                gate.items.append(Item(outcome, "known", by[0]))
            elif named is not None:
                gate.items.append(Item(outcome, named))
        _judge_entries(gate, own, cases, entries, environment, explained)
        pairs = ((before[new.case_id], new) for new in own if new.case_id in before)
        gate.drifts.extend(drifts(pairs, profiles))
    order = list(STANDINGS)
    gate.items.sort(key=lambda item: order.index(item.standing))
    return gate


def _explain_all(
    outcomes: Sequence[Outcome],
    cases: Mapping[str, dict[str, Any]],
    entries: Sequence[Expectation],
    environment: Mapping[str, Any],
) -> dict[str, list[Expectation]]:
    wrong = [outcome for outcome in outcomes if outcome.gates and not STATUSES[outcome.status].ours]
    rows = [{**cases[outcome.case_id], **outcome.columns()} for outcome in wrong]
    found = explain(rows, entries, environment)
    return {outcome.case_id: by for outcome, by in zip(wrong, found, strict=True) if by}


def _judge_entries(
    gate: Gate,
    outcomes: Sequence[Outcome],
    cases: Mapping[str, dict[str, Any]],
    entries: Sequence[Expectation],
    environment: Mapping[str, Any],
    explained: Mapping[str, list[Expectation]],
) -> None:
    """Find the entries of one adapter that are stale, unused or overlap."""
    used = Counter(entry.place for by in explained.values() for entry in by)
    answered = {o.case_id for o in outcomes if o.status == "pass" or (o.gates and not STATUSES[o.status].ours)}
    idle = [entry for entry in entries if entry.applies(environment) and not used[entry.place]]
    for entry in idle:
        could_tell = answered.intersection(entry.evidence)
        if not entry.evidence:
            rows = [dict.fromkeys(OUTCOME_COLUMNS) | cases[case_id] for case_id in answered]
            with Table(rows, CONDITION_COLUMNS) as table:
                could_tell = set() if not any(table.matching(entry.where)) else answered
        (gate.stale if could_tell and not entry.intermittent else gate.unused).append(entry)
    pairs = Counter((a.place, b.place) for by in explained.values() for n, a in enumerate(by) for b in by[n + 1 :])
    by_place = {entry.place: entry for entry in entries}
    gate.overlaps.extend((by_place[a], by_place[b], count) for (a, b), count in pairs.items())
