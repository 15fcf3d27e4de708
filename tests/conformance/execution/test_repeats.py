"""Many calls of one case: from one thread, from several at once, and under another number of threads."""

from __future__ import annotations

import json

import pytest

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.execution.check import run_case
from conformance.reports.record.outcome import Outcome
from tests.support.command import conformance, toy

EXACT = Case.parse("1d-c2x3-i5-k3-s2-b1")
ROUNDED = Case.parse("1d-c2x3-i5-k3-s2-b1-normal.0")


def run(adapter: str, case: Case, *, calls: int = 1, at_once: int = 1) -> Outcome:
    """The outcome of a case on an adapter of the tests."""
    with AdapterProcess(resolve(toy(adapter)), ProcessLimits(calls=calls, at_once=at_once)) as host:
        return run_case(case, host)


@pytest.mark.parametrize("at_once", [1, 4])
def test_right_calls_pass_without_a_remark(at_once: int) -> None:
    outcome = run("Right", ROUNDED, calls=60, at_once=at_once)
    assert (outcome.status, outcome.detail) == ("pass", "")


def test_one_wrong_call_in_fifty_is_found() -> None:
    assert run("EveryFiftieth", EXACT).status == "pass"
    outcome = run("EveryFiftieth", EXACT, calls=60)
    assert (outcome.status, outcome.kind) == ("fail", "nondeterministic")
    assert "60 calls gave 2 different outputs, wrong in 1 of them: y differs" in outcome.detail


def test_a_buffer_that_threads_share_is_found() -> None:
    assert run("SharedBuffer", EXACT, calls=8).status == "pass"
    outcome = run("SharedBuffer", EXACT, calls=8, at_once=4)
    assert (outcome.status, outcome.kind) == ("fail", "nondeterministic")


def test_differences_within_the_bound_are_recorded_only_where_threads_may_make_them() -> None:
    outcome = run("OtherOrder", ROUNDED, at_once=4)
    assert outcome.status == "pass"
    assert outcome.detail == "4 calls gave 2 different outputs, each within the error bound"
    outcome = run("OtherOrder", ROUNDED, calls=4)
    assert (outcome.status, outcome.kind) == ("fail", "nondeterministic")


def test_an_output_that_depends_on_the_number_of_threads_is_found() -> None:
    for machine, status in (("", "pass"), ("~one-thread", "fail")):
        with AdapterProcess(resolve(toy("ByThreads") + machine)) as host:
            assert run_case(EXACT, host).status == status


def test_the_options_reach_the_process() -> None:
    ended = conformance(
        "check", str(EXACT), "--adapter", toy("EveryFiftieth"), "--repeat", "60", "--no-server", "--json"
    )
    assert ended.returncode == 1, ended.stderr
    assert json.loads(ended.stdout)["outcomes"][0]["kind"] == "nondeterministic"
