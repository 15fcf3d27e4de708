"""The report of a run as a page, with the data that need the oracle: status of user reports, equivalent calls."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conformance.cases.corpus.reports import load_reports
from conformance.porting.equivalent_calls import wordings
from conformance.reporting.user_reports import recorded_statuses
from conformance.reports.gate.assess import Gate
from conformance.reports.html import prepare, write_report
from conformance.reports.record.history import History
from conformance.reports.record.store import Results

__all__ = ["prepare_page", "write_page"]


def prepare_page(case_ids: Iterable[str]) -> None:
    """Prepare the parts of the page that do not depend on the outcomes, while a run waits for its frameworks."""
    prepare(case_ids)
    load_reports()
    wordings()


def write_page(
    results: Results,
    out_dir: Path,
    gate: Gate | None = None,
    before: Results | None = None,
    history: History | None = None,
) -> Path:
    """Write the report of a run; the parameters are those of `conformance.reports.html.write_report`."""
    statuses = recorded_statuses(results)
    return write_report(results, out_dir, gate, before, history, corpus=statuses, porting=wordings())
