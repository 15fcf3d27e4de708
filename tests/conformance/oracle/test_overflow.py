"""Sums that overflow: every result of some order of summation is right, and nothing else is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.oracle.expected_output import expected_output
from conformance.oracle.verdict import Verdict, judge

CASE = Case.parse("1d-i3-k3-f16-given.0.x1000_m1000_1000.wm1000")
INF, NAN = float("inf"), float("nan")


def _judged(y: list[float], promise: str, case: Case = CASE) -> Verdict:
    values = np.array(y, np.float16).reshape(case.output_shape)
    return judge(case, make_tensors(case), Reply("answer", tensors={"y": Tensor.of(values)}, promise=promise))


def test_the_sums_themselves() -> None:
    assert expected_output(CASE, make_tensors(CASE))["y"].ravel().tolist() == [-1e6, 0, -1e6, 0, -1e6]


@pytest.mark.parametrize("middle", [-INF, INF, NAN])
def test_what_some_order_in_the_format_gives_is_right_for_sums_kept_in_it(middle: float) -> None:
    verdict = _judged([-INF, 0, middle, NAN, -INF], "storage-acc")
    assert (verdict.status, verdict.profile) == ("pass", "storage-acc")


@pytest.mark.parametrize(
    "y",
    [
        [INF, 0, -INF, 0, -INF],  # a sum of one negative product
        [NAN, 0, -INF, 0, -INF],
        [-65504, 0, -INF, 0, -INF],  # the largest number in place of infinity
        [-INF, 0, -65504, 0, -INF],
    ],
)
def test_what_no_order_gives_is_wrong(y: list[float]) -> None:
    assert _judged(y, "storage-acc").status == "fail"


def test_wider_sums_overflow_in_the_output_alone() -> None:
    assert _judged([-INF, 0, -INF, 0, -INF], "fp32-acc").status == "pass"
    assert _judged([-INF, 0, NAN, 0, -INF], "fp32-acc").status == "fail"
    assert _judged([-INF, INF, -INF, 0, -INF], "fp32-acc").status == "fail"


def test_no_infinity_where_no_sum_overflows() -> None:
    small = Case.parse("1d-i3-k3-f16-given.0.x100_m100_100.wm100")
    assert _judged([-1e4, 0, -1e4, 0, -1e4], "storage-acc", small).status == "pass"
    for odd in (INF, -INF, NAN):
        assert _judged([-1e4, 0, odd, 0, -1e4], "storage-acc", small).kind == "nonfinite"


@pytest.mark.parametrize("scale", [120, 180, 250, 300])
def test_every_order_and_grouping_of_the_sum_is_allowed(scale: int) -> None:
    """All trees of sums of four products, in float16 arithmetic, near the point where they begin to overflow."""
    case = Case.parse(f"1d-c4x1-i1-k1-f16-given.0.x{scale}_m{scale}_{scale - 1}_{scale + 3}.w{scale}_{scale + 1}")
    tensors = make_tensors(case)
    with np.errstate(all="ignore"):
        products = (tensors["x"].ravel() * tensors["w"].ravel()).tolist()
        for a, b, c, d in itertools.permutations(map(np.float16, products)):
            for total in (((a + b) + c) + d, (a + b) + (c + d)):
                verdict = _judged([float(total)], "storage-acc", case)
                assert verdict.status == "pass", (a, b, c, d, total, verdict.detail)
