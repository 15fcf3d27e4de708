"""What the report shows of an output."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.oracle.error_bound import PROFILES, tolerance
from conformance.oracle.evidence import evidence
from conformance.oracle.expected_output import expected_output, reference


def _reply(case: Case, change: float) -> Reply:
    values = expected_output(case, make_tensors(case))["y"].astype("float32")
    values.flat[0] += np.float32(change)
    return Reply("answer", {"y": Tensor(values, "f32")}, promise="fp32-acc")


def test_budget_is_the_share_of_the_promised_bound_by_element() -> None:
    case = Case.parse("1d-c3x2-i4-k3-s2-normal.0")
    tensors = make_tensors(case)
    wanted = reference(case, tensors)["y"]
    bound = tolerance(wanted, case.format, PROFILES["fp32-acc"]).flat[0]
    shown = evidence(case, tensors, _reply(case, 10 * bound))["y"]
    used = np.asarray(shown.budget, float)
    assert 9 < used[0] < 11
    assert used[1:].max() <= 1
    assert shown.shape == shown.expected_shape == list(wanted.exact.shape)


def test_exact_data_have_no_budget_and_odd_numbers_are_text() -> None:
    case = Case.parse("1d-c3x2-i4-k3-s2-ints.0")
    shown = evidence(case, make_tensors(case), _reply(case, np.nan))["y"]
    assert shown.budget is None
    assert shown.got[0] == "nan"
    assert shown.expected is not None
    assert shown.got[1:] == shown.expected[1:]


def test_an_output_of_an_invalid_case_is_shown_alone() -> None:
    case = Case.parse("1d-i2-k2-p9")
    reply = Reply("answer", {"y": Tensor(np.ones((1, 1, 2), "float32"), "f32")}, promise="fp32-acc")
    shown = evidence(case, make_tensors(case), reply)["y"]
    assert shown.expected is None
    assert shown.got == [1.0, 1.0]


@pytest.mark.parametrize(("middle", "wrong"), [(np.nan, [2]), (-np.inf, []), (-1e4, [2])])
def test_an_infinity_that_overflow_gives_is_not_among_what_differs(middle: float, wrong: list[int]) -> None:
    case = Case.parse("1d-i3-k3-f16-given.0.x1000_m1000_1000.wm1000")  # its sums are -1e6, 0, -1e6, 0, -1e6
    values = np.array([-np.inf, 0, middle, 0, -np.inf], np.float16).reshape(case.output_shape)
    reply = Reply("answer", {"y": Tensor(values, "f16")}, promise="fp32-acc")
    shown = evidence(case, make_tensors(case), reply)["y"]
    assert shown.expected is not None
    assert [
        at for at, (got, right) in enumerate(zip(shown.got, shown.expected, strict=True)) if got != right
    ] == wrong
    if shown.budget is not None:
        assert [at for at, share in enumerate(shown.budget) if not float(share) <= 1] == wrong
