"""What no bound covers is not a pass, counts are judged by what they are, and the tiers are checked."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case, DomainError
from conformance.cases.columns import columns
from conformance.cases.data import DATA_KINDS, make_tensors
from conformance.cases.design.generate import bounded
from conformance.cases.dtypes import round_to
from conformance.cases.policy import beyond_memory
from conformance.cases.tiers import load_tier
from conformance.diagnosis import diagnose
from conformance.execution.check import check
from conformance.oracle.error_bound import profiles_for, says_nothing
from conformance.oracle.expected_output import reference
from conformance.oracle.verdict import judge
from conformance.reports.gate.expectations import CONDITION_COLUMNS, load
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.query import matching
from conformance.reports.record.statuses import STATUSES
from tests.support.frameworks import requires

COUNTS = [
    "1d-i1000-k1000-p0-cf-bf16-b0-ones.0",
    "2d-i64x64-k64x64-p32-cf-bf16-b0-ones.0",
    "1d-i4096-k4096-p0-cf-f16-b0-ones.0",
]


def judged(case: Case, values: np.ndarray, promise: str) -> Outcome:
    reply = Reply("answer", {"y": Tensor(round_to(case.format, values), case.dtype)}, promise=promise)
    tensors = make_tensors(case)
    verdict = judge(case, tensors, reply)
    outcome = verdict.outcome(case, "a")
    if verdict.kind == "precision":  # the search for the cause of wrong values takes its time here
        return replace(outcome, diagnosis=diagnose(case, tensors, reply, verdict))
    return outcome


def exact(case: Case) -> np.ndarray:
    return reference(case, make_tensors(case))["y"].exact


@requires("torch")
@pytest.mark.parametrize("text", COUNTS)
def test_a_count_that_the_format_cannot_hold_is_not_a_pass(text: str) -> None:
    outcome = check(text, "torch")
    right = float(exact(Case.parse(text)).max())
    if outcome.status == "pass":  # a processor with wider sums
        assert outcome.max_abs_error is not None
        assert outcome.max_abs_error <= right * Case.parse(text).format.unit_roundoff
        return
    assert (outcome.status, outcome.kind) == ("fail", "precision")
    assert outcome.diagnosis is not None
    assert "sums kept in" in outcome.diagnosis.text
    assert "expected" in outcome.detail
    (known,) = (entry for entry in load("torch") if entry.finding == "counts-kept-in-a-short-format")
    assert known.recognises(outcome)
    assert matching([columns(Case.parse(text)) | outcome.columns()], known.where, CONDITION_COLUMNS) == [True]


@pytest.mark.parametrize("text", COUNTS)
@pytest.mark.parametrize("promise", ["storage-acc", "fp32-acc"])
def test_counts_that_stand_still_are_lost_precision_and_others_wrong_values(text: str, promise: str) -> None:
    case = Case.parse(text)
    right = exact(case)
    assert judged(case, right, promise).status == "pass"
    still = judged(case, np.minimum(right, case.format.largest_exact_integer), promise)
    assert (still.status, still.kind) == ("fail", "precision")
    assert still.explanation == f"equals the expected output with sums kept in {case.dtype}"
    for wrong in (right * 0, np.minimum(right, 255.0)):
        assert (found := judged(case, wrong, promise)).status == "fail"
        assert found.kind == "values"


def test_the_smallest_sum_that_shows_it_is_named() -> None:
    case = Case.parse(COUNTS[0])
    found = judged(case, np.minimum(exact(case), 256), "storage-acc")
    assert "the smallest sum that shows it has 258 terms, at [0, 0, 257]: expected 258, got 256" in found.detail


def test_counts_that_the_format_holds_are_exact_in_any_profile() -> None:
    case = Case.parse("1d-i200-k200-p0-bf16-ones.0")
    values = exact(case)
    assert judged(case, values, "storage-acc").status == "pass"
    values[0, 0, 150] += 1
    assert judged(case, values, "storage-acc").status == "fail"


def test_other_data_beyond_any_bound_are_unchecked_and_within_one_pass() -> None:
    case = Case.parse("1d-i300-k300-p0-bf16-normal.0")
    right = exact(case)
    assert judged(case, right, "storage-acc").status == "pass"
    found = judged(case, right * 1.5, "storage-acc")
    assert found.status == "fail"  # the ends have few terms, of which the bound says something
    right[..., 200:400] *= 1.5
    found = judged(case, right, "storage-acc")
    assert found.status == "unchecked"
    assert "says nothing" in found.detail
    assert judged(case, right, "fp32-acc").status == "fail"
    assert not STATUSES["unchecked"].gates


def test_an_enormous_error_is_judged_without_a_warning() -> None:
    case = Case.parse("1d-i3-k3-s5-f64-normal.0")
    values = exact(case) + 1e308
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert judged(case, values, "fp64").status == "fail"


def blind(case: Case) -> bool:
    """Whether the bound of sums kept in the format of a case says nothing about some element."""
    (loosest,) = (profile for profile in profiles_for(case.format) if profile.name == "storage-acc")
    found = reference(case, make_tensors(case)).values()
    return any(says_nothing(value, case.format, loosest).any() for value in found)


def test_a_case_that_no_bound_could_judge_in_a_short_format_is_in_no_tier() -> None:
    doubtful = [case for case in load_tier("full") if not bounded(case)]  # by an upper bound of the terms
    assert len(doubtful) < 50
    assert [str(case) for case in doubtful if blind(case)] == []


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("1d-i125-k125-bf16-normal.0", True),
        ("1d-i127-k127-bf16-normal.0", False),
        ("1d-i127-k127-bf16-ints.0", True),
        ("1d-i93-k33-bf16-b1-normal.0-grad", True),
        ("1d-i95-k33-bf16-b1-normal.0-grad", False),
        ("1d-i95-k33-bf16-normal.0-grad", True),
        ("1d-i1021-k1021-f16-normal.0", True),
        ("1d-i1023-k1023-f16-normal.0", False),
    ],
)
def test_what_a_bound_can_judge_depends_on_the_number_of_terms(text: str, judged: bool) -> None:
    case = Case.parse(text)
    assert bounded(case) is judged
    assert judged is (not blind(case) or DATA_KINDS[case.data].exact)


@pytest.mark.parametrize("tier", ["smoke", "gate"])
def test_the_tightest_bound_says_something_about_every_case_of_a_tier(tier: str) -> None:
    judged_cases = 0
    for case in load_tier(tier):
        if DATA_KINDS[case.data].exact:
            continue
        try:
            if beyond_memory(case):
                continue
            found = reference(case, make_tensors(case))
        except DomainError:
            continue
        (tightest, *_) = (p for p in profiles_for(case.format) if p.accumulator in ("f32", "f64"))
        assert not any(says_nothing(value, case.format, tightest).any() for value in found.values()), str(case)
        # The accumulator that most adapters promise for the short formats.
        if case.dtype in ("f16", "bf16"):
            single = next(p for p in profiles_for(case.format) if p.name == "fp32-acc")
            assert not any(says_nothing(value, case.format, single).any() for value in found.values()), str(case)
        judged_cases += 1
    assert judged_cases > 50
