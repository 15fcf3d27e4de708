"""A given output size (R17): its text in an id, both splits of the crop, and who may refuse it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.adapters.frameworks.onnx_models import OnnxReference, OnnxRuntimeOutputShape
from conformance.calls import parse_call
from conformance.cases import Case, CaseError
from conformance.cases.columns import columns
from conformance.cases.policy import policies

NODE = "make_node('ConvTranspose', ['x', 'w'], ['y'], strides=[2], output_shape=[{}]{})"


@pytest.mark.parametrize(
    ("padding", "crop"),
    [
        ("shape_lower.4", (2, 1)),
        ("shape_upper.4", (1, 2)),
        ("shape_lower.5", (1, 1)),
        ("shape_upper.5", (1, 1)),
        ("shape_lower.8", (0, -1)),
        ("shape_upper.9", (0, -2)),
        ("shape_upper.7-op1", (0, 0)),
        ("shape_lower.7-op1", (1, -1)),
    ],
)
def test_the_crop_follows_from_the_size(padding: str, crop: tuple[int, int]) -> None:
    case = Case.parse(f"1d-i3-k3-s2-{padding}")  # F = 7
    assert case.geometry().crop == (crop,)
    assert case.geometry().rule == "R17"
    assert Case.parse(str(case)) == case
    assert padding in str(case)


def test_the_size_belongs_to_the_padding() -> None:
    case = Case.parse("2d-i3x4-k3-s2-shape_lower.8x9")
    assert case.given_output_size == (8, 9)
    assert columns(case)["given_output_size"] == "8x9"
    assert columns(case)["padding"] == "shape_lower"
    assert replace(case, padding="same").given_output_size is None
    with pytest.raises(CaseError):
        Case(rank=1, input_size=(3,), kernel_size=(3,), padding="shape_lower")
    with pytest.raises(CaseError):
        Case.parse("1d-i3-k3-shape_lower")


def test_only_a_size_beyond_the_full_output_may_be_refused() -> None:
    assert policies(Case.parse("1d-i3-k3-s2-shape_lower.7")) == []
    assert policies(Case.parse("1d-i3-k3-s2-shape_lower.8-op1")) == []
    assert policies(Case.parse("1d-i3-k3-s2-shape_lower.8")) == ["output size beyond the full output"]


@pytest.mark.parametrize(
    ("attributes", "padding"),
    [
        ((4, ""), "shape_lower.4"),
        ((4, ", auto_pad='SAME_UPPER'"), "shape_upper.4"),
        ((9, ", pads=[3, 3]"), "shape_lower.9"),
        ((6, ", output_padding=[1]"), "shape_lower.6-op1"),
    ],
)
def test_a_node_is_read_with_its_output_shape(attributes: tuple[int, str], padding: str) -> None:
    case = parse_call(NODE.format(*attributes), input_shape=(1, 1, 3), weight_shape=(1, 1, 3)).case
    assert replace(case, data="ints") == Case.parse(f"1d-i3-k3-s2-{padding}")


@pytest.mark.parametrize("adapter", [OnnxReference, OnnxRuntimeOutputShape])
def test_a_model_states_the_size(adapter: type[OnnxReference]) -> None:
    text = str(object.__new__(adapter).program(Case.parse("1d-i3-k3-s2-shape_upper.8")))
    assert "output_shape=(8,)" in text
    assert "auto_pad='SAME_UPPER'" in text
    assert "pads=" not in text
