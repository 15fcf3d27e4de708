"""Adapters of the runtimes that models are deployed on: what their programs say."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from conformance.adapters.frameworks.ncnn_layers import _layer, _weights
from conformance.adapters.registry import load, resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.oracle.expected_output import reference
from tests.support.frameworks import requires

VARIANTS = {
    "litert-threads": "num_threads=4",
    "litert-no-xnnpack": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "litert-reference": "BUILTIN_REF",
    "tf-lite-threads": "num_threads=4",
    "tf-lite-no-xnnpack": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "tf-lite-reference": "BUILTIN_REF",
}
LEVELS = {
    "onnxruntime": "",
    "onnxruntime-no-optimization": "ORT_DISABLE_ALL",
    "onnxruntime-basic": "ORT_ENABLE_BASIC",
    "onnxruntime-extended": "ORT_ENABLE_EXTENDED",
}


@pytest.mark.parametrize(
    ("case", "line"),
    [
        (
            "2d-c2x3-i4x5-k3x2-s2x1-d1x3-p1.2x0.0-op1x0-b1",
            "Deconvolution layer 1 1 x y 0=3 1=2 11=3 2=3 12=1 3=1 13=2 4=0 14=1 15=0 16=2 18=0 19=1 5=1 6=36",
        ),
        (
            "1d-c4x6-i5-k3-s2-g2-same_lower",
            "DeconvolutionDepthWise1D layer 1 1 x y 0=6 1=3 2=1 3=2 4=-234 15=-234 20=10 5=0 6=36 7=2",
        ),
        # Where the stride is longer than the kernel, the zeros at the end are output_padding.
        ("1d-i4-k1-s3-same", "Deconvolution1D layer 1 1 x y 0=1 1=1 2=1 3=3 4=0 15=0 18=2 5=0 6=1"),
    ],
)
def test_a_case_is_a_line_of_an_ncnn_net(case: str, line: str) -> None:
    assert _layer(Case.parse(case)) == line


def test_ncnn_takes_the_weights_group_by_group_with_output_channels_first() -> None:
    assert _weights(Case.parse("1d-c4x6-i5-k3-g2")) == "w.reshape((2, 2, 3, 3)).swapaxes(1, 2)"
    assert _weights(Case.parse("1d-c4x7-i5-k3-g2")) == "w"  # an invalid case


@requires("ncnn")
def test_ncnn_copies_an_image_before_its_memory_is_another_ones() -> None:
    """NumPy keeps small arrays; one of more than a kibibyte goes back to the heap."""
    case = Case.parse("2d-n3-c16x8-i4x5-k3-s2-cl")
    tensors = make_tensors(case)
    y = load(resolve("ncnn").target)().run(case, tensors)["y"].values
    np.testing.assert_array_equal(y, reference(case, tensors)["y"].exact)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_of_an_interpreter_says_its_setting(name: str) -> None:
    assert VARIANTS[name] in load(resolve(name).target).arguments  # type: ignore[attr-defined]


@requires("onnxruntime")
@pytest.mark.parametrize("name", LEVELS)
def test_onnx_runtime_runs_at_its_level(name: str) -> None:
    program = str(load(resolve(name).target)().program(Case.parse("1d-i3-k2")))
    assert ("graph_optimization_level" in program) == bool(LEVELS[name])
    assert f"GraphOptimizationLevel.{LEVELS[name]}" in program or not LEVELS[name]


@requires("cv2-dnn")
def test_an_engine_that_opencv_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = load(resolve("cv2-dnn-new").target)
    monkeypatch.setattr(kind, "engine", "ENGINE_OF_TOMORROW")
    with pytest.raises(ImportError, match=r"has no cv2\.dnn\.ENGINE_OF_TOMORROW"):
        kind()


@requires("mnn")
def test_mnn_is_converted_without_the_module_that_installs_packages() -> None:
    program = str(load(resolve("mnn").target)().program(Case.parse("1d-i3-k2")))
    assert "MNN.tools" not in program
    assert importlib.util.find_spec("_tools") is not None
