"""Distances of right outputs in units of the last place: measured where data round, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.dtypes import DTYPES, round_to, spacing
from conformance.oracle.expected_output import input_tensors, reference
from conformance.oracle.verdict import Verdict, judge


@pytest.mark.parametrize("name", ["f16", "f32", "f64"])
def test_spacing_is_the_distance_to_the_next_number_away_from_zero(name: str) -> None:
    kind = np.dtype(DTYPES[name].carrier)
    tiny = np.finfo(kind).smallest_subnormal
    values = np.array([0.0, tiny, 3 * tiny, 1e-3, 0.75, 1.0, 1.5, -1.5, 2.0, 1000.5], dtype=kind)
    assert spacing(DTYPES[name], values.astype(np.float64)).tolist() == np.abs(np.spacing(values)).tolist()


def test_spacing_of_bfloat16_has_eight_bits() -> None:
    assert spacing(DTYPES["bf16"], np.array([1.0, 3.0, 256.0])).tolist() == [2**-7, 2**-6, 2.0]


def verdict_on(case: Case, steps: float) -> Verdict:
    """The verdict on the exact output, its last element off by a number of units in the last place."""
    tensors = input_tensors(case)
    exact = reference(case, tensors)["y"].exact
    values = round_to(case.format, exact).copy()
    values.flat[-1] += steps * spacing(case.format, exact).flat[-1]
    return judge(case, tensors, Reply("answer", {"y": Tensor(values, case.dtype)}, promise="storage-acc"))


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
def test_a_planted_distance_is_found(dtype: str) -> None:
    case = Case.parse(f"2d-c8x1-i5-k3-s1-{dtype}-normal.0")
    nearest, off = verdict_on(case, 0), verdict_on(case, 2)
    assert (nearest.status, off.status) == ("pass", "pass")
    assert nearest.max_ulp_error is not None
    assert off.max_ulp_error is not None
    assert 0 < nearest.max_ulp_error <= 0.5
    assert 1.5 <= off.max_ulp_error <= 2.5


def test_exact_data_have_none() -> None:
    assert verdict_on(Case.parse("2d-i5-k3-s1-ints.0"), 0).max_ulp_error is None
