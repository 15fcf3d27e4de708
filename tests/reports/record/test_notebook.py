"""Outcomes and findings show themselves in a notebook, and hold no markup of others."""

from __future__ import annotations

from pathlib import Path

from conformance.cases import Case
from conformance.reports.record.findings import Condition, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.summary.survey import survey
from tests.support.records import FIRST, HOSTILE, hostile_run


def test_outcome_and_finding_show_themselves(tmp_path: Path) -> None:
    with hostile_run(tmp_path / "results.sqlite") as results:
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


def test_long_messages_unfold_and_a_condition_says_how_sure_it_is() -> None:
    case_id = str(Case.parse(FIRST))
    outcome = Outcome(case_id, "a", "crash", detail="SIGSEGV\n  File <here>\n")
    assert "<summary>SIGSEGV</summary><pre>SIGSEGV\n  File &lt;here&gt;" in outcome._repr_html_()
    assert "<details>" not in Outcome(case_id, "a", "crash", detail="SIGSEGV")._repr_html_()
    columns = {case_id: {"case_id": case_id, "batch": 1, "in_channels": 1, "out_channels": 1, "input_size": "2",
                         "kernel_size": "2"}}  # fmt: skip
    (finding,) = findings([outcome], columns)
    assert "<br>SIGSEGV\n" in finding._repr_html_()
    (finding,) = findings(
        [outcome], columns, {finding.id: Condition(text="stride > 1", sql="stride_min > 1", failing=1, passing=1)}
    )
    assert "seen in 1 case, with stride &gt; 1" in finding._repr_html_()
