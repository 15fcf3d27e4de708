"""An output rounded to a half format in a wrong way is distinguished from sums kept in that format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.cases.dtypes import DTYPES, round_to
from conformance.diagnosis import Diagnosis, diagnose
from conformance.oracle.expected_output import reference
from conformance.oracle.verdict import judge

Round = Callable[[np.ndarray], np.ndarray]


def bits_of(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).view(np.uint32)


def to_float(bits: np.ndarray) -> np.ndarray:
    return (bits & np.uint32(0xFFFF0000)).astype(np.uint32).view(np.float32).astype(np.float64)


def away_from_zero(values: np.ndarray) -> np.ndarray:
    return to_float(bits_of(values) + np.uint32(0xFFFF))


def up_after_an_odd_bit(values: np.ndarray) -> np.ndarray:
    """As OpenVINO 2026.4 does it on AVX2: half a unit is added to odd numbers, and the rest is cut off."""
    bits = bits_of(values)
    return to_float(bits + (bits >> np.uint32(16) & np.uint32(1)) * np.uint32(0x8000))


def to_nearest(values: np.ndarray) -> np.ndarray:
    return round_to(DTYPES["bf16"], values).astype(np.float64)


def explain(case: Case, output: np.ndarray, promise: str = "fp32-acc") -> Diagnosis | None:
    tensors = make_tensors(case)
    reply = Reply("answer", {"y": Tensor(round_to(case.format, output), case.dtype)}, promise=promise)
    return diagnose(case, tensors, reply, judge(case, tensors, reply))


CASES = ["2d-c3x3-i5x6-k3-s2-p1-bf16-normal.3", "1d-n2-c2x3-i9-k4-s2-same-cl-bf16-b1-normal.1"]


@pytest.mark.parametrize("text", CASES)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (away_from_zero, "rounded away from zero"),
        (up_after_an_odd_bit, "rounded away from zero only where its last bit is 1"),
    ],
)
def test_the_rule_is_named(text: str, change: Round, words: str) -> None:
    case = Case.parse(text)
    found = explain(case, change(reference(case, make_tensors(case))["y"].exact))
    assert found is not None
    assert (found.transform, found.text.endswith(words)) == ("output_rounding", True), found


@pytest.mark.parametrize("text", CASES)
def test_the_nearest_numbers_are_right(text: str) -> None:
    case = Case.parse(text)
    assert explain(case, to_nearest(reference(case, make_tensors(case))["y"].exact)) is None


def test_sums_in_the_format_are_another_cause() -> None:
    """Products are added one by one, and each sum is rounded to the nearest number of the format."""
    case = Case.parse("1d-c6x4-i12-k1-p0-bf16-normal.2")
    tensors = make_tensors(case)
    total = np.zeros((1, 4, 12))
    for channel in range(6):
        product = tensors["x"][:, None, channel] * tensors["w"][channel][None].astype(np.float64)
        total = to_nearest(total + product)
    found = explain(case, total)
    assert found is not None
    assert found.transform == "bfloat16_accumulation", found


def test_a_small_output_cannot_tell_the_two_apart() -> None:
    """Two elements that follow a rule may do so by chance."""
    case = Case.parse("1d-c3x1-i2-k1-p0-bf16-normal.1")
    found = explain(case, away_from_zero(reference(case, make_tensors(case))["y"].exact))
    assert found is None or found.transform != "output_rounding"
