"""The gate: which outcomes of a run are new, compared with expectations and with an earlier run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

from conformance.cases import Case
from conformance.cases.columns import Row, columns
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
    """An outcome of note, its standing, and what explains it.

    Attributes
    ----------
    outcome : Outcome
        The outcome.
    standing : str
        A name in ``STANDINGS``.
    entry : Expectation or None
        The expectation that explains it.
    unlike : Expectation or None
        An expectation of a failure of this kind, but with a different signature.
    """

    outcome: Outcome
    standing: str
    entry: Expectation | None = None
    unlike: Expectation | None = None


@dataclass(frozen=True)
class Met:
    """The entries whose condition and kind an outcome meets: in ``by`` those that also have its signature."""

    by: list[Expectation] = field(default_factory=list)
    unlike: list[Expectation] = field(default_factory=list)


@dataclass(frozen=True)
class Gate:
    """The result of a run, compared with what was known.

    Attributes
    ----------
    items : list of Item
        Outcomes of note, in the order of ``STANDINGS``.
    stale : list of Expectation
        Entries whose cases were run and no longer fail as the entry says; remove their lines.
    unused : list of Expectation
        Entries that apply here and match no outcome, where no case was run that could show them to be stale.
    overlaps : list
        Pairs of entries and the number of outcomes that both explain; one entry of a pair is too wide.
    unsigned : list of Expectation
        Entries without a signature, which match every failure of their kind.
    drifts : list of Drift
        Precision lost since the earlier run.
    unfamiliar : list of str
        Kinds of machines of the run on which no gate has been settled.
    counts : Counter
        Outcomes by status.
    uncompared : dict of Counter
        Outcomes by status of each adapter of which no output was compared with the oracle.
    unsteady : dict
        Number of flaky outcomes of each adapter that has more than `most_flaky` allows.
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
        """Number of outcomes for which an output, or its absence, was compared with the oracle."""
        return sum(count for status, count in self.counts.items() if status not in UNCOMPARED)

    @cached_property
    def standings(self) -> Counter[str]:
        """Number of items by standing."""
        return Counter(item.standing for item in self.items)

    @property
    def fails(self) -> bool:
        """Whether the gate is red."""
        return bool(self.stale or self.drifts or self.unsteady) or any(
            STANDINGS[name].fails for name in self.standings
        )

    @property
    def broken(self) -> bool:
        """Whether the suite itself failed somewhere."""
        return bool(self.standings["infra"])

    @property
    def failing(self) -> list[Item]:
        """The items that fail the gate, the worst first."""
        return [item for item in self.items if STANDINGS[item.standing].fails]


def most_flaky(cases: int) -> int:
    """The largest number of flaky outcomes that an adapter may have: one per hundred cases, or three.

    A machine that is short of memory or time causes a few. A framework that computes wrong numbers at random
    causes many.
    """
    return max(_FLAKY_IN_ANY_CASE, cases // _FLAKY_ONE_IN)


def match_expectations(
    rows: Sequence[Row],
    outcomes: Sequence[Outcome],
    entries: Sequence[Expectation],
    environment: Mapping[str, Any],
) -> list[Met]:
    """Find the entries that are about each of some discrepancies of one adapter.

    Parameters
    ----------
    rows : sequence of dict
        Values of ``CONDITION_COLUMNS``.
    outcomes : sequence of Outcome
        The outcomes that the rows describe.
    entries : sequence of Expectation
        The entries of the adapter.
    environment : mapping
        The environment of the adapter.
    """
    matches = [Met() for _ in rows]
    applicable = [entry for entry in entries if entry.applies(environment)]
    if not rows or not applicable:
        return matches
    facts = tuple({name for entry in applicable for name in fact_columns_in(entry.where)})
    values = fact_values(environment, facts)
    with Table([{**row, **values} for row in rows], (*CONDITION_COLUMNS, *facts)) as table:
        for entry in applicable:
            for outcome, entries_met, met in zip(outcomes, matches, table.matching(entry.where), strict=True):
                if met and (outcome.kind or outcome.status) in entry.kinds:
                    (entries_met.by if entry.recognises(outcome) else entries_met.unlike).append(entry)
    return matches


def matching_expectations(
    case: Case, outcome: Outcome, entries: Sequence[Expectation], environment: Mapping[str, Any]
) -> list[Expectation]:
    """The entries that explain one outcome, none if it is not a discrepancy; see `match_expectations`."""
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
    """Find out what is new in a run.

    Parameters
    ----------
    results : Results
        The run.
    expectations : mapping
        Entries by adapter, as `conformance.reports.gate.expectations.load_all` reads them.
    baseline : Results, optional
        An earlier run: its discrepancies count as known, and precision is compared with it.
    profiles : sequence of str
        Accuracy profiles, the tightest first; needed with a baseline.
    """
    cases = results.cases()
    environments = results.meta().get("environments") or {}
    gate = Gate(unfamiliar=unfamiliar(environments))
    for adapter in results.adapters():  # one at a time: all outcomes of a run may not fit into memory
        own = list(results.outcomes(adapter, details=False))
        statuses = Counter[str](outcome.status for outcome in own)
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
            name = standing(before.get(outcome.case_id), outcome)
            met = explained.get(outcome.case_id, Met())
            if met.by:
                gate.items.append(Item(outcome, "known", met.by[0]))
            elif met.unlike:
                # An outcome that the earlier run has bit for bit stays known.
                name = "known" if name == "known" else "changed"
                gate.items.append(Item(outcome, name, unlike=met.unlike[0]))
            elif name is not None:
                gate.items.append(Item(outcome, name))
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
    cases: Mapping[str, Row],
    entries: Sequence[Expectation],
    environment: Mapping[str, Any],
) -> dict[str, Met]:
    wrong = [outcome for outcome in outcomes if outcome.gates and not STATUSES[outcome.status].ours]
    rows = [{**cases[outcome.case_id], **outcome.columns()} for outcome in wrong]
    matches = match_expectations(rows, wrong, entries, environment)
    return {o.case_id: met for o, met in zip(wrong, matches, strict=True) if met.by or met.unlike}


def _judge_entries(
    gate: Gate,
    outcomes: Sequence[Outcome],
    cases: Mapping[str, Row],
    entries: Sequence[Expectation],
    environment: Mapping[str, Any],
    explained: Mapping[str, Met],
) -> None:
    """Find the entries of one adapter that are stale, unused, overlap or have no signature."""
    # An entry whose cases fail differently is not stale: its cases are reported as changed.
    used = Counter(entry.identity for met in explained.values() for entry in (*met.by, *met.unlike))
    judged = {o.case_id for o in outcomes if o.status == "pass" or (o.gates and not STATUSES[o.status].ours)}
    idle = [entry for entry in entries if entry.applies(environment) and not used[entry.identity]]
    for entry in idle:
        could_tell = judged.intersection(entry.evidence)
        facts = fact_columns_in(entry.where)
        if entry.case_columns_only and (facts or not entry.evidence):
            # Evidence shows whether an entry is stale only on machines whose facts meet its condition.
            met = _meeting(entry.where, facts, (could_tell if entry.evidence else judged), cases, environment)
            if not met and facts:
                continue  # the entry is for a different machine
            could_tell = met
        (gate.stale if could_tell and not entry.intermittent else gate.unused).append(entry)
    gate.unsigned.extend(entry for entry in entries if entry.signature is None and entry.applies(environment))
    pairs = Counter(
        (one.identity, other.identity) for met in explained.values() for one, other in combinations(met.by, 2)
    )
    by_identity = {entry.identity: entry for entry in entries}
    gate.overlaps.extend((by_identity[one], by_identity[other], count) for (one, other), count in pairs.items())


def _meeting(
    where: str,
    facts: tuple[str, ...],
    case_ids: set[str],
    cases: Mapping[str, Row],
    environment: Mapping[str, Any],
) -> set[str]:
    """The ids of the cases that meet a condition over columns of a case and facts."""
    values = dict.fromkeys(OUTCOME_COLUMNS) | fact_values(environment, facts)
    ordered = sorted(case_ids)
    with Table([values | cases[case_id] for case_id in ordered], (*CONDITION_COLUMNS, *facts)) as table:
        return {case_id for case_id, met in zip(ordered, table.matching(where), strict=True) if met}
