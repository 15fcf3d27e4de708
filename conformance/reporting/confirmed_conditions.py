"""The conditions of what is new in a run, confirmed by running further cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.conditions.atoms import Row
from conformance.conditions.inference import infer_condition
from conformance.conditions.same_cause import Alike
from conformance.reporting.recorded_conditions import Recorded, sample
from conformance.reports.record.conditions import Condition
from conformance.reports.record.findings import Finding, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results

__all__ = ["confirm_conditions"]

# A run ends soon after its last outcome, whatever it found: the gravest findings, and some cases for each. Cases
# are counted, not timed, so that a busy machine finds what an idle one does.
_MOST_FINDINGS = 6
_MOST_CASES = 60
_FURTHER = 300
_TRIES = 3
_RUN_AGAIN = ("fail", "crash")


def confirm_conditions(
    new: Iterable[Outcome],
    results: Results,
    host_of: Callable[[str], AdapterProcess | None],
    *,
    budget: int = _FURTHER,
) -> dict[str, dict[str, Any]]:
    """Conditions of new findings as plain data by finding id, held against cases that the run does not have.

    Parameters
    ----------
    new : iterable of Outcome
        Discrepancies that nobody knew; the gravest findings among them are looked at.
    results : Results
        The run.
    host_of : callable
        From an adapter to its process; None where it cannot be run here as it was run there.
    budget : int
        Most cases to run for each finding.

    Returns
    -------
    dict
        `conformance.reports.record.conditions.Condition` as a dict; findings without one are left out.
    """
    new = list(new)
    found = {}
    causes = [item for item in findings(new, results.cases()) if item.status in _RUN_AGAIN]
    for finding in causes[:_MOST_FINDINGS]:
        host = host_of(finding.adapter)
        if host is None:
            continue
        with host:
            condition = None
            if host.start() is None:
                members = set(finding.members)
                own = [o for o in new if o.adapter == finding.adapter and o.case_id in members]
                condition = _condition(finding, own, Recorded.of(results, finding), host, budget)
        if condition is not None:
            found[finding.id] = asdict(condition)
    return found


def _condition(
    finding: Finding, outcomes: Sequence[Outcome], known: Recorded, host: AdapterProcess, budget: int
) -> Condition | None:
    """Search on some cases of the run, and again with those that a condition gets wrong."""
    wrong, right = sample(known.failing, _MOST_CASES), sample(known.passing, _MOST_CASES)
    by_id = {outcome.case_id: outcome for outcome in outcomes}
    members = [by_id[case_id] for case_id in finding.members]
    alike = Alike(members, host)
    for _ in range(_TRIES):
        told = infer_condition(_cases(wrong), _cases(right), alike, terms=known.terms, budget=budget)
        budget -= told.asked
        if told.predicate is None:
            return None
        failing, passing = told.further_failing, told.asked - told.further_failing
        missed, caught = known.misjudged(told.predicate)
        if not missed and not caught:
            further = {"further_failing": failing, "further_passing": passing, "further_others": alike.others}
            return known.condition(told.predicate, exact=told.exact, **further)
        wrong, right = [*wrong, *missed[:_MOST_CASES]], [*right, *caught[:_MOST_CASES]]
        alike = Alike(members, host)
    return None


def _cases(rows: Sequence[Row]) -> list[Case]:
    return [Case.parse(row["case_id"]) for row in rows]
