"""Large cases through an adapter's process, with a small limit: the same code as for gigabytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case, large
from conformance.cli import main
from conformance.execution.check import run_case
from conformance.reports.record.outcome import Outcome
from tests.support.command import toy

# Beyond 2**15 elements, and beyond 2**16.
CASE = Case.parse("1d-n2-c2x3-i6000-k3-s2-b1-cycle.0")
LAST = Case.parse("1d-n2-c2x3-i6000-k3-s2-cl-b1-cycle.0")
GRADIENT = Case.parse("2d-n3-c40x3-i20x30-k3x2-s2x1-b1-cycle.0-grad")
INPUT = Case.parse("1d-n2-c40x1-i900-k3-f16-cycle.0")


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every case of the kind as large in this process, which decides it."""
    monkeypatch.setattr(large, "MOST_ELEMENTS", 0)


def run(adapter: str, case: Case) -> Outcome:
    """The outcome of a case on an adapter of the tests."""
    with AdapterProcess(resolve(toy(adapter))) as host:
        return run_case(case, host)


@pytest.fixture(scope="module")
def right() -> Iterator[AdapterProcess]:
    """The process of an adapter without a fault."""
    with AdapterProcess(resolve(toy("Right"))) as host:
        yield host


@pytest.mark.parametrize("case", [CASE, LAST, GRADIENT, INPUT], ids=str)
def test_a_right_output_passes(case: Case, right: AdapterProcess) -> None:
    outcome = run_case(case, right)
    assert (outcome.status, outcome.profile) == ("pass", "exact"), outcome.detail


@pytest.mark.parametrize(
    ("adapter", "case"),
    [("NarrowIndex", LAST), ("NarrowOffset", CASE), ("NarrowInput", CASE)],
)
def test_an_index_that_overflows_is_found(adapter: str, case: Case) -> None:
    outcome = run(adapter, case)
    assert (outcome.status, outcome.kind) == ("fail", "values"), outcome.detail
    assert "sampled elements, first at [" in outcome.detail
    assert outcome.program is not None


def test_the_first_wrong_sample_is_the_first_wrong_element() -> None:
    outcome = run("NarrowIndex", CASE)
    plane = 3 * CASE.output_shape[2]
    item, rest = divmod(2**15, plane)
    channel, place = divmod(rest, CASE.output_shape[2])
    assert f"first at [{item}, {channel}, {place}]" in outcome.detail


def test_an_index_that_overflows_in_a_gradient_is_found() -> None:
    outcome = run("NarrowIndex", GRADIENT)
    assert (outcome.status, outcome.kind) == ("fail", "gradient"), outcome.detail


def test_a_wrong_shape_and_a_changed_input_are_found() -> None:
    outcome = run("Longer", CASE)
    assert (outcome.status, outcome.kind) == ("fail", "shape")
    assert f"by the rules it is {CASE.output_shape}" in outcome.detail
    outcome = run("Overwriting", CASE)
    assert (outcome.status, outcome.kind) == ("fail", "inputs"), outcome.detail


@pytest.mark.parametrize("command", ["repro", "minimize"])
def test_commands_that_need_the_whole_output_say_so(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, str(CASE), "--adapter", toy("Right")])
    assert stop.value.code == 2
    assert "is a large case" in capsys.readouterr().err


def test_without_memory_the_case_does_not_run_and_names_its_need(right: AdapterProcess) -> None:
    outcome = run_case(Case.parse("1d-c1x1-i1099511627776-k1-f16-cycle.0"), right)
    assert outcome.status == "unchecked"
    assert "needs at least 6144.0 GiB of memory" in outcome.detail


def test_a_framework_that_wants_far_too_much_is_wrong() -> None:
    outcome = run("NamesTerabytes", Case.parse("1d-c2x3-i600-k2-cycle.0"))
    assert (outcome.status, outcome.kind) == ("fail", "rejected"), outcome.detail
    assert "MemoryError" in outcome.detail
