"""The corpus of reports: enough of them, named once, each a case under a written rule."""

from __future__ import annotations

import re
from importlib import resources

import numpy as np
import pytest

from conformance.adapters.registry import BUILT_IN
from conformance.cases import DomainError
from conformance.cases.corpus.reports import SYMPTOMS, Report, Thread, load_reports, load_threads

REPORTS = load_reports()
THREADS = load_threads()


def test_there_are_enough_threads() -> None:
    assert len({report.link for report in REPORTS.values() if report.device == "cpu" and not report.of}) >= 60


def test_names_are_unique() -> None:
    text = resources.files("conformance.cases.corpus").joinpath("reports.toml").read_text(encoding="utf-8")
    for kind, entries in (("report", REPORTS), ("thread", THREADS)):
        assert len(re.findall(rf"^\[\[{kind}\]\]$", text, re.MULTILINE)) == len(entries)
    assert not REPORTS.keys() & THREADS.keys()


@pytest.mark.parametrize("thread", THREADS.values(), ids=THREADS)
def test_a_thread_without_a_case_says_why(thread: Thread) -> None:
    assert thread.link not in {report.link for report in REPORTS.values()}
    assert thread.link.startswith("https://")
    assert thread.why.endswith(".")
    assert 20 <= len(thread.why) <= 120


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_a_report_is_a_case_under_a_rule(report: Report) -> None:
    rules = resources.files("conformance.cases").joinpath("specification.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{report.rule}\b", rules)
    assert report.saw in SYMPTOMS
    assert report.link.startswith("https://")
    assert 20 <= len(report.claim) <= 120
    try:
        shape = report.case.output_shape
    except DomainError:
        assert report.rule in ("R11", "R12")
        return
    for size in (report.saw_size, report.expects_size):
        assert size is None or len(size) == report.case.rank
    if report.expects_y is not None:
        assert np.size(report.expects_y) == np.prod(shape)


def test_reports_are_about_adapters_that_there_are() -> None:
    assert {report.adapter for report in REPORTS.values()} <= set(BUILT_IN)
    assert {report.against for report in REPORTS.values()} <= {"", *BUILT_IN}
