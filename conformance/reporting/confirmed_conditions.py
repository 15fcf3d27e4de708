"""The conditions of new findings of a run, confirmed by running further cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.columns import Row
from conformance.conditions.inference import infer_condition
from conformance.conditions.same_cause import Alike
from conformance.reporting.recorded_conditions import Recorded, sample
from conformance.reports.record.conditions import Condition
from conformance.reports.record.findings import Finding, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results

__all__ = ["confirm_conditions"]

# Limits, so that a run ends soon after its last outcome: the worst findings, and some cases for each. They count
# cases, not seconds, so that the result does not depend on the load of the machine. To confirm a condition takes
# 50 to 100 cases. A crash costs a new process, which takes TensorFlow 5 s.
_MOST_FINDINGS = 6
_MOST_CASES = 60
_FURTHER = {"fail": 150, "crash": 50}
_TRIES = 3


def confirm_conditions(
    new: Iterable[Outcome],
    results: Results,
    host_of: Callable[[str], AdapterProcess | None],
) -> dict[str, Condition]:
    """Conditions of new findings by finding id, tested on cases that the run does not have.

    Parameters
    ----------
    new : iterable of Outcome
        New discrepancies; the worst findings among them get a condition.
    results : Results
        The run.
    host_of : callable
        The process of an adapter; None if the adapter cannot run here as it did in the run.

    Returns
    -------
    dict of Condition
        Findings without one are left out.
    """
    new = list(new)
    confirmed = {}
    causes = [item for item in findings(new, results.cases()) if item.status in _FURTHER]
    for finding in causes[:_MOST_FINDINGS]:
        host = host_of(finding.adapter)
        if host is None:
            continue
        with host:
            condition = None
            if host.start() is None:
                members = set(finding.members)
                own = [
                    outcome for outcome in new if outcome.adapter == finding.adapter and outcome.case_id in members
                ]
                condition = _condition(finding, own, Recorded.of(results, finding), host, _FURTHER[finding.status])
        if condition is not None:
            confirmed[finding.id] = condition
    return confirmed


def _condition(
    finding: Finding, outcomes: Sequence[Outcome], recorded: Recorded, host: AdapterProcess, budget: int
) -> Condition | None:
    """Search on some cases of the run, and again with those that the condition misjudges."""
    failing, passing = sample(recorded.failing, _MOST_CASES), sample(recorded.passing, _MOST_CASES)
    by_id = {outcome.case_id: outcome for outcome in outcomes}
    members = [by_id[case_id] for case_id in finding.members]
    alike = Alike(members, host)
    for _ in range(_TRIES):
        result = infer_condition(_cases(failing), _cases(passing), alike, terms=recorded.terms, budget=budget)
        budget -= result.runs
        if result.predicate is None:
            return None
        missed, caught = recorded.misjudged(result.predicate)
        if not missed and not caught:
            return replace(
                recorded.condition(result.predicate),
                exact=result.exact,
                further_failing=result.further_failing,
                further_passing=result.runs - result.further_failing,
                further_others=alike.others,
            )
        failing, passing = [*failing, *missed[:_MOST_CASES]], [*passing, *caught[:_MOST_CASES]]
        alike = Alike(members, host)
    return None


def _cases(rows: Sequence[Row]) -> list[Case]:
    return [Case.parse(row["case_id"]) for row in rows]
