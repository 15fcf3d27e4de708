"""The layers of public models: the call of each is read as the case, but for its sizes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from conformance.calls import parse_call
from conformance.cases import Case
from conformance.cases.corpus.layers import Layer, load_layers
from conformance.cases.design.domain import FACTORS
from conformance.cases.tiers import load_tier

LAYERS = load_layers()


def read(layer: Layer) -> Case:
    """The call as a case. One without an input gets that of the case, with the call's own channels."""
    if "zeros" in layer.call:
        return parse_call(layer.call).case
    if layer.case.layout == "channels_last":
        return parse_call(layer.call, input_shape=(1, *layer.case.input_size, 64)).case
    channels = re.search(r"\d+", layer.call.partition("(")[2])
    assert channels is not None
    return parse_call(layer.call, input_shape=(1, int(channels.group()), *layer.case.input_size)).case


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_the_case_has_the_parameters_of_the_call(layer: Layer) -> None:
    called = read(layer)
    assert layer.applies(called)
    assert (called.bias, called.layout) == (layer.case.bias, layer.case.layout)
    assert (called.out_channels == 1) == (layer.case.out_channels == 1)


def test_each_is_cited_and_there_are_as_many_as_promised() -> None:
    assert len(LAYERS) >= 20
    assert all(layer.source.startswith("https://github.com/") for layer in LAYERS.values())


def test_another_parameter_is_another_layer() -> None:
    layer = LAYERS["DCGAN, upsampling"]
    for change in ({"kernel_size": (4, 3)}, {"stride": (2, 1)}, {"padding": "same"}, {"output_padding": (1, 1)}):
        assert not layer.applies(replace(layer.case, **change))
    assert layer.applies(replace(layer.case, output_padding=(0, 0), layout="channels_last", dtype="bf16", batch=5))
    assert LAYERS["Keypoint R-CNN, 17 keypoints"].is_first is False


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_in_gate_and_in_every_format_in_full(name: str) -> None:
    layer = LAYERS[name]
    assert layer.case in load_tier("gate")
    found = {(case.dtype, case.direction) for case in load_tier("gate") if layer.applies(case)}
    assert found >= {("f32", "fwd"), ("f16", "fwd"), ("f32", "grad")}
    found = {(case.dtype, case.direction) for case in load_tier("full") if layer.applies(case)}
    assert found >= {(dtype, way) for dtype in FACTORS["dtype"].levels for way in FACTORS["direction"].levels}
