"""A bias whose length is not the number of output channels: its text in an id, and the right response."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.adapters.host.client import Reply
from conformance.calls import CallError, parse_call
from conformance.cases import Case, DomainError
from conformance.cases.columns import columns
from conformance.cases.data import make_tensors
from conformance.oracle.verdict import judge

CASE = Case.parse("1d-c1x3-i4-k2-b1.5")


def test_the_length_is_in_the_id() -> None:
    assert CASE.bias_size == 5
    assert Case.parse(str(CASE)) == CASE
    assert make_tensors(CASE)["bias"].shape == (5,)
    assert columns(CASE)["bias_size"] == 5
    assert replace(CASE, bias=False).bias_size is None
    assert replace(CASE, out_channels=5).bias_size is None
    assert columns(replace(CASE, bias_size=None))["bias_size"] == 3


def test_an_error_is_the_right_response() -> None:
    with pytest.raises(DomainError, match="the bias has 5 entries for 3 output channels"):
        CASE.geometry()
    refused = Reply("raised", detail="expected bias to be 1-dimensional with 3 elements")
    assert judge(CASE, make_tensors(CASE), refused).status == "pass"


@pytest.mark.parametrize("length", [1, 5])
def test_the_bias_of_a_call_keeps_its_length(length: int) -> None:
    text = f"F.conv_transpose1d(torch.rand(1, 1, 4), torch.rand(1, 3, 2), bias=torch.rand({length}))"
    meaning = parse_call(text)
    assert replace(meaning.case, padding="valid") == replace(CASE, bias_size=length)
    assert not meaning.notes


@pytest.mark.parametrize("call", [
    "F.conv_transpose1d(torch.rand(1, 1, 4), torch.rand(1, 1, 3), padding='same')",
    "nn.ConvTranspose2d(2, 3, 3, padding='valid')(torch.rand(1, 2, 4, 4))",
])  # fmt: skip
def test_a_named_padding_is_refused_as_pytorch_refuses_it(call: str) -> None:
    with pytest.raises(CallError, match="raises TypeError, argument 'padding' must be tuple of ints"):
        parse_call(call)


@pytest.mark.parametrize(("opset", "noted"), [(1, True), (10, True), (11, False), (22, False)])
def test_an_opset_that_splits_in_the_other_way_is_noted(opset: int, noted: bool) -> None:
    text = (
        "node = helper.make_node('ConvTranspose', ['x', 'w'], ['y'], auto_pad='SAME_UPPER')\n"
        f"opset = helper.make_opsetid('', {opset})"
    )
    meaning = parse_call(text, input_shape=(1, 1, 4), weight_shape=(1, 1, 3))
    assert any("at the other end" in note for note in meaning.notes) == noted
