"""Invalid cases lie outside the domain, singly and in pairs; sizes beyond memory do not."""

from __future__ import annotations

import math

import pytest

from conformance.cases import Case
from conformance.cases.columns import columns
from conformance.cases.design.negative import OVERSIZED, VIOLATIONS, oversized, violations
from conformance.cases.errors import DomainError
from conformance.cases.policy import policies
from conformance.cases.tiers import load_tier


@pytest.mark.parametrize("count", [1, 2])
def test_none_has_an_output(count):
    for case in violations(count):
        with pytest.raises(DomainError, match="R11"):
            case.geometry()


def test_each_violation_is_there_on_every_rank():
    assert len(list(violations(1))) == len(VIOLATIONS) * 3
    assert {case.rank for case in violations(2)} == {1, 2, 3}


def test_what_is_one_too_few_is_violated_alone():
    assert {case.data for case in violations(1)} >= {"shortbias", "fewchannels"}
    assert not {case.data for case in violations(2)} & {"shortbias", "fewchannels"}


def test_without_its_violation_each_case_has_an_output():
    for text in (
        "3d-n2-c4x6-i5x4x3-k3x2x4-s2x3x2-valid-op1x0x1-b1",
        "3d-n2-c4x6-i5x4x3-k3x2x4-s2x3x1-g2-p1x0x1-b1",
    ):
        assert policies(Case.parse(text)) == []


def test_tiers_ask_them():
    assert set(violations(1)) <= set(load_tier("gate"))
    # A refusal of a huge size may take its time, so these do not run for every change.
    assert {*violations(2), *oversized()} <= set(load_tier("full"))


@pytest.mark.parametrize("case", oversized(), ids=str)
def test_oversized_cases_leave_the_choice_and_fit_a_table(case):
    assert policies(case)
    size = math.prod(case.output_shape)
    assert size <= 10 or size * 4 >= 2**42  # small, or so large that no machine starts to fill it
    assert all(not isinstance(value, int) or abs(value) < 2**63 for value in columns(case).values())


def test_both_counts_of_bits_are_exceeded():
    largest = [max(case.geometry().output_size) for case in oversized()]
    assert any(size >= 2**63 for size in largest)
    assert any(2**31 <= size < 2**63 for size in largest)
    assert len(OVERSIZED) == len(largest)
