"""The state of a report follows from outcomes, never from what is written beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.corpus.reports import Report, load_reports, load_threads
from conformance.reporting.user_reports import recorded_statuses, review, state
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import FailKind, StatusName
from conformance.reports.record.store import Results
from conformance.runner.selection import CORPUS, select
from tests.support.command import conformance, toy
from tests.support.frameworks import requires

REPORTS = load_reports()
PLAIN = Report(
    id="r",
    link="https://example.org",
    claim="a claim",
    adapter="torch",
    case=Case.parse("1d-i5-k3-s2-p1"),
    rule="R4",
    saw="values",
)


def outcome(status: StatusName, kind: FailKind | None = None) -> Outcome:
    return Outcome("", "torch", status, kind)


@pytest.mark.parametrize(
    ("report", "status", "kind", "expected"),
    [
        (PLAIN, "fail", "values", "reproduces"),
        (PLAIN, "crash", None, "reproduces"),
        (PLAIN, "timeout", None, "reproduces"),
        (PLAIN, "pass", None, "fixed"),
        (replace(PLAIN, saw="refused"), "unsupported", None, "by design"),
        (PLAIN, "inexpressible", None, "cannot be expressed"),
        (PLAIN, "infra", None, "not asked"),
        (replace(PLAIN, of="a compiler"), "pass", None, "not asked"),
        (replace(PLAIN, device="cuda"), "fail", "values", "not on CPU"),
        (replace(PLAIN, saw="shape", saw_size=(9,)), "pass", None, "by design"),
        (replace(PLAIN, saw="shape", saw_size=(10,)), "pass", None, "fixed"),
        (replace(PLAIN, saw="shape", saw_size=(9,)), "fail", "shape", "reproduces"),
        (replace(PLAIN, saw="shape", expects_size=(10,)), "pass", None, "by design"),
        (replace(PLAIN, saw="shape", expects_size=(9,)), "pass", None, "fixed"),
        (replace(PLAIN, expects_case=Case.parse("1d-i5-k3-s2-same-op0")), "pass", None, "fixed"),
        (replace(PLAIN, expects_case=Case.parse("1d-i5-k3-s2-same")), "pass", None, "by design"),
        (replace(PLAIN, expects_flip=True), "pass", None, "by design"),
        (replace(PLAIN, case=Case.parse("1d-i5-k1-p0"), expects_flip=True), "pass", None, "fixed"),
        (replace(PLAIN, expects_y=(0,) * 9), "pass", None, "by design"),
        (replace(PLAIN, saw="accepted"), "pass", None, "by design"),
        (replace(PLAIN, case=Case.parse("1d-i5-k3-s0"), saw="refused"), "pass", None, "by design"),
        (replace(PLAIN, case=Case.parse("1d-i5-k3-s0"), saw="crash"), "pass", None, "fixed"),
    ],
)
def test_the_state_follows_from_the_outcome(
    report: Report, status: StatusName, kind: FailKind | None, expected: str
) -> None:
    assert state(report, outcome(status, kind)) == expected


@pytest.mark.parametrize(
    ("status", "other", "expected"),
    [
        ("unsupported", "pass", "reproduces"),
        ("pass", "unsupported", "reproduces"),
        ("pass", "pass", "fixed"),
        ("unsupported", "unsupported", "fixed"),
        ("crash", "crash", "reproduces"),
        ("pass", "infra", "not asked"),
        ("pass", None, "not asked"),
        ("infra", "pass", "not asked"),
    ],
)
def test_two_run_where_the_rules_leave_the_choice(
    status: StatusName, other: StatusName | None, expected: str
) -> None:
    report = replace(PLAIN, against="torch-meta")
    assert state(report, outcome(status), None if other is None else outcome(other)) == expected


def test_a_refusal_where_something_else_was_seen() -> None:
    refused, declared = outcome("unsupported"), replace(outcome("unsupported"), source="the manual")
    assert state(replace(PLAIN, saw="accepted"), refused) == "fixed"
    assert state(replace(PLAIN, saw="accepted"), declared) == "by design"
    assert state(replace(PLAIN, saw="refused"), refused) == "by design"


def test_what_did_not_run_has_no_state() -> None:
    assert state(PLAIN, None) == "not asked"


@requires("torch")
def test_reports_on_pytorch_run() -> None:
    chosen = [
        report for report in REPORTS.values() if (report.adapter, report.device, report.of) == ("torch", "cpu", "")
    ]
    standings = review(chosen, [resolve("torch")])
    assert len(standings) > 10
    found = {standing.report.id: standing.state for standing in standings}
    assert "not asked" not in found.values()
    # Known by the frameworks' own trackers: fixed in 2017, a misunderstanding, and a limit.
    assert found["pt-dilated-1565"] == "fixed"
    assert found["pt-doc-8816"] == "by design"
    assert found["pt-overrej-56328"] == "by design"


@requires("jax-lax")
def test_limits_and_beliefs_are_by_design() -> None:
    chosen = [REPORTS["jax-4637"], REPORTS["jax-32267"]]
    found = {standing.report.id: standing.state for standing in review(chosen, [resolve("jax-lax")])}
    assert found == {"jax-4637": "cannot be expressed", "jax-32267": "by design"}


def test_a_report_runs_on_the_implementation_it_is_about() -> None:
    right, flipped = (toy(name) for name in ("Right", "Flipped"))
    reports = [replace(PLAIN, id=name, adapter=name) for name in (right, flipped, "elsewhere")]
    found = review(reports, own=[resolve(right), resolve(flipped)])
    assert [standing.state for standing in found] == ["fixed", "reproduces", "not asked"]
    ran: list[str] = []
    found = review(reports, [resolve(flipped)], tick=lambda spec: ran.append(spec.name))
    assert [standing.state for standing in found] == ["not asked", "reproduces", "not asked"]
    assert all(set(standing.outcomes) == {flipped} for standing in found)
    assert ran == [flipped]


def test_states_come_from_the_record_of_a_run(tmp_path: Path) -> None:
    report = REPORTS["pt-doc-8816"]
    path = tmp_path / "results.sqlite"
    with Results.create(path) as results:
        results.plan([("torch@/elsewhere/python", report.case)])
        results.record(
            replace(outcome("fail", "values"), case_id=str(report.case), adapter="torch@/elsewhere/python")
        )
    done = conformance("cases", "--corpus", "--json", "--results", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    states = {row["id"]: row["state"] for row in json.loads(done.stdout)["reports"]}
    same = {
        one.id
        for one in REPORTS.values()
        if (one.case, one.adapter, one.device, one.of) == (report.case, "torch", "cpu", "")
    }
    assert {name for name, found in states.items() if found == "reproduces"} == same
    assert set(states.values()) == {"reproduces", "not asked", "not on CPU"}


def test_a_run_without_their_cases_says_nothing_of_them(tmp_path: Path) -> None:
    with Results.create(tmp_path / "results.sqlite") as results:
        results.plan([("torch", Case.parse("1d-i5-k3-s2-p1-bf16-ones.77"))])
        assert recorded_statuses(results) == []


def test_reports_are_a_selection_and_their_states_follow_from_its_record(tmp_path: Path) -> None:
    selected = select(CORPUS, (), None)
    assert len(selected) == len({report.case for report in REPORTS.values() if report.device == "cpu"})
    report = REPORTS["pt-doc-8816"]
    with Results.create(tmp_path / "results.sqlite") as results:
        results.plan([("torch", case) for case in selected])
        results.record(replace(outcome("fail", "values"), case_id=str(report.case)))
        found = {standing.report.id: standing.state for standing in recorded_statuses(results)}
    assert found.keys() == REPORTS.keys()
    assert found["pt-doc-8816"] == "reproduces"
    assert found["pt-dilated-1565"] == "not asked"


def test_the_command_prints_every_report() -> None:
    done = conformance("cases", "--corpus", "--json", "--adapter", toy("PlainRefuses"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["threads"] == [asdict(thread) for thread in load_threads().values()]
    rows = found["reports"]
    assert [row["id"] for row in rows] == list(REPORTS)
    # On an implementation that is not its own, a report has outcomes and no state.
    assert {row["state"] for row in rows} == {"not asked", "not on CPU"}
    assert all(row["outcomes"] for row in rows if row["state"] == "not asked")
    shown = conformance("cases", "--corpus", "--adapter", toy("PlainRefuses"))
    assert "not asked" in shown.stdout.splitlines()[-1]
    assert "why it has no case" in shown.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--corpus", "--stats"),
        ("--corpus", "--tier", "smoke"),
        ("--adapter", "torch"),
        ("--corpus", "--adapter", "x"),
        ("--results", __file__),
        ("--corpus", "--results", __file__),
        ("--corpus", "--results", __file__, "--adapter", "torch"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = conformance("cases", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
