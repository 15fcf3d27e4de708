"""TensorFlow: ``tf.nn.conv{1,2,3}d_transpose``, whose parameter output_shape is the shape of the output."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from conformance.adapters.base import (
    Adapter,
    Declined,
    DocumentedRefusal,
    Limit,
    Program,
    Tensor,
    call,
    conversion_line,
)
from conformance.adapters.frameworks.common_limits import (
    gradients_only,
    no_complex,
    no_crop_for_invalid_cases,
    no_groups,
    no_output_padding_for_invalid_cases,
    no_periodic,
)
from conformance.adapters.frameworks.padding import geometry, tensorflow_padding, valid_sizes
from conformance.adapters.frameworks.refusals import tensorflow_on_cpu
from conformance.cases.case import Case

__all__ = ["LIMITS", "TensorFlowNN", "operation", "tape_lines"]

_DOCUMENTATION = "https://www.tensorflow.org/api_docs/python/tf/nn/conv2d_transpose"
_FORMATS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}


def operation(case: Case, source: str = _DOCUMENTATION) -> list[str]:
    """Lines from ``x`` and ``w`` to ``y``: the call, and the crop of what it cannot crop itself.

    ``SAME`` and ``VALID`` with an output_shape start the output where `tensorflow_padding` says. Explicit crops
    are cut from a ``VALID`` result, as long as the stride allows.
    """
    solved = geometry(case)
    crop, sizes = "", tuple(case.input_size)
    padding: str | None = "SAME"
    if solved is not None:
        sizes = solved.output_size
        padding = tensorflow_padding(solved)
        if padding is None:
            padding = "VALID"
            reached = valid_sizes(solved)
            if reached is None:
                raise Declined("inexpressible", "neither SAME nor VALID reaches that far", source)
            sizes = reached
            ends = ", ".join(
                f"{low}:{low + size}" for (low, _), size in zip(solved.crop, solved.output_size, strict=True)
            )
            crop = f"[:, :, {ends}]" if case.layout == "channels_first" else f"[:, {ends}, :]"
    convolve = call(
        f"tf.nn.conv{case.rank}d_transpose",
        [
            ("", "x"),
            ("", "kernel"),
            ("output_shape", case.shape(case.out_channels, sizes)),
            ("strides", case.stride),
            ("padding", repr(padding)),
            ("data_format", repr(_FORMATS[case.rank][case.layout == "channels_last"])),
            ("dilations", case.dilation),
        ],
    )
    order = (*range(2, case.rank + 2), 1, 0)
    lines = [f"kernel = tf.transpose(w, {order})  # (*k, Cout, Cin)", f"y = {convolve}{crop}"]
    if case.bias:
        lines.append(
            f"y = y + tf.reshape(bias, {(-1, *(1,) * case.rank)})"
            if case.layout == "channels_first"
            else "y = y + bias"
        )
    return lines


def tape_lines(case: Case, expression: str, sources: Sequence[str]) -> list[str]:
    """Lines from an expression of the sources to its gradients, or to theirs."""
    cast = '{0} = tf.cast(tf.constant({0}), "' + case.format.label + '")'
    joined, targets = ", ".join(sources), ", ".join(("dx", "dw", "db")[: len(sources)])
    lines = [
        "with tf.GradientTape() as tape:",
        f"    tape.watch([{joined}])",
        f"    y = {expression}",
    ]
    pull_back = f"{targets} = tape.gradient(y, [{joined}], dy)"
    if case.direction == "grad":
        return [*lines, cast.format("dy"), pull_back]
    along = ("vx", "vw", "vb")[: len(sources)]
    watched = ", ".join((*sources[:2], "dy"))
    return [
        *(cast.format(name) for name in ("dy", *along)),
        "with tf.GradientTape() as outer:",
        f"    outer.watch([{watched}])",
        *(f"    {line}" for line in (*lines, pull_back)),
        f"ddx, ddw, ddy = outer.gradient([{targets}], [{watched}], [{', '.join(along)}])",
    ]


LIMITS: tuple[Limit, ...] = (
    no_groups(_DOCUMENTATION),
    no_periodic(_DOCUMENTATION),
    no_crop_for_invalid_cases(_DOCUMENTATION),
    no_output_padding_for_invalid_cases(_DOCUMENTATION),
    no_complex(_DOCUMENTATION),
)


class TensorFlowNN(Adapter):
    """Eager, with oneDNN where TensorFlow switches it on for the processor (fact ``tensorflow.onednn``)."""

    mixed_dtypes = True
    name = "tf-nn"
    packages = ("tensorflow",)
    extra = "tensorflow"
    second_order = True
    documentation = _DOCUMENTATION
    environment: ClassVar[Mapping[str, str]] = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    limits: ClassVar[tuple[Limit, ...]] = LIMITS
    refusals: ClassVar[tuple[DocumentedRefusal, ...]] = tensorflow_on_cpu()
    # Eigen's kernels contract float16 in float16: 2d-n3-c8x8-i9x9-k3x3-s2x2-same-cl-f16-normal.1-grad takes 30
    # times the fp32-acc bound with tensorflow 2.21.0, CPU. oneDNN's, chosen by processor, are more accurate.
    promises: ClassVar[Mapping[str, str]] = {**Adapter.promises, "f16": "storage-acc", "bf16": "storage-acc"}
    bias_in_storage = True
    wrapped: ClassVar[str] = "forward"

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("tensorflow")

    def export(self, value: Any) -> Tensor:
        """Convert a tensor of TensorFlow."""
        return Tensor.of(value.numpy())

    def program(self, case: Case) -> Program:
        """Write the call."""
        variables = [f'os.environ["{name}"] = "{value}"' for name, value in self.environment.items()]
        names = ["x", "w", "bias"][: 2 + case.bias]
        parameters = ", ".join(names)
        body = [
            conversion_line(
                names,
                lambda name: f'tf.cast(tf.constant({name}), "{case.format_of(name).label}")',
                apart=case.weight_dtype is not None,
            )
        ]
        lines = [line for text in operation(case) for line in text.split("\n")]
        setup = ("import os", *variables, "import tensorflow as tf")
        if case.direction == "fwd" and self.wrapped == "forward":
            return Program(setup, (*body, *lines))
        body += ["", f"def forward({parameters}):", *(f"    {line}" for line in lines), "    return y", ""]
        if case.direction == "fwd":
            body.append(f"y = {self.wrapped}({parameters})")
        else:
            body += self.gradient_lines(case, f"{self.wrapped}({parameters})", names)
        return Program(setup, tuple(body))

    def gradient_lines(self, case: Case, expression: str, names: Sequence[str]) -> list[str]:
        """The lines from an expression of the tensors to its gradients."""
        return tape_lines(case, expression, names)


class TensorFlowOneGradient(TensorFlowNN):
    """A tape for each gradient, which watches one tensor only."""

    name = "tf-nn-one-gradient"
    second_order = False
    limits = (*LIMITS, gradients_only("https://www.tensorflow.org/api_docs/python/tf/GradientTape"))

    def gradient_lines(self, case: Case, expression: str, names: Sequence[str]) -> list[str]:
        """One tape after the other."""
        lines = [f'dy = tf.cast(tf.constant(dy), "{case.format.label}")']
        for name, target in zip(names, ("dx", "dw", "db"), strict=False):
            lines += [
                "with tf.GradientTape() as tape:",
                f"    tape.watch({name})",
                f"    y = {expression}",
                f"{target} = tape.gradient(y, {name}, dy)",
            ]
        return lines


class TensorFlowXla(TensorFlowNN):
    """Compiled by XLA: ``tf.function(jit_compile=True)``."""

    name = "tf-xla"
    documentation = "https://openxla.org/xla/tf2xla"
    limits = LIMITS
    refusals = ()
    promises = Adapter.promises
    wrapped = "tf.function(forward, jit_compile=True, autograph=False)"


class TensorFlowEigen(TensorFlowNN):
    """With oneDNN off: TensorFlow's own kernels, on Eigen."""

    name = "tf-nn-eigen"
    environment: ClassVar[Mapping[str, str]] = {**TensorFlowNN.environment, "TF_ENABLE_ONEDNN_OPTS": "0"}
