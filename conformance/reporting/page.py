"""The report of a run as a page, with what only this side can compute: the oracle's view of the corpus, calls."""

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
    """Make what the answers to these cases do not change, where there is time for it before a run is over."""
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
    corpus = recorded_statuses(results)
    return write_report(results, out_dir, gate, before, history, corpus=corpus, porting=wordings())
