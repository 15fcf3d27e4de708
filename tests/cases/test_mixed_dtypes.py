"""Weights in a dtype different from the input's (R18): the text in an id, the data, and both right responses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.calls import parse_call
from conformance.cases import Case, CaseError
from conformance.cases.columns import columns
from conformance.cases.data import make_tensors
from conformance.cases.dtypes import promoted
from conformance.oracle.expected_output import expected_output
from conformance.oracle.verdict import judge

CASE = Case.parse("1d-c2x3-i4-k3-s2-f32.f16-b1-normal.0")


def test_the_id_says_both_dtypes() -> None:
    assert (CASE.dtype, CASE.weight_dtype, CASE.format.name) == ("f32", "f16", "f32")
    assert Case.parse(str(CASE)) == CASE
    assert "-f32.f16-" in str(CASE)
    assert columns(CASE)["weight_dtype"] == "f16"
    assert columns(replace(CASE, weight_dtype=None))["weight_dtype"] == "f32"
    assert replace(CASE, dtype="f16").weight_dtype is None
    assert str(Case.parse("1d-i4-k3-f32.f32")) == str(Case.parse("1d-i4-k3"))
    with pytest.raises(CaseError):
        Case.parse("1d-i4-k3-c64.f32")


@pytest.mark.parametrize(
    ("pair", "wider"), [("f16 f32", "f32"), ("f16 bf16", "f32"), ("f64 bf16", "f64"), ("f16 f16", "f16")]
)
def test_the_output_is_in_the_smallest_format_that_holds_both(pair: str, wider: str) -> None:
    first, second = pair.split()
    assert promoted(first, second) == promoted(second, first) == wider


def test_each_tensor_has_its_own_format() -> None:
    tensors = make_tensors(CASE)
    assert {name: array.dtype.name for name, array in tensors.items()} == {
        "x": "float32",
        "w": "float16",
        "bias": "float16",
    }


def _reply(dtype: type[np.floating[Any]]) -> Reply:
    tensors = make_tensors(CASE)
    y = expected_output(CASE, tensors)["y"].astype(dtype)
    return Reply("answer", tensors={"y": Tensor.of(y)}, promise="fp32-acc")


def test_numbers_are_judged_in_the_promoted_format() -> None:
    assert judge(CASE, make_tensors(CASE), _reply(np.float32)).status == "pass"
    assert judge(CASE, make_tensors(CASE), _reply(np.float16)).kind == "dtype"


def test_a_refusal_is_right_for_mixed_dtypes_only() -> None:
    refused = Reply("raised", detail="expected scalar type Float but found Half")
    verdict = judge(CASE, make_tensors(CASE), refused)
    assert (verdict.status, "R18" in verdict.detail) == ("pass", True)
    plain = replace(CASE, weight_dtype=None)
    assert judge(plain, make_tensors(plain), refused).kind == "rejected"


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("F.conv_transpose1d(torch.rand(1, 1, 4), torch.rand(1, 1, 3).half())", "f32.f16"),
        ("F.conv_transpose1d(torch.rand(1, 1, 4, dtype=torch.bfloat16), torch.rand(1, 1, 3))", "bf16.f32"),
        ("F.conv_transpose1d(torch.rand(1, 1, 4).half(), torch.rand(1, 1, 3).half())", "f16"),
    ],
)
def test_a_call_with_mixed_dtypes_is_read_as_one(text: str, dtype: str) -> None:
    meaning = parse_call(text)
    assert f"-{dtype}-" in str(meaning.case)
    assert not any("mixed" in note for note in meaning.notes)
