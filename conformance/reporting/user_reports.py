"""What has become of the reports of real users, computed by asking their questions today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cases import DomainError
from conformance.cases.corpus.reports import Report, load_reports
from conformance.cases.data import make_tensors
from conformance.execution.check import verdict
from conformance.oracle.expected_output import expected_output
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results
from conformance.reports.summary.user_reports import STATES, UserReportStatus

__all__ = ["STATES", "UserReportStatus", "recorded_statuses", "review", "state"]


def state(report: Report, outcome: Outcome | None, other: Outcome | None = None) -> str:
    """What has become of a report.

    Parameters
    ----------
    report : Report
        The report.
    outcome : Outcome or None
        Of its own implementation on its question; None if it was not asked.
    other : Outcome or None
        Of the one that it is said to disagree with, if there is one.

    Returns
    -------
    str
        A name in `STATES`.
    """
    if report.device != "cpu":
        return "not on CPU"
    if report.of or not _was_asked(outcome) or (report.against and not _was_asked(other)):
        return "not asked"
    assert outcome is not None
    if outcome.status == "inexpressible":
        return "cannot be expressed"
    if outcome.gates:
        return "reproduces"
    if report.against and other is not None:
        return "reproduces" if outcome.status != other.status else "fixed"
    if outcome.status == "unsupported":
        # As documented, or of itself where the rules leave the choice; that may be what was seen, or new.
        return "by design" if outcome.source or report.saw == "refused" else "fixed"
    return "by design" if _as_the_rules_say(report) else "fixed"


def _was_asked(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status not in ("infra", "missing")


def _as_the_rules_say(report: Report) -> bool:
    """Whether what was seen is right, or what was expected instead is not."""
    case = report.case
    try:
        size = case.geometry().output_size
    except DomainError:
        return report.saw == "refused"
    if report.saw_size is not None:
        return report.saw_size == size
    if report.expects_size is not None:
        return report.expects_size != size
    if report.expects_y is not None:
        return not _same(report, np.asarray(report.expects_y, dtype=np.float64).reshape(case.output_shape))
    if report.expects_case is not None:
        other = report.expects_case
        return other.output_shape != case.output_shape or not _same(
            report, expected_output(other, make_tensors(other))["y"]
        )
    if report.expects_flip:
        tensors = make_tensors(case)
        flipped = np.flip(tensors["w"], tuple(range(2, case.rank + 2)))
        return not _same(report, expected_output(case, {**tensors, "w": flipped})["y"])
    return report.saw == "accepted"


def _same(report: Report, expected: np.ndarray) -> bool:
    return bool(np.array_equal(expected_output(report.case, make_tensors(report.case))["y"], expected))


def review(
    reports: Iterable[Report],
    specs: Sequence[AdapterSpec] = (),
    limits: ProcessLimits | None = None,
    *,
    own: Sequence[AdapterSpec] = (),
    recorded: Iterable[Outcome] = (),
    tick: Callable[[AdapterSpec], None] = lambda spec: None,
) -> list[UserReportStatus]:
    """Ask the questions of the reports, and say what has become of them.

    Parameters
    ----------
    reports : iterable of Report
        The reports.
    specs : sequence of AdapterSpec
        Asked every question.
    limits : ProcessLimits, optional
        How long to wait.
    own : sequence of AdapterSpec
        Asked the questions of the reports that are about them.
    recorded : iterable of Outcome
        Answers that are there already, from the record of a run; those to other questions are passed over.
    tick : callable
        Told of each adapter before it is asked.
    """
    reports = list(reports)
    on_cpu = [report for report in reports if report.device == "cpu"]
    found: dict[tuple[str, str], Outcome] = {}
    for outcome in recorded:
        # What ran in another environment has its name without it: one record holds one of them.
        found[outcome.case_id, outcome.adapter.partition("@")[0]] = outcome
    asked = [(spec, on_cpu) for spec in specs]
    asked += [
        (spec, [report for report in on_cpu if spec.name in (report.adapter, report.against)]) for spec in own
    ]
    for spec, questions in asked:
        tick(spec)
        with AdapterProcess(spec, limits) as host:
            for case in dict.fromkeys(report.case for report in questions):
                found[str(case), spec.name] = verdict(case, host)
    standings = []
    for report in reports:
        answers = {name: found[case_id, name] for case_id, name in found if case_id == str(report.case)}
        shown = answers if report.device == "cpu" else {}
        found_state = state(report, shown.get(report.adapter), shown.get(report.against))
        standings.append(UserReportStatus(report, found_state, shown))
    return standings


def recorded_statuses(results: Results) -> list[UserReportStatus]:
    """What a recorded run says of the reports; nothing, if it asked the question of none.

    Parameters
    ----------
    results : Results
        The record of a run.
    """
    reports = load_reports().values()
    questions = {str(report.case) for report in reports}
    if not questions & results.cases().keys():
        return []
    return review(
        reports, recorded=(outcome for outcome in results.outcomes(details=False) if outcome.case_id in questions)
    )
