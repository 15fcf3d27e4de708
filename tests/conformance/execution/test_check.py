"""One case on one adapter: every way an adapter can behave is an outcome."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance import check
from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import UnknownAdapter, resolve
from conformance.cases import Case
from conformance.execution.check import run_case
from tests.support.command import toy
from tests.support.frameworks import requires

CASE = "2d-n2-c4x6-i4x5-k3x2-s2x1-g2-same-b1"


@pytest.mark.parametrize("case_id", [CASE, f"{CASE}-normal.0", f"{CASE}-normal.0-grad", "1d-n0-i3-k2"])
def test_a_right_output_passes(case_id: str) -> None:
    outcome = check(case_id, toy("Right"))
    assert (outcome.status, outcome.kind) == ("pass", None), outcome.detail


def test_a_flipped_kernel_fails_with_its_evidence() -> None:
    outcome = check(CASE, toy("Flipped"))
    assert (outcome.status, outcome.kind) == ("fail", "values")
    assert "np.flip" in str(outcome.program)
    assert outcome.evidence["y"].got != outcome.evidence["y"].expected


@pytest.mark.parametrize(
    ("adapter", "status", "kind", "text"),
    [
        ("Aborts", "crash", None, "SIGABRT"),
        ("Hangs", "timeout", None, "no reply within 1 s"),
        ("Refuses", "fail", "rejected", "RuntimeError"),
        ("CannotImport", "infra", None, "no_such_framework"),
        ("Broken", "infra", None, "NameError"),
        ("Limited", "inexpressible", None, "has no groups"),
    ],
)
def test_misbehaviour_is_an_outcome(adapter: str, status: str, kind: str | None, text: str) -> None:
    outcome = check(
        "1d-c2x2-i5-k2-g2", toy(adapter), limits=ProcessLimits(answer=1 if status == "timeout" else 60)
    )
    assert (outcome.status, outcome.kind) == (status, kind)
    assert text in outcome.detail


def test_a_file_without_the_class_is_our_failure() -> None:
    outcome = check(CASE, f"{toy('Right')}er")
    assert (outcome.status, outcome.kind) == ("infra", None)
    assert "Righter" in outcome.detail


def test_a_crash_is_reported_with_its_last_lines_and_the_next_case_runs() -> None:
    with AdapterProcess(resolve(toy("Aborts"))) as host:
        crashed = run_case(Case.parse("1d-i5-k2"), host)
        assert crashed.status == "crash"
        assert "last text" in crashed.detail
        assert run_case(Case.parse("1d-i5-k3"), host).status == "pass"


def test_memory_that_was_never_written_does_not_pass_for_zero() -> None:
    """The case has outputs that no tap reaches, which are zero in a right output."""
    outcome = check("1d-i9-k1-s9-op5", toy("Stale"))
    assert outcome.status == "fail"


def test_an_invalid_case_requires_an_error() -> None:
    assert check("1d-i5-k0", toy("Refuses")).status == "pass"
    accepted = check("1d-c2x2-i5-k3-g-1", toy("Flipped"))
    assert accepted.status == "infra", "geometry() raises inside the toy's own code"


def test_a_refusal_that_the_rules_leave_open_is_recorded_not_judged() -> None:
    outcome = check("1d-n0-i5-k3", toy("Refuses"))
    assert outcome.status == "unsupported"
    assert "R12" in outcome.detail


def test_an_unknown_adapter_is_named() -> None:
    with pytest.raises(UnknownAdapter, match="known adapters: "):
        check(CASE, "no-such-adapter")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=requires(name)) for name in ("torch", "keras-tensorflow~onednn-on", "jax-lax")
    ],
)
def real_host(request: pytest.FixtureRequest) -> Iterator[AdapterProcess]:
    with AdapterProcess(resolve(request.param)) as host:
        yield host


@pytest.mark.xdist_group("real frameworks")
@pytest.mark.parametrize(
    "case_id",
    [
        "2d-i5x7-k3-s2-same",
        "2d-n2-c2x3-i4x5-k3x2-s1x1-d2x1-valid-cl-b1",
        "1d-n2-c3x2-i6-k4-s2-same-b1-grad",
        "3d-n1-c2x3-i3x4x2-k2x3x1-s2x1x2-valid-cl-f32-b1-normal.1",
    ],
)
def test_real_frameworks_agree_with_the_oracle(real_host: AdapterProcess, case_id: str) -> None:
    outcome = run_case(Case.parse(case_id), real_host)
    assert outcome.status == "pass", outcome.detail


def test_a_periodic_output_that_is_wrong_in_part_is_described() -> None:
    # The result that is folded is longer than the output, so that regions of one are none of the other.
    outcome = check("1d-c1x3-i4-k5-s2-circular-f32-nanweight.0", toy("Flipped"))
    assert outcome.kind == "values"
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.failure is None
