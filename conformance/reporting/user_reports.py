"""The status of user reports, computed by running their cases on today's versions."""

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
    """The status of a report.

    Parameters
    ----------
    report : Report
        The report.
    outcome : Outcome or None
        The outcome of its case on its own implementation; None if the case did not run.
    other : Outcome or None
        The outcome on the implementation that it is reported to disagree with, if there is one.

    Returns
    -------
    str
        A name in `STATES`.
    """
    if report.device != "cpu":
        return "not on CPU"
    if report.of or not _has_run(outcome) or (report.against and not _has_run(other)):
        return "not asked"
    assert outcome is not None
    if outcome.status == "inexpressible":
        return "cannot be expressed"
    if outcome.gates:
        return "reproduces"
    if report.against and other is not None:
        return "reproduces" if outcome.status != other.status else "fixed"
    if outcome.status == "unsupported":
        # The framework rejects the case today, as its documentation says or where the rules allow it. The user
        # either saw that rejection, or saw something else that the rejection has replaced.
        return "by design" if outcome.source or report.saw == "refused" else "fixed"
    return "by design" if _follows_the_rules(report) else "fixed"


def _has_run(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status not in ("infra", "missing")


def _follows_the_rules(report: Report) -> bool:
    """Whether the rules confirm what the user saw, or contradict what the user expected instead."""
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
    """Run the cases of the reports, and return the status of each report.

    Parameters
    ----------
    reports : iterable of Report
        The reports.
    specs : sequence of AdapterSpec
        Adapters that run the case of every report.
    limits : ProcessLimits, optional
        How long to wait.
    own : sequence of AdapterSpec
        Adapters that run the cases of the reports about them.
    recorded : iterable of Outcome
        Outcomes from the record of a run; those of other cases are ignored.
    tick : callable
        Called with each adapter before it runs.
    """
    reports = list(reports)
    on_cpu = [report for report in reports if report.device == "cpu"]
    outcomes: dict[tuple[str, str], Outcome] = {}
    for outcome in recorded:
        # An adapter of a different environment (NAME@PYTHON) counts under its name: a record has it only once.
        outcomes[outcome.case_id, outcome.adapter.partition("@")[0]] = outcome
    reports_by_spec = [(spec, on_cpu) for spec in specs]
    reports_by_spec += [
        (spec, [report for report in on_cpu if spec.name in (report.adapter, report.against)]) for spec in own
    ]
    for spec, reports_of_one in reports_by_spec:
        tick(spec)
        with AdapterProcess(spec, limits) as host:
            for case in dict.fromkeys(report.case for report in reports_of_one):
                outcomes[str(case), spec.name] = verdict(case, host)
    statuses = []
    for report in reports:
        by_adapter = {name: outcomes[case_id, name] for case_id, name in outcomes if case_id == str(report.case)}
        shown = by_adapter if report.device == "cpu" else {}
        status = state(report, shown.get(report.adapter), shown.get(report.against))
        statuses.append(UserReportStatus(report, status, shown))
    return statuses


def recorded_statuses(results: Results) -> list[UserReportStatus]:
    """The status of the reports according to a recorded run; empty if the run has none of their cases.

    Parameters
    ----------
    results : Results
        The record of a run.
    """
    reports = load_reports().values()
    case_ids = {str(report.case) for report in reports}
    if not case_ids & results.cases().keys():
        return []
    return review(
        reports, recorded=(outcome for outcome in results.outcomes(details=False) if outcome.case_id in case_ids)
    )
