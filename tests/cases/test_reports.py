"""The corpus of reports: enough of them, named once, each a question under a written rule."""

from __future__ import annotations

import re
from importlib import resources

import numpy as np
import pytest

from adapters.registry import BUILT_IN
from cases import DomainError
from cases.corpus.reports import SYMPTOMS, Report, load_reports

REPORTS = load_reports()


def test_there_are_enough_threads() -> None:
    assert len({report.link for report in REPORTS.values() if report.device == "cpu" and not report.of}) >= 60


def test_names_are_unique() -> None:
    text = resources.files("cases.corpus").joinpath("reports.toml").read_text(encoding="utf-8")
    assert len(re.findall(r"^\[\[report\]\]$", text, re.MULTILINE)) == len(REPORTS)


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_a_report_is_a_question_under_a_rule(report: Report) -> None:
    rules = resources.files("cases").joinpath("specification.md").read_text(encoding="utf-8")
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
