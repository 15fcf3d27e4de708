"""The size calculator against brute force over calls, and its command."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.calls import CallError, parse_call
from conformance.cases import DomainError
from conformance.cases.geometry import Axis
from conformance.porting.sizes import FAMILIES, legal, nearest, where
from tests.support.command import conformance

AXES = st.builds(Axis, st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))


@given(AXES, st.integers(0, 30), st.sampled_from(sorted(FAMILIES)))
def test_what_is_listed_gives_the_size(axis: Axis, output: int, family: str) -> None:
    for entry in legal(axis, output, family):
        low, high = entry.crop
        assert axis.full_size - low - high == output
        assert entry.arguments in entry.call


@given(AXES, st.integers(0, 30))
def test_nothing_is_missing_for_torch(axis: Axis, output: int) -> None:
    """Every padding and every documented output_padding, tried one by one."""
    found = set()
    for padding in range(20):
        for extra in range(max(axis.stride, axis.dilation)):
            call = (
                f"torch.nn.ConvTranspose1d(1, 1, {axis.kernel_size}, {axis.stride}, {padding}, {extra}, "
                f"dilation={axis.dilation})"
            )
            try:
                size = parse_call(call, input_shape=(1, 1, axis.input_size)).case.geometry().output_size
            except (CallError, DomainError):
                continue
            if size == (output,):
                found.add(f"padding={padding}, output_padding={extra}")
    assert {entry.arguments for entry in legal(axis, output, "torch")} == found


def test_the_segmentation_decoder_of_62_to_489() -> None:
    axis = Axis(62, 16, 8, 1)
    assert [(entry.arguments, entry.crop) for entry in legal(axis, 489, "keras")] == [
        ("padding='same', output_padding=1", (7, 8))
    ]
    # PyTorch cuts the other end: the same size, one pixel apart.
    assert ("padding=8, output_padding=1", (8, 7)) in [
        (entry.arguments, entry.crop) for entry in legal(axis, 489, "torch")
    ]
    assert where((7, 8)) == "1 more cut at the back"
    assert where((8, 7)) == "1 more cut at the front"


def test_every_framework_doubles() -> None:
    for family in FAMILIES:
        assert legal(Axis(7, 4, 2, 1), 14, family), family


def test_the_nearest_sizes_are_given_where_there_is_none() -> None:
    axis = Axis(4, 3, 1, 1)
    assert legal(axis, 5, "keras") == []
    assert nearest(axis, 5, "keras") == [4, 6]


@pytest.mark.parametrize(
    ("crop", "words"), [((1, 1), "the same at both ends"), ((0, -2), "adds 2 zeros at the back")]
)
def test_where_it_lands_in_words(crop: tuple[int, int], words: str) -> None:
    assert where(crop) == words


SIZES = ("--input", "62", "--output", "489", "--kernel", "16", "--stride", "8")


def test_the_command() -> None:
    done = conformance("sizes", *SIZES)
    assert done.returncode == 0, done.stderr
    assert all(family in done.stdout for family in FAMILIES)
    one = conformance("sizes", *SIZES, "--for", "keras", "--json")
    assert list(json.loads(one.stdout)["arguments"]) == ["keras"]


@pytest.mark.parametrize("arguments", [(), (*SIZES, "--for", "caffe"), (*SIZES[:-1], "0")])
def test_bad_input_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = conformance("sizes", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("output", "auto_pad", "reference", "runtime"),
    [
        (8, "", "pass", "pass"),
        (8, ", auto_pad='SAME_UPPER'", "front", "pass"),
        (9, "", "refused", "refused"),
    ],
)
def test_zeros_that_output_shape_adds(output: int, auto_pad: str, reference: str, runtime: str) -> None:
    """ONNX Runtime and the reference evaluator of onnx do what the calculator and the read call say of them."""
    onnx = pytest.importorskip("onnx", reason="the model is made by onnx")
    ort = pytest.importorskip("onnxruntime", reason="the model is run by ONNX Runtime")
    from onnx.reference import ReferenceEvaluator

    axis = Axis(3, 3, 2, 1)
    (entry,) = [e for e in legal(axis, output, "onnx") if e.arguments == f"output_shape=[{output}]{auto_pad}"]
    assert entry.crop == (0, 7 - output)
    assert ("ONNX Runtime refuses it" in entry.note) == (runtime == "refused")
    assert ("onnx.reference: adds 1 zeros at the front" in entry.note) == (reference == "front")

    x = np.arange(1, 4, dtype=np.float32).reshape(1, 1, 3)
    w = np.array([[[1, 10, 100]]], np.float32)
    attributes = {"output_shape": [output]} | ({"auto_pad": "SAME_UPPER"} if auto_pad else {})
    node = onnx.helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2], **attributes)
    graph = onnx.helper.make_graph(
        [node],
        "one",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 1, 3])],
        [onnx.helper.make_tensor_value_info("y", 1, [None] * 3)],
        [onnx.numpy_helper.from_array(w, "w")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)], ir_version=10)

    def by_runtime() -> np.ndarray:
        options = ort.SessionOptions()
        options.log_severity_level = 4
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return np.asarray(session.run(None, {"x": x})[0])

    def by_reference() -> np.ndarray:
        return np.asarray(ReferenceEvaluator(model).run(None, {"x": x})[0])

    full = [1, 10, 102, 20, 203, 30, 300]
    for run, expected in ((by_runtime, runtime), (by_reference, reference)):
        if expected == "refused":
            with pytest.raises(Exception, match="input"):
                run()
        else:
            zeros = [0] * (output - 7)
            assert run().ravel().tolist() == ([*zeros, *full] if expected == "front" else [*full, *zeros])
