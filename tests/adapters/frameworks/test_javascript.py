"""Adapters of packages of npm: what their programs say, and the ONNX model that they write without its package."""

from __future__ import annotations

import pytest

from conformance.adapters.frameworks.onnx_models import OnnxRuntime
from conformance.adapters.frameworks.tfjs import TfjsCpu, TfjsLayersCpu
from conformance.adapters.host.client import AdapterProcess, Model
from conformance.adapters.registry import available, resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors

INSTALLED = pytest.mark.skipif(
    "onnxruntime-node" not in available(), reason="not installed: run python -m conformance.adapters.node"
)


@pytest.mark.parametrize(
    ("case", "arguments"),
    [
        ("2d-i3x4-k3x2-s2-same", '[1, 6, 8, 1], [2, 2], "same")'),
        ("2d-i3x4-k3x2-s2-valid", '[1, 7, 8, 1], [2, 2], "valid")'),
        ("2d-i3x4-k3x2-s2-p1.2x0", "[1, 4, 8, 1], [2, 2], [[0, 0], [1, 2], [0, 0], [0, 0]])"),
        ("2d-i3x4-k3x2-s2-p1x0-op1", "[1, 6, 9, 1], [2, 2], [[0, 0], [1, 0], [0, 0], [0, 0]])"),
        (
            "3d-i3x1x1-k3x1x1-s2x1x1-p1.0x0x0",
            '[1, 7, 1, 1, 1], [2, 1, 1], "valid").slice([0, 1, 0, 0, 0], [1, 6, 1, 1, 1])',
        ),
    ],
)
def test_the_operation_gets_the_output_shape_and_the_padding(case: str, arguments: str) -> None:
    assert arguments in str(TfjsCpu().program(Case.parse(case)))


def test_a_layer_takes_the_layout_itself() -> None:
    program = str(TfjsLayersCpu().program(Case.parse("2d-c4x6-i3x4-k3x2-s2x1-same-b1")))
    assert (
        'kernelSize: [3, 2], strides: [2, 1], padding: "same", dataFormat: "channelsFirst", useBias: true'
        in program
    )
    assert "transpose([0" not in program


@INSTALLED
@pytest.mark.parametrize("text", ["2d-n2-c4x6-i3x4-k3x2-s2x1-d1x3-g2-p1.0x0.2-op1x0-b1", "1d-i3-k2-s2-same_lower"])
def test_the_bytes_are_those_of_the_model_that_onnx_writes(text: str) -> None:
    onnx = pytest.importorskip("onnx", exc_type=ImportError)
    case = Case.parse(text)
    tensors = make_tensors(case)
    with AdapterProcess(resolve("onnxruntime-node")) as host:
        written = host.model(case, tensors)
    assert isinstance(written, Model)
    _, content = OnnxRuntime().save_model(case, tensors)
    ours, theirs = (onnx.load_from_string(model) for model in (written.content, content))
    onnx.checker.check_model(ours)
    assert written.suffix == ".onnx"
    assert (ours.opset_import, ours.ir_version) == (theirs.opset_import, theirs.ir_version)
    assert (ours.graph.initializer, ours.graph.input) == (theirs.graph.initializer, theirs.graph.input)
    by_name = [sorted(model.graph.node[0].attribute, key=lambda entry: entry.name) for model in (ours, theirs)]
    assert by_name[0] == by_name[1]
