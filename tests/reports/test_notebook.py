"""Outcomes and findings show themselves in a notebook, and hold no markup of others."""

from __future__ import annotations

from pathlib import Path

from reports.survey import survey
from tests.reports.recorded import HOSTILE, record


def test_outcome_and_finding_show_themselves(tmp_path: Path) -> None:
    with record(tmp_path / "results.sqlite") as results:
        outcome = next(o for o in results.outcomes() if o.detail == HOSTILE)
        finding = next(item for item in survey(results).groups if item.kind == "values")
    shown = outcome._repr_html_()
    assert "fail: values" in shown
    assert "shifted by 1 along H" in shown
    assert "y = wrong(x)" in shown
    assert "<script" not in shown
    assert "<img" not in shown
    listed = finding._repr_html_()
    assert "2 cases" in listed
    assert finding.smallest in listed
