"""Keras: ``keras.ops.conv_transpose``, on each of its backends."""

from __future__ import annotations

from conformance.adapters.base import Program, call, conversion_line
from conformance.adapters.frameworks.keras_backends import (
    OPS,
    KerasAdapter,
    common_limits,
    crop_slices,
    padding_keyword,
    to_keras,
)
from conformance.cases.case import Case

__all__ = ["KerasOps"]


class KerasOps(KerasAdapter):
    """``keras.ops.conv_transpose``; the bias is added to its result."""

    documentation = OPS
    interface_limits = common_limits(OPS)

    def program(self, case: Case) -> Program:
        """Write the call."""
        keyword = padding_keyword(case)
        names = ["x", "w", "bias"][: 2 + case.bias]
        label = case.format.label
        body = [conversion_line(names, lambda name: f'keras.ops.convert_to_tensor({name}, dtype="{label}")')]
        convolve = call(
            "keras.ops.conv_transpose",
            [
                ("", "x"),
                ("", f"keras.ops.transpose(w, {to_keras(case)})"),
                ("strides", case.stride),
                ("padding", repr(keyword or "valid")),
                ("output_padding", case.output_padding if keyword else None),
                ("data_format", repr(case.layout)),
                ("dilation_rate", case.dilation),
            ],
            width=10_000,
        ) + ("" if keyword else crop_slices(case))
        if case.bias:
            shape = (-1, *(1,) * case.rank) if case.layout == "channels_first" else (-1,)
            convolve += f" + keras.ops.reshape(bias, {shape})"
        return Program(self.setup_lines(), (*body, *self.finish(case, convolve, ("x", "w", "bias"), convolve)))


class KerasOpsTensorFlow(KerasOps):
    """The operation on TensorFlow."""

    name = "keras-ops-tensorflow"
    backend = "tensorflow"


class KerasOpsTorch(KerasOps):
    """The operation on PyTorch."""

    name = "keras-ops-torch"
    backend = "torch"


class KerasOpsJax(KerasOps):
    """The operation on JAX."""

    name = "keras-ops-jax"
    backend = "jax"


class KerasOpsNumpy(KerasOps):
    """The operation on NumPy."""

    name = "keras-ops-numpy"
    backend = "numpy"


class KerasOpsOpenvino(KerasOps):
    """The operation on OpenVINO."""

    name = "keras-ops-openvino"
    backend = "openvino"
