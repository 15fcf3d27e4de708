"""ONNX models written by hand, with what exporters write less often."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.calls.model_files import ModelLayer
from conformance.calls.model_files.process import read
from conformance.calls.model_files.records import ModelFileError, Request
from conformance.cases import Case

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT

WEIGHTS = np.arange(2 * 3 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 3)


def layers(
    path: Path, nodes: list[Any], tensors: list[Any], shape: tuple[Any, ...] = (1, 2, 5, 7), **request: Any
) -> list[ModelLayer]:
    """What is read of a model with an input x, an output y and these nodes and initialisers."""
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info("y", FLOAT, [None] * len(shape))],
        tensors,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    )
    file = path / "model.onnx"
    onnx.save(model, str(file))
    return read("onnx_files", Request(file, values=True, **request))


def initialiser(values: np.ndarray, name: str = "w") -> Any:
    return onnx.numpy_helper.from_array(values, name)


def conv(**attributes: Any) -> Any:
    return helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up", **attributes)


def test_attributes_and_dynamic_axes(tmp_path: Path) -> None:
    node = conv(strides=[2, 2], auto_pad="SAME_LOWER")
    (layer,) = layers(tmp_path, [node], [initialiser(WEIGHTS)], ("n", 2, "h", "w"))
    assert layer.case == Case.parse("2d-c2x3-i5x7-k3-s2-same_lower")
    assert any("of the input only ?x2x?x? is known" in note for note in layer.notes)
    (layer,) = layers(tmp_path, [node], [initialiser(WEIGHTS)], ("n", 2, "h", "w"), inputs=(("", (2, 2, 4, 6)),))
    assert layer.case == Case.parse("2d-n2-c2x3-i4x6-k3-s2-same_lower")
    assert not any("of the input" in note for note in layer.notes)


def test_output_shape(tmp_path: Path) -> None:
    (layer,) = layers(tmp_path, [conv(strides=[2, 2], output_shape=[10, 14])], [initialiser(WEIGHTS)])
    assert layer.case is not None
    assert layer.case.geometry().output_size == (10, 14)


def test_a_quantised_weight(tmp_path: Path) -> None:
    tensors = [
        initialiser(np.arange(54, dtype=np.int8).reshape(2, 3, 3, 3), "q"),
        initialiser(np.array(0.5, np.float32), "scale"),
        initialiser(np.array(3, np.int8), "zero"),
    ]
    dequantise = helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["w"])
    (layer,) = layers(tmp_path, [dequantise, conv()], tensors)
    assert any("the quantisation (DequantizeLinear)" in note for note in layer.notes)
    np.testing.assert_array_equal(layer.values["w"].ravel(), (np.arange(54) - 3) * 0.5)


def test_a_node_inside_a_condition(tmp_path: Path) -> None:
    inner = helper.make_graph([conv()], "branch", [], [helper.make_tensor_value_info("y", FLOAT, None)])
    constant = helper.make_node("Constant", [], ["which"], value=initialiser(np.array(True), "which"))
    either = helper.make_node("If", ["which"], ["y"], then_branch=inner, else_branch=inner)
    found = layers(tmp_path, [constant, either], [initialiser(WEIGHTS)])
    assert [layer.case for layer in found] == [Case.parse("2d-c2x3-i5x7-k3-p0")] * 2


def test_an_operator_of_another_domain(tmp_path: Path) -> None:
    node = helper.make_node("ConvTransposeWithDynamicPads", ["x", "w", "p"], ["y"], "up", domain="com.microsoft")
    (layer,) = layers(tmp_path, [node], [initialiser(WEIGHTS), initialiser(np.zeros(4, np.int64), "p")])
    assert layer.case is None
    assert "not in the standard operator set" in layer.notes[0]


def test_weights_that_are_an_input(tmp_path: Path) -> None:
    shape = helper.make_node("Shape", ["x"], ["w"])
    (layer,) = layers(tmp_path, [shape, conv()], [])
    assert layer.case is None
    assert layer.notes[0].startswith("not a case: ")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((("z", (1,)),), "no input 'z'; the model has x"),
        ((("", (1,)), ("", (1,))), "2 shapes, and the model has 1 inputs"),
        ((("x", (1, 2)),), "x has 4 axes, not 2"),
    ],
)
def test_a_shape_that_does_not_fit(tmp_path: Path, inputs: Any, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        layers(tmp_path, [conv()], [initialiser(WEIGHTS)], inputs=inputs)


def test_a_file_that_is_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelFileError, match=r"model\.onnx cannot be read: ") as raised:
        read("onnx_files", Request(path))
    assert "\n" not in str(raised.value)
