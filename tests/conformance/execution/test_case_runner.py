"""Running one case after the other: which run twice, and the next one sent ahead of its turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.execution.case_runner import CaseRunner, repeat_sampled
from tests.support.command import toy

ADAPTER = toy("Segfaults")
EXACT = [Case.parse(f"1d-i{size}-k3") for size in range(3, 83)]


def test_data_with_a_tolerance_run_twice_exact_data_now_and_then() -> None:
    assert all(repeat_sampled(Case.parse(f"1d-i{size}-k3-normal.0")) for size in range(3, 83))
    assert 3 <= sum(map(repeat_sampled, EXACT)) <= 20


def test_the_next_case_goes_ahead_and_runs_no_more_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "calls"
    monkeypatch.setenv("CALLS", str(log))
    spec, cases = resolve(ADAPTER), [EXACT[0], Case.parse("1d-i4-k3-normal.0"), EXACT[2]]
    case_runner = CaseRunner(ProcessLimits(), {spec.name: []}, lambda case: case.data == "normal")
    try:
        for number, case in enumerate(cases, 1):
            assert case_runner.run(spec, case, cases[number:]).outcome.status == "pass"
    finally:
        case_runner.close()
    counted = [1, 2, 1]
    wanted = [str(case) for case, count in zip(cases, counted, strict=True) for _ in range(count)]
    assert log.read_text().split() == wanted


def test_a_crash_over_the_next_case_belongs_to_the_next_case() -> None:
    spec, cases = resolve(ADAPTER), [EXACT[0], Case.parse("1d-i4-k2"), EXACT[2]]
    case_runner = CaseRunner(ProcessLimits(), {spec.name: []})
    try:
        outputs = [case_runner.run(spec, case, cases[number:]) for number, case in enumerate(cases, 1)]
    finally:
        case_runner.close()
    assert [output.outcome.status for output in outputs] == ["pass", "crash", "pass"]


def test_the_next_case_may_be_a_different_one() -> None:
    """The case that was announced is not the one that runs."""
    spec = resolve(ADAPTER)
    case_runner = CaseRunner(ProcessLimits(), {spec.name: []})
    try:
        case_runner.run(spec, EXACT[0], EXACT[1:4])
        outcome = case_runner.run(spec, EXACT[5]).outcome
    finally:
        case_runner.close()
    assert (outcome.case_id, outcome.status) == (str(EXACT[5]), "pass")
