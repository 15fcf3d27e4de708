"""Documented refusals: the error messages by which frameworks say that a machine or a build cannot do something.

Each function returns the `DocumentedRefusal`s of one framework. A pattern names what is not supported, and a
predicate requires that the case has it, so that an error about anything else stays a failure.
"""

from __future__ import annotations

from conformance.adapters.base import DocumentedRefusal
from conformance.cases.case import Case

__all__ = ["onnx_runtime_kernels", "tensorflow_on_cpu", "torch_on_cpu"]

# "Note that the channels_first format is currently not supported by TensorFlow on CPU."
_CHANNELS_LAST_ONLY = "https://www.tensorflow.org/versions/r2.15/api_docs/python/tf/keras/layers/Conv1D"
# "CPU support for dilation rates larger than 1", a feature request that TensorFlow accepted.
_NO_DILATION = "https://github.com/tensorflow/tensorflow/issues/28264"
# "another highlight is FP16 support on X86 CPUs"
_TORCH_HALF = "https://github.com/pytorch/pytorch/releases/tag/v2.6.0"
_ONNX_OPSETS = "https://onnxruntime.ai/docs/reference/compatibility.html"


def _is_channels_first(case: Case) -> bool:
    return case.layout == "channels_first"


def _is_dilated(case: Case) -> bool:
    return max(case.dilation) > 1


def tensorflow_on_cpu() -> tuple[DocumentedRefusal, ...]:
    """TensorFlow's own CPU kernels, which it uses for whatever oneDNN does not take on the CPU at hand.

    oneDNN takes bfloat16 only on processors with AVX-512 or better, and is off by default on some processors.
    """
    return (
        DocumentedRefusal(
            "layout",
            r"\bonly supports (the )?ND?HWC\b",
            "channels_first is not supported by TensorFlow on this CPU",
            _CHANNELS_LAST_ONLY,
            _is_channels_first,
        ),
        DocumentedRefusal(
            "dilation",
            r"\b(not yet support dilation rates larger than 1|only supports dilated rates of 1)\b",
            "dilation is not supported by TensorFlow on this CPU",
            _NO_DILATION,
            _is_dilated,
        ),
    )


def torch_on_cpu() -> tuple[DocumentedRefusal, ...]:
    """PyTorch's CPU kernels, in releases before the one that documents float16 for them."""
    return (
        DocumentedRefusal(
            "dtype",
            r"\bnot implemented for 'Half'|\bnot supported on CPUType for Half\b",
            "float16 is supported on x86 processors from PyTorch 2.6 on",
            _TORCH_HALF,
            lambda case: case.dtype == "f16",
            before=("torch", "2.6"),
        ),
    )


def onnx_runtime_kernels(kernels: str) -> tuple[DocumentedRefusal, ...]:
    """ONNX Runtime's table of kernels, and the ONNX releases that it supports.

    Parameters
    ----------
    kernels : str
        The address of the table.
    """
    return (
        DocumentedRefusal(
            "dtype",
            r"NOT_IMPLEMENTED : Could not find an implementation for ConvTranspose\(",
            "the CPU has a kernel for float only",
            kernels,
            lambda case: case.dtype != "f32",
        ),
        DocumentedRefusal(
            "dtype",
            r"Unsupported model IR version|Opset \d+ is under development",
            "bfloat16 needs an operator set that this release does not support",
            _ONNX_OPSETS,
            lambda case: case.dtype == "bf16",
        ),
    )
