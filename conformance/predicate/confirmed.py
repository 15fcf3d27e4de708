"""The conditions of what is new in a run, confirmed by asking further questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from adapters.process import Host
from cases.case import Case
from conformance.predicate.active import Fails, explain
from conformance.predicate.recorded import some, wrong_and_passing
from conformance.reference import question
from conformance.verdict import judge
from reports.findings import Condition, Finding, findings
from reports.outcome import Outcome
from reports.store import Results

__all__ = ["confirmed", "fails_alike"]

# A run ends soon after its last answer, whatever it found: the gravest findings, and some seconds for each.
_MOST_FINDINGS = 4
_SECONDS_EACH = 5.0
_MOST_CASES = 60
_QUESTIONS = 300
_ASKED_AGAIN = ("fail", "crash")


def fails_alike(status: str, kind: str | None, host: Host) -> Fails:
    """Whether a case fails in a given way too; None where it is not answered, or fails in another way.

    Only the verdict counts here, so nothing is diagnosed.
    """

    def fails(case: Case) -> bool | None:
        tensors = question(case)
        found = judge(case, tensors, host.ask(case, tensors))
        if found["status"] == "pass":
            return False
        return True if (found["status"], found.get("kind")) == (status, kind) else None

    return fails


def confirmed(
    new: Iterable[Outcome], results: Results, host_of: Callable[[str], Host], *, seconds: float = _SECONDS_EACH
) -> dict[str, dict[str, Any]]:
    """Conditions of new findings as plain data by finding id, held against questions that the run did not ask.

    Parameters
    ----------
    new : iterable of Outcome
        Discrepancies that nobody knew; the gravest findings among them are looked at, as far as time allows.
    results : Results
        The run.
    host_of : callable
        From an adapter to its process.
    seconds : float
        How long to ask about each.

    Returns
    -------
    dict
        `reports.findings.Condition` as a dict; findings without one are left out.
    """
    causes = [item for item in findings(new, results.cases()) if item.status in _ASKED_AGAIN]
    if not causes:
        return {}
    _, passing = wrong_and_passing(results)
    found = {}
    for finding in causes[:_MOST_FINDINGS]:
        with host_of(finding.adapter) as host:
            condition = (
                None
                if host.start() is not None
                else _condition(finding, passing.get(finding.adapter, []), host, seconds)
            )
        if condition is not None:
            found[finding.id] = asdict(condition)
    return found


def _condition(finding: Finding, passing: list[str], host: Host, seconds: float) -> Condition | None:
    alike = fails_alike(finding.status, finding.kind, host)
    known = explain(_cases(finding.members), _cases(passing), alike, budget=_QUESTIONS, seconds=seconds)
    if known.predicate is None:
        return None
    return Condition(known.predicate.text, str(known.predicate), known.failing, known.passing, known.exact)


def _cases(case_ids: Sequence[str]) -> list[Case]:
    return [Case.parse(case_id) for case_id in some(case_ids, _MOST_CASES)]
