"""A run in which nothing was compared is not green, and neither is one with such an adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.reports.gate.assess import assess
from conformance.reports.gate.text import headline, lines, markdown
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import StatusName
from conformance.reports.record.store import Results
from conformance.reports.summary.news import news_of
from tests.support.command import conformance, toy

CASE = Case.parse("1d-i3-k3")


@pytest.mark.parametrize("silent", ["unsupported", "inexpressible", "unchecked"])
def test_an_adapter_without_a_comparison_has_a_line(tmp_path: Path, silent: StatusName) -> None:
    with Results.create(tmp_path / "r.sqlite") as results:
        results.plan([("a", CASE), ("b", CASE)])
        results.record(Outcome(str(CASE), "a", "pass", profile="exact", budget=0.0))
        results.record(Outcome(str(CASE), "b", silent))
        gate = assess(results, {})
        cases = results.cases()
    assert not gate.fails
    assert gate.compared == 1
    assert "nothing was compared for b" in headline(gate)
    assert [line.text for line in lines(gate, cases)] == [f"b: nothing was compared: 1 {silent}"]
    assert "not compared" in markdown(gate, cases)
    assert not news_of(gate, None, cases).green


def test_where_all_were_compared_it_is_green(tmp_path: Path) -> None:
    with Results.create(tmp_path / "r.sqlite") as results:
        results.plan([("a", CASE)])
        results.record(Outcome(str(CASE), "a", "pass", profile="exact", budget=0.0))
        gate = assess(results, {})
        assert headline(gate) == "Gate green: nothing new."
        assert news_of(gate, None, results.cases()).green


def test_a_run_without_a_comparison_is_wrong_usage(tmp_path: Path) -> None:
    arguments = ("--adapter", toy("Limited"), "--case", "1d-c2x2-i3-k3-g2", "--out", str(tmp_path / "out"))
    done = conformance("run", *arguments)
    assert done.returncode == 2, done.stdout
    assert "nothing was compared: 1 inexpressible" in done.stderr
    assert "Gate green" not in done.stdout
    assert "Nothing was compared" in (tmp_path / "out" / "summary.md").read_text()
