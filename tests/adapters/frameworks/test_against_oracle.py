"""Every adapter that is installed against the oracle, bit for bit, on one table of ordinary cases.

What the frameworks get wrong is the suite's to find and its expectations' to record; these are cases that all
of them run, so a failure here is most likely ours: a transposed kernel, a swapped axis, a lost argument.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import available, load, resolve
from conformance.cases import Case
from conformance.contract import DECLINED, DIRECTIONAL, TABLE
from conformance.execution.check import run_case
from conformance.execution.directional import directional_derivatives
from tests.support.frameworks import every_variant_wanted

# What a framework is known to get wrong among these; the day it does not, the entry goes.
KNOWN = {
    ("torch-nn-grad", "complex"): "conv1d_weight is not implemented for complex numbers",
    ("keras-numpy", "double"): "keras 3.15 on NumPy makes float64 float32 within conv_transpose",
    ("keras-ops-numpy", "double"): "the same",
    ("onnx-reference", "groups"): "the evaluator reshapes several channels a group wrongly",
    **{
        (engine, name): "OpenCV takes auto_pad without the stride, and SAME_LOWER for SAME_UPPER"
        for engine in ("cv2-dnn", "cv2-dnn-new", "cv2-dnn-classic")
        for name in ("same", "upper", "lower")
    },
    **{
        (engine, "output size"): "OpenCV takes no output_shape"
        for engine in ("cv2-dnn", "cv2-dnn-new", "cv2-dnn-classic")
    },
    ("mnn", "output size"): "MNN gives a second axis of length 1",
    ("cv2-dnn-classic", "one axis"): "OpenCV's classic engine takes channels for a second axis",
    ("cv2-dnn-classic", "mixed dtypes"): "the same; the case has one axis",
    ("mnn", "one axis"): "MNN gives a second axis of length 1",
    ("mnn", "mixed dtypes"): "the same; the case has one axis",
    ("mnn", "three axes"): "MNN adds the bias with the last tap of the first axis only",
    ("mnn", "lower"): "MNN takes SAME_LOWER for SAME_UPPER",
    ("tfjs-wasm", "three axes"): "TensorFlow.js rounds the ends of its loops toward zero in WebAssembly",
}
# Settings of an interpreter that another adapter starts too, each of which loads TensorFlow; and ways to call that
# have tests of their own, without a process.
VARIANTS = (
    "litert-", "tf-lite", "torch-accumulated", "torch-one-gradient", "torch-summed-layouts", "torch-hooks",
    "torch-broadcast", "torch-unaligned", "torch-inference", "onnxruntime-strided",
    "jax-lax-one-gradient", "tf-nn-one-gradient", "mlx-one-gradient",
)  # fmt: skip
# Paths through converters that are cheap; the others load several frameworks, and take seconds a case.
PATHS = ("torch-script-onnx", "onnxruntime-offline")
# Compilation takes seconds a case.
FEW = {"torch-inductor": ("same", "explicit", "groups", "gradients")}


def test_the_table_tells_arguments_apart() -> None:
    for name, text in TABLE.items():
        case = Case.parse(text)
        axes = set(zip(case.input_size, case.kernel_size, case.stride, case.dilation, strict=True))
        assert len(axes) == case.rank, name
        assert case.in_channels != case.out_channels, name


def _wanted(name: str) -> bool:
    is_path = bool(load(resolve(name).target).stages)
    return every_variant_wanted() or (name in PATHS if is_path else not name.startswith(VARIANTS))


@pytest.mark.parametrize("adapter", [name for name in available() if _wanted(name)])
def test_an_adapter_and_the_oracle_agree(adapter: str) -> None:
    passed = []
    with AdapterProcess(resolve(adapter), ProcessLimits(answer=120)) as host:
        for name in FEW.get(adapter, TABLE):
            outcome = run_case(Case.parse(TABLE[name]), host)
            if (adapter, name) in KNOWN:
                assert outcome.status == "fail", f"lifted: {KNOWN[adapter, name]}"
                continue
            assert outcome.status in ("pass", *DECLINED), (name, outcome.status, outcome.kind, outcome.detail)
            if outcome.status == "pass":
                passed.append(name)
        for dtype in () if adapter in FEW else ("f64", "f32"):  # double where the framework has it
            derivatives = directional_derivatives(replace(DIRECTIONAL, dtype=dtype), host)
            if isinstance(derivatives, dict):
                assert all(one.outputs == one.gradient for one in derivatives.values()), (dtype, derivatives)
                break
            assert derivatives.kind in DECLINED, (dtype, derivatives.kind, derivatives.detail)
    least = 2 if adapter in VARIANTS else 3 if adapter in FEW or load(resolve(adapter).target).shape_only else 5
    assert len(passed) >= least, passed
