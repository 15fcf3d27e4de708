"""The gate: which of a run's outcomes are news, by expectations and by an earlier run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from conformance.cases import Case
from conformance.cases.columns import columns
from conformance.reports.gate.drift import Drift, drifts
from conformance.reports.gate.expectations import CONDITION_COLUMNS, Expectation
from conformance.reports.gate.machines import unfamiliar
from conformance.reports.gate.standings import STANDINGS, standing
from conformance.reports.record.fact_columns import fact_columns_in, fact_values
from conformance.reports.record.outcome import OUTCOME_COLUMNS, Outcome
from conformance.reports.record.query import Table
from conformance.reports.record.statuses import STATUSES, UNCOMPARED
from conformance.reports.record.store import Results

__all__ = [
    "Gate",
    "Item",
    "Met",
    "assess",
    "match_expectations",
    "matching_expectation",
    "matching_expectations",
    "most_flaky",
]

Expectations = Mapping[str, Sequence[Expectation]]
_FLAKY_IN_ANY_CASE, _FLAKY_ONE_IN = 3, 100


@dataclass(frozen=True)
class Item:
    """An outcome worth naming, how it stands, and what explains it.

    Attributes
    ----------
    outcome : Outcome
        The outcome.
    standing : str
        A name in ``STANDINGS``.
    entry : Expectation or None
        What explains it.
    unlike : Expectation or None
        What expects a failure of this kind here, but another one.
    """

    outcome: Outcome
    standing: str
    entry: Expectation | None = None
    unlike: Expectation | None = None


@dataclass(frozen=True)
class Met:
    """The entries whose condition and kind an outcome meets: those that it looks like, and the others."""

    by: list[Expectation] = field(default_factory=list)
    unlike: list[Expectation] = field(default_factory=list)


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
    unsigned : list of Expectation
        Entries without a signature, which take every failure of their kind for the known one.
    drifts : list of Drift
        Lost precision against the earlier run.
    unfamiliar : list of str
        Kinds of machines of the run that no settled gate was run on.
    counts : Counter
        Outcomes by status.
    uncompared : dict of Counter
        Outcomes by status of each adapter of which no answer was compared with the oracle.
    unsteady : dict
        Adapters with more flaky outcomes than `most_flaky` allows, and their number.
    """

    items: list[Item] = field(default_factory=list)
    stale: list[Expectation] = field(default_factory=list)
    unused: list[Expectation] = field(default_factory=list)
    overlaps: list[tuple[Expectation, Expectation, int]] = field(default_factory=list)
    unsigned: list[Expectation] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    unfamiliar: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    uncompared: dict[str, Counter[str]] = field(default_factory=dict)
    unsteady: dict[str, int] = field(default_factory=dict)

    @property
    def compared(self) -> int:
        """Number of outcomes in which an answer, or the want of one, was compared with the oracle."""
        return sum(count for status, count in self.counts.items() if status not in UNCOMPARED)

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


def match_expectations(
    rows: Sequence[dict[str, Any]],
    outcomes: Sequence[Outcome],
    entries: Sequence[Expectation],
    environment: Mapping[str, Any],
) -> list[Met]:
    """The entries that are about each of some discrepancies of one adapter.

    Parameters
    ----------
    rows : sequence of dict
        Values of ``CONDITION_COLUMNS``.
    outcomes : sequence of Outcome
        What the rows describe.
    entries : sequence of Expectation
        Those of the adapter.
    environment : mapping
        What the adapter ran in.
    """
    found = [Met() for _ in rows]
    applicable = [entry for entry in entries if entry.applies(environment)]
    if not rows or not applicable:
        return found
    facts = tuple({name for entry in applicable for name in fact_columns_in(entry.where)})
    known = fact_values(environment, facts)
    with Table([{**row, **known} for row in rows], (*CONDITION_COLUMNS, *facts)) as table:
        for entry in applicable:
            for outcome, entries_met, met in zip(outcomes, found, table.matching(entry.where), strict=True):
                if met and (outcome.kind or outcome.status) in entry.kinds:
                    (entries_met.by if entry.recognises(outcome) else entries_met.unlike).append(entry)
    return found


def matching_expectations(
    case: Case, outcome: Outcome, entries: Sequence[Expectation], environment: Mapping[str, Any]
) -> list[Expectation]:
    """The entries that explain one outcome, none where it is no discrepancy; see `explain`."""
    if not outcome.gates:
        return []
    (met,) = match_expectations([columns(case) | outcome.columns()], [outcome], entries, environment)
    return met.by


def matching_expectation(
    case: Case, outcome: Outcome, entries: Sequence[Expectation], environment: Mapping[str, Any]
) -> Expectation | None:
    """The first entry that explains one outcome."""
    return next(iter(matching_expectations(case, outcome, entries, environment)), None)


def assess(
    results: Results, expectations: Expectations, baseline: Results | None = None, profiles: Sequence[str] = ()
) -> Gate:
    """Find out what is news in a run.

    Parameters
    ----------
    results : Results
        The run.
    expectations : mapping
        Entries by adapter, as `conformance.reports.gate.expectations.load_all` reads them.
    baseline : Results, optional
        An earlier run: what it has is known, and precision is compared with it.
    profiles : sequence of str
        Accuracy profiles, the tightest first; needed with a baseline.
    """
    cases = results.cases()
    environments = results.meta().get("environments") or {}
    gate = Gate(unfamiliar=unfamiliar(environments))
    for adapter in results.adapters():  # a run may have more outcomes than should be in memory at once
        own = list(results.outcomes(adapter, details=False))
        statuses = Counter(outcome.status for outcome in own)
        gate.counts.update(statuses)
        if own and not statuses.keys() - UNCOMPARED:
            gate.uncompared[adapter] = statuses
        if statuses["flaky"] > most_flaky(len(own)):
            gate.unsteady[adapter] = statuses["flaky"]
        before = (
            {} if baseline is None else {old.case_id: old for old in baseline.outcomes(adapter, details=False)}
        )
        entries = expectations.get(adapter, ())
        environment = environments.get(adapter, {})
        explained = _explain_all(own, cases, entries, environment)
        for outcome in own:
            named = standing(before.get(outcome.case_id), outcome)
            met = explained.get(outcome.case_id, Met())
            if met.by:
                gate.items.append(Item(outcome, "known", met.by[0]))
            elif met.unlike:
                # What the earlier run has already, bit for bit, stays known by it.
                named = "known" if named == "known" else "changed"
                gate.items.append(Item(outcome, named, unlike=met.unlike[0]))
            elif named is not None:
                gate.items.append(Item(outcome, named))
            if (ours := outcome.own_failure) is not None:
                gate.items.append(Item(ours, "infra"))
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
) -> dict[str, Met]:
    wrong = [outcome for outcome in outcomes if outcome.gates and not STATUSES[outcome.status].ours]
    rows = [{**cases[outcome.case_id], **outcome.columns()} for outcome in wrong]
    found = match_expectations(rows, wrong, entries, environment)
    return {o.case_id: met for o, met in zip(wrong, found, strict=True) if met.by or met.unlike}


def _judge_entries(
    gate: Gate,
    outcomes: Sequence[Outcome],
    cases: Mapping[str, dict[str, Any]],
    entries: Sequence[Expectation],
    environment: Mapping[str, Any],
    explained: Mapping[str, Met],
) -> None:
    """Find the entries of one adapter that are stale, unused, overlap or have no signature."""
    # Where cases of an entry fail in another way, that is what is said of them; it is not that they pass.
    used = Counter(entry.place for met in explained.values() for entry in (*met.by, *met.unlike))
    answered = {o.case_id for o in outcomes if o.status == "pass" or (o.gates and not STATUSES[o.status].ours)}
    idle = [entry for entry in entries if entry.applies(environment) and not used[entry.place]]
    for entry in idle:
        could_tell = answered.intersection(entry.evidence)
        facts = fact_columns_in(entry.where)
        if entry.case_columns_only and (facts or not entry.evidence):
            # Where facts decide, evidence tells something only where they hold.
            met = _meeting(entry.where, facts, (could_tell if entry.evidence else answered), cases, environment)
            if not met and facts:
                continue  # for another machine
            could_tell = met
        (gate.stale if could_tell and not entry.intermittent else gate.unused).append(entry)
    gate.unsigned.extend(entry for entry in entries if entry.signature is None and entry.applies(environment))
    every = (met.by for met in explained.values())
    pairs = Counter((a.place, b.place) for by in every for n, a in enumerate(by) for b in by[n + 1 :])
    by_place = {entry.place: entry for entry in entries}
    gate.overlaps.extend((by_place[a], by_place[b], count) for (a, b), count in pairs.items())


def _meeting(
    where: str,
    facts: tuple[str, ...],
    case_ids: set[str],
    cases: Mapping[str, dict[str, Any]],
    environment: Mapping[str, Any],
) -> set[str]:
    """The cases that meet a condition over columns of a case and facts."""
    known = dict.fromkeys(OUTCOME_COLUMNS) | fact_values(environment, facts)
    listed = sorted(case_ids)
    with Table([known | cases[case_id] for case_id in listed], (*CONDITION_COLUMNS, *facts)) as table:
        return {case_id for case_id, met in zip(listed, table.matching(where), strict=True) if met}
