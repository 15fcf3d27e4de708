"""What the cases of a run cover, and which planted faults they notice, next to the case lists of others."""

from __future__ import annotations

from pathlib import Path

from conformance.cases import Case
from conformance.cases.design.statistics import statistics
from conformance.cases.peers import load_peers
from conformance.cases.tiers import load_kills, load_tier, tier_hash
from conformance.reports.html import write_report
from conformance.reports.record.store import Results
from conformance.reports.summary.coverage import THIS_RUN, measure_coverage


def planned(path: Path, cases: list[Case]) -> Results:
    results = Results.create(path)
    results.plan([("torch", case) for case in cases])
    results.set_meta("case_set_hash", tier_hash(cases))
    return results


def test_coverage_is_of_the_recorded_cases_and_kills_are_named_by_tier(tmp_path: Path) -> None:
    smoke = load_tier("smoke")
    with planned(tmp_path / "results.sqlite", smoke) as results:
        found = measure_coverage(results)
        page = write_report(results, tmp_path / "report").read_text(encoding="utf-8")
    assert found.tier == "smoke"
    assert len(found.lists) == 1 + len(load_peers())
    mine = found.lists[THIS_RUN]
    wanted = statistics(smoke, (1, 2), ("whole",))
    assert mine["cases"] == len(smoke)
    assert {key: mine["coverage"][key] for key in ("1", "2")} == wanted["coverage"]["whole"]
    assert mine["boundaries"] == wanted["boundaries"]
    assert "This run ran the cases of <code>smoke</code>." in page
    assert f"notices {load_kills().noticed('gate')} of {len(load_kills().faults)} planted faults" in page


def test_fewer_cases_cover_less_and_are_no_tier(tmp_path: Path) -> None:
    with planned(tmp_path / "results.sqlite", [case for case in load_tier("smoke") if case.rank < 3]) as results:
        found = measure_coverage(results)
    assert found.tier == ""
    pairs = found.lists[THIS_RUN]["coverage"]["2"]
    assert pairs["covered"] < pairs["required"]


def test_a_handful_is_not_counted(tmp_path: Path) -> None:
    with planned(tmp_path / "results.sqlite", load_tier("smoke")[:5]) as results:
        assert measure_coverage(results).lists == {}
