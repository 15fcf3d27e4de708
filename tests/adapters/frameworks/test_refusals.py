"""Documented refusals: an error message that names a limit which its framework documents."""

from __future__ import annotations

import pytest

from conformance.adapters.base import DocumentedRefusal
from conformance.adapters.frameworks.refusals import onnx_runtime_kernels, tensorflow_on_cpu, torch_on_cpu
from conformance.adapters.host.client import AdapterProcess, Reply
from conformance.adapters.registry import BUILT_IN, load, resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.execution.check import run_case
from tests.support.command import toy
from tests.support.frameworks import requires

# As TensorFlow 1.13 to 2.21, ONNX Runtime 1.32 and PyTorch 1.13 word them.
NHWC = "InvalidArgumentError: {{function_node x}} Conv2DCustomBackpropInputOp only supports NHWC. [Op:x]"
NHWC_FORWARD = "UnimplementedError: The Conv2D op currently only supports the NHWC tensor format on the CPU."
NDHWC = "InvalidArgumentError: Conv3DBackpropInputOpV2 only supports NDHWC on the CPU. [Op:Conv3DBackpropInputV2]"
KERAS = f"""InvalidArgumentError: Exception encountered when calling Conv2DTranspose.call().

{NHWC}

Arguments received by Conv2DTranspose.call():
  • inputs=tf.Tensor(shape=(1, 2, 4, 5), dtype=float64)"""
NO_DILATION = "InvalidArgumentError: Current CPU implementations do not yet support dilation rates larger than 1."
NO_DILATION_3D = "Current CPU implementation does not yet support dilation rates larger than 1. [Op:x]"
NO_DILATION_OLD = (
    "Current libxsmm and customized CPU implementations do not yet support dilation rates larger than 1."
)
NO_KERNEL = (
    "NotImplemented: [ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for "
    "ConvTranspose(11) node with name ''"
)


def found(refusals: tuple[DocumentedRefusal, ...], case: str, message: str) -> str | None:
    return next((r.parameter for r in refusals if r.explains(Case.parse(case), message)), None)


@pytest.mark.parametrize("message", [NHWC, NHWC_FORWARD, NDHWC, KERAS])
def test_a_message_about_the_layout_explains_channels_first_alone(message: str) -> None:
    assert found(tensorflow_on_cpu(), "2d-i3-k2-cf", message) == "layout"
    assert found(tensorflow_on_cpu(), "2d-i3-k2-cl", message) is None


@pytest.mark.parametrize("message", [NO_DILATION, NO_DILATION_3D, NO_DILATION_OLD])
def test_a_message_about_dilation_explains_a_dilation_alone(message: str) -> None:
    assert found(tensorflow_on_cpu(), "2d-i3-k2-d2-cl", message) == "dilation"
    assert found(tensorflow_on_cpu(), "2d-i3-k2-d1-cl", message) is None


def test_other_messages_explain_nothing() -> None:
    for message in (
        "InvalidArgumentError: data_format must be NHWC or NCHW",
        "ValueError: dilations must be positive",
        "InternalError: Conv2DCustomBackpropInputOp failed",
    ):
        assert found(tensorflow_on_cpu(), "2d-i3-k2-d2-cf", message) is None


def test_a_missing_kernel_explains_no_float32() -> None:
    refusals = onnx_runtime_kernels("https://example.org")
    assert found(refusals, "2d-i3-k2-bf16", NO_KERNEL) == "dtype"
    assert found(refusals, "2d-i3-k2-f32", NO_KERNEL) is None


def test_a_limit_of_old_releases_explains_nothing_in_later_ones() -> None:
    (refusal,) = torch_on_cpu()
    message = """RuntimeError: "slow_conv_transpose2d_out_cpu" not implemented for 'Half'"""
    case = Case.parse("2d-i3-k2-f16")
    # NumPy stands for a framework that every environment has.
    later = DocumentedRefusal("dtype", refusal.pattern, "", "", refusal.applies, before=("numpy", "1.2"))
    earlier = DocumentedRefusal("dtype", refusal.pattern, "", "", refusal.applies, before=("numpy", "999"))
    assert not later.explains(case, message)
    assert earlier.explains(case, message)


def ask(adapter: str, case: str, *, beyond_limits: bool = False) -> Reply:
    with AdapterProcess(resolve(adapter)) as host:
        parsed = Case.parse(case)
        return host.run(parsed, make_tensors(parsed), beyond_limits=beyond_limits)


def test_a_documented_refusal_is_unsupported_with_the_message() -> None:
    reply = ask(toy("DocumentsDilation"), "2d-i3-k2-d2")
    assert (reply.kind, reply.source) == ("unsupported", "https://example.org/dilation")
    assert reply.detail == "ValueError: no dilation on this processor"


def test_the_same_message_for_a_case_without_the_property_is_a_refusal() -> None:
    assert ask(toy("DocumentsDilation"), "2d-c2x2-i3-k2-g2").kind == "raised"


@requires("tf-nn-eigen")
@pytest.mark.parametrize("case", ["2d-i3-k2-cf", "3d-i3-k2-cf-f64", "1d-i3-k2-d2-cl", "2d-i3-k2-d2-cl-grad"])
def test_tensorflows_own_kernels_say_what_they_document(case: str) -> None:
    """With oneDNN off, on any processor, and past the limits that are declared."""
    reply = ask("tf-nn-eigen", case, beyond_limits=True)
    assert reply.kind == "unsupported", reply
    assert reply.source in {refusal.source for refusal in load(BUILT_IN["tf-nn-eigen"]).refusals}
    assert "only supports" in reply.detail or "dilation rates larger than 1" in reply.detail


@requires("tf-nn", "keras-tensorflow")
def test_without_onednn_the_public_calls_are_unsupported_with_the_message() -> None:
    """The same on every processor: the profile turns oneDNN off."""
    cases = {
        "tf-nn~onednn-off": ("2d-i5x7-k3-s2-same", "1d-i3-k2-d2-valid-cl", "3d-i3-k2"),
        "keras-tensorflow~onednn-off": (
            "2d-i5x7-k3-s2-same",
            "1d-n1-c3x2-i4-k2-s2-d1-g1-valid-op1-cf-bf16-b0-ints.19-fwd",
        ),
    }
    for adapter, texts in cases.items():
        with AdapterProcess(resolve(adapter)) as host:
            outcomes = [run_case(Case.parse(text), host) for text in texts]
        assert [outcome.status for outcome in outcomes] == ["unsupported"] * len(texts), outcomes


@requires("onnxruntime")
@pytest.mark.parametrize("dtype", ["f64", "bf16"])
def test_onnx_runtime_says_that_it_has_no_kernel(dtype: str) -> None:
    assert ask("onnxruntime", f"2d-i3-k2-{dtype}", beyond_limits=True).kind == "unsupported"
