"""Models made by their own exporters: each transposed convolution is found, as the case that it is."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import resolve
from conformance.calls.model_files import (
    FORMATS,
    ModelFile,
    ModelFileError,
    ModelLayer,
    format_of,
    read_model_file,
)
from conformance.calls.model_files.reading import read_layers
from conformance.cases import Case
from conformance.oracle.expected_output import expected_output
from conformance.porting.audit import audit
from tests.support.command import ROOT, toy
from tests.support.frameworks import requires

pytestmark = [
    pytest.mark.xdist_group("model files"),  # the models are made once
    requires("torch", "openvino", "keras-tensorflow", "litert"),
]


def made(family: str, folder: Path) -> Path:
    """The models of a family, and what was read of them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.models", family, str(folder)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def torch_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("torch", tmp_path_factory.mktemp("torch"))


@pytest.fixture(scope="module")
def tensorflow_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("tensorflow", tmp_path_factory.mktemp("tensorflow"))


TORCH: dict[str, dict[str, str]] = {
    "onnx": {
        "/0/ConvTranspose": "2d-c4x4-i1-k4-p0",
        "/3/ConvTranspose": "2d-c4x2-i4-k4-s2-g2-p1-b1",
        "/5/ConvTranspose": "2d-c2x3-i8-k3-s2-p1-op1-b1",
    },
    "onnx-of-two": {
        "/0/ConvTranspose": "2d-n2-c4x4-i1-k4-p0",
        "/3/ConvTranspose": "2d-n2-c4x2-i4-k4-s2-g2-p1-b1",
        "/5/ConvTranspose": "2d-n2-c2x3-i8-k3-s2-p1-op1-b1",
    },
    # The bias is an operation of its own there, and the batch normalisation is in the first weights.
    "openvino": {
        "*": "2d-c4x4-i1-k4-p0",
        "/3/ConvTranspose": "2d-c4x2-i4-k4-s2-g2-p1",
        "/5/ConvTranspose": "2d-c2x3-i8-k3-s2-p1-op1",
    },
    "pt2": {"ups.0": "1d-c4x3-i5-k8-s4-p2-b1", "ups.1": "1d-c3x2-i20-k4-s2-p1-b1"},
    "pt2-of-nine": {"ups.0": "1d-n2-c4x3-i9-k8-s4-p2-b1", "ups.1": "1d-n2-c3x2-i36-k4-s2-p1-b1"},
}
_UNET = {"up1": "2d-c4x4-i2x3-k3-s2-same-cl-b1", "up2": "2d-c8x3-i4x6-k2-s2-valid-cl-b1"}
TENSORFLOW: dict[str, dict[str, str]] = {
    "keras": _UNET,
    "h5": _UNET,
    "keras-of-two": {name: case.replace("2d-c", "2d-n2-c") for name, case in _UNET.items()},
    "lambda-trusted": {"conv2d_transpose": "2d-c2x3-i4-k3-valid-cl-b1"},
    "saved-model": {"upscore2": "2d-c3x2-i5x7-k4-s2-same-cl", "upscore8": "2d-c2x2-i5x7-k16-s8-same-cl"},
    "saved-model-sized": {
        "upscore2": "2d-c3x2-i3x4-k4-s2-p1.2x1-cl",  # an output of 5x8: one row is cut
        "upscore8": "2d-c2x2-i5x8-k16-s8-same-cl",
    },
    "tflite": {"*": "2d-c4x1-i6x5-k9-s3-same-cl-b1"},
    "tflite-sized": {"*": "2d-c4x1-i4x7-k9-s3-same-cl-b1"},
}


def check_cases(layers: tuple[ModelLayer, ...], expected: dict[str, str]) -> None:
    assert [str(layer.case) for layer in layers] == [str(Case.parse(case)) for case in expected.values()]
    assert all(name in ("*", layer.name) for layer, name in zip(layers, expected, strict=True))


def check_values(folder: Path) -> None:
    """With the weights that were read, the oracle gives what the framework's own layer gives."""
    with np.load(folder / "layer.npz") as sample:
        x, y = sample["x"], sample["y"]
    layer = next(one for one in read_layers(folder) if one.case is not None and one.case.input_shape == x.shape)
    assert layer.case is not None
    assert set(layer.values) == {"w", "bias"} if layer.case.bias else {"w"}
    exact = expected_output(replace(layer.case, data="normal"), {"x": x, **layer.values})["y"]
    np.testing.assert_allclose(y, exact, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", TORCH)
def test_models_of_pytorch(torch_models: Path, name: str) -> None:
    check_cases(read_layers(torch_models / name), TORCH[name])


@pytest.mark.parametrize("name", TENSORFLOW)
def test_models_of_tensorflow(tensorflow_models: Path, name: str) -> None:
    check_cases(read_layers(tensorflow_models / name), TENSORFLOW[name])


@pytest.mark.parametrize("name", ["onnx", "openvino", "pt2"])
def test_weights_of_pytorch(torch_models: Path, name: str) -> None:
    check_values(torch_models / name)


@pytest.mark.parametrize("name", ["keras", "h5", "saved-model-sized", "tflite"])
def test_weights_of_tensorflow(tensorflow_models: Path, name: str) -> None:
    check_values(tensorflow_models / name)


def test_what_a_case_does_not_hold_is_noted(torch_models: Path, tensorflow_models: Path) -> None:
    for folder, note in (
        (torch_models / "onnx", "the opset ("),
        (torch_models / "onnx", "using 1x4x1x1"),
        (torch_models / "openvino", "the batch was not known"),
        (torch_models / "pt2", "those that the program was exported with"),
        (tensorflow_models / "keras", "the activation relu follows"),
        (tensorflow_models / "saved-model", "the model computes the size of the output as it runs"),
    ):
        assert any(note in text for layer in read_layers(folder) for text in layer.notes), (folder, note)


def test_a_pickle_is_loaded_only_with_trust(torch_models: Path) -> None:
    with pytest.raises(ModelFileError, match="--trust"):
        read_layers(torch_models / "pickle-False")
    assert not (torch_models / "ran-False").exists()
    check_cases(read_layers(torch_models / "pickle-True"), TORCH["pt2"])
    assert (torch_models / "ran-True").exists()


def test_python_code_of_a_keras_model_runs_only_with_trust(tensorflow_models: Path) -> None:
    with pytest.raises(ModelFileError, match="--trust"):
        read_layers(tensorflow_models / "lambda")


def test_a_changed_tflite_model(tensorflow_models: Path, tmp_path: Path) -> None:
    """Quantisation and an activation inside the operator are noted."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    model = schema.ModelT.InitFromPackedBuf((tensorflow_models / "superres.tflite").read_bytes(), 0)
    graph = model.subgraphs[0]
    operator = next(one for one in graph.operators if isinstance(one.builtinOptions, schema.TransposeConvOptionsT))
    operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.RELU6
    about = schema.QuantizationParametersT()
    about.scale, about.zeroPoint = [0.5], [0]
    graph.tensors[operator.inputs[1]].quantization = about
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "changed.tflite"
    path.write_bytes(builder.Output())
    (layer,) = read_model_file(path).layers
    assert any("RELU6" in note for note in layer.notes)
    assert any("quantisation" in note for note in layer.notes)


def test_five_models_of_three_frameworks_in_the_audit(torch_models: Path, tensorflow_models: Path) -> None:
    """A planted fault is found in each layer that it concerns and in no other, and the port goes around it."""
    folders = [torch_models / name for name in ("onnx", "pt2")]
    folders += [tensorflow_models / name for name in ("keras", "saved-model-sized", "tflite")]
    layers = tuple(layer for folder in folders for layer in read_layers(folder))
    model = ModelFile(Path("five"), "five models", ("right",), layers)
    right, wrong = resolve(toy("Right")), resolve(toy("WrongSame"))
    for weights_of_file in (False, True):
        audited = audit(model, right, [wrong], ProcessLimits(), weights_of_file=weights_of_file)
        assert len(audited) == len(layers) == 10
        for one in audited:
            assert one.layer.case is not None
            own, target = one.outcomes
            assert own.checked.outcome.status == "pass", own.checked.outcome.detail
            named = isinstance(one.layer.case.padding, str)
            assert bool(target.difference) == named
            assert ("the crop is written out" in target.port and "Verified" in target.port) == named
            assert (one.layer.case.data == "normal") == weights_of_file


def test_every_format_is_tried() -> None:
    suffixes = {suffix for kind in FORMATS for suffix in (*kind.suffixes, kind.member) if suffix}
    assert suffixes == {".onnx", ".tflite", ".keras", ".h5", ".hdf5", ".pt2", ".param", ".xml", "saved_model.pb"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.onnx", "no such file"),
        ("notes.txt", "not a model of a kind that is read"),
        ("", "a folder without"),
    ],
)
def test_a_file_that_is_not_a_model(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ModelFileError, match=message):
        format_of(tmp_path / name)


def test_a_format_whose_package_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"")
    onnx = replace(FORMATS[0], modules={"no_such_module": "no-such-package"})
    monkeypatch.setattr("conformance.calls.model_files.formats.FORMATS", (onnx,))
    with pytest.raises(ModelFileError, match="no-such-package is not installed: pip install no-such-package"):
        read_model_file(path)
