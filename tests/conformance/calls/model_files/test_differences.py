"""A layer that was read back from a model beside the one that was converted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conformance.calls.model_files.differences import differences
from conformance.calls.model_files.records import ModelLayer
from conformance.cases import Case
from conformance.cases.data import make_tensors

LAYER = Case.parse("1d-c2x3-i5-k3-s2-p1-op1-b1")


def read(text: str, **values: np.ndarray) -> ModelLayer:
    return ModelLayer("up", "ConvTranspose", Case.parse(text), values=values)


@pytest.mark.parametrize(
    "text",
    [
        str(LAYER),
        "1d-c2x3-i5-k3-s2-p1.0",  # the same place in other words, and the bias as a node of its own
        "1d-c2x3-i5-k3-s2-same_lower",
        "2d-c2x3-i1x5-k1x3-s1x2-p0x1-op0x1-b1",
        "2d-c2x3-i5x1-k3x1-s2x7-p1x0-op1x0-cl",
    ],
)
def test_the_same_layer_in_other_words(text: str) -> None:
    assert differences(LAYER, read(text), {}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1d-c2x3-i5-k3-s2-p1-op0-b1", ["output_padding 0 where 1 was converted"]),
        ("1d-c2x3-i5-k3-s2-p1-b1", ["output_padding 0 where 1 was converted"]),
        ("1d-c2x3-i5-k3-s2-d2-p2-b1", ["dilation 2 where 1 was converted", "padding 2 where 1 was converted",
                                       "output_padding 0 where 1 was converted"]),
        ("1d-c2x4-i5-k3-s2-p1-op1-b1", ["out_channels 4 where 3 was converted"]),
        ("2d-c2x3-i5x5-k3-s2-p1-op1-b1", ["2 axes where 1 were converted"]),
    ],
)  # fmt: skip
def test_a_different_layer(text: str, expected: list[str]) -> None:
    assert differences(LAYER, read(text), {}) == expected


def test_a_stride_along_one_element_has_no_effect() -> None:
    layer = Case.parse("1d-i1-k3-s2-p0")
    assert differences(layer, read("1d-i1-k3-s1-p0"), {}) == []
    assert differences(replace(layer, input_size=(2,)), read("1d-i2-k3-s1-p0"), {})


def test_numbers_of_the_weights() -> None:
    tensors = make_tensors(LAYER)
    right = {name: tensors[name].astype(np.float64) for name in ("w", "bias")}
    assert differences(LAYER, read(str(LAYER), **right), tensors) == []
    added = {"w": right["w"][:, :, np.newaxis]}
    assert differences(LAYER, read("2d-c2x3-i1x5-k1x3-s1x2-p0x1-op0x1-b1", **added), tensors) == []
    off = {"bias": right["bias"] + [0, 0, 1]}
    assert differences(LAYER, read(str(LAYER), **off), tensors) == ["a bias that differs in 1 of 3 numbers"]


def test_an_invalid_layer_is_compared_by_its_parameters() -> None:
    layer = Case.parse("1d-i5-k3-s2-p9")
    assert differences(layer, read("1d-i5-k3-s2-p9"), {}) == []
    assert differences(layer, read("1d-i5-k3-s2-p0"), {}) == ["padding 0 where 9 was converted"]
