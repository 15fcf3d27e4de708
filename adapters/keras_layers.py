"""Keras: ``keras.layers.Conv{1,2,3}DTranspose``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.base import Adapter, Limit, Program, call
from cases.case import Case
from cases.errors import DomainError

__all__ = ["KerasTensorFlow"]

_DOCUMENTATION = "https://keras.io/api/layers/convolution_layers/convolution2d_transpose/"
_LIMITS = (
    Limit(
        "inexpressible",
        "groups",
        lambda case: case.groups != 1,
        "the transposed layers have no argument for groups",
        _DOCUMENTATION,
    ),
    Limit(
        "unsupported",
        "output_padding",
        lambda case: (
            case.output_padding is not None
            and isinstance(case.padding, str)
            and any(o >= s for o, s in zip(case.output_padding, case.stride, strict=True))
        ),
        "output_padding must be lower than the stride along the same dimension",
        _DOCUMENTATION,
    ),
    Limit(
        "unsupported",
        "dilation",
        lambda case: max(case.stride) > 1 and max(case.dilation) > 1,
        "specifying any stride value != 1 is incompatible with specifying any dilation_rate value != 1",
        _DOCUMENTATION,
    ),
    Limit(
        "inexpressible",
        "padding",
        lambda case: not isinstance(case.padding, str) and _reaches_outside(case),
        "the layers crop nothing themselves; zeros beyond the full result cannot be asked for",
        _DOCUMENTATION,
    ),
    Limit(
        "unsupported",
        "dtype",
        lambda case: case.format.is_complex,
        "layers take real floating-point dtypes",
        "https://keras.io/api/mixed_precision/policy/",
    ),
)


def _reaches_outside(case: Case) -> bool:
    try:
        return any(low < 0 or high < 0 for low, high in case.geometry().crop)
    except DomainError:
        return False


class KerasLayers(Adapter):
    """The layers; explicit crops, for which they have no words, are cut from the ``valid`` result."""

    packages: ClassVar[tuple[str, ...]] = ("keras",)
    documentation = _DOCUMENTATION
    limits = _LIMITS

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("keras")

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text of `export`."""
        widened = ".astype(np.float32)" if case.dtype == "bf16" else ""
        return f"keras.ops.convert_to_numpy({name}){widened}"

    def program(self, case: Case) -> Program:
        """Write the call."""
        explicit = not isinstance(case.padding, str)
        body = [
            "layer = "
            + call(
                f"keras.layers.Conv{case.rank}DTranspose",
                [
                    ("filters", case.out_channels),
                    ("kernel_size", case.kernel_size),
                    ("strides", case.stride),
                    ("padding", repr("valid" if explicit else case.padding)),
                    ("output_padding", None if explicit else case.output_padding),
                    ("data_format", repr(case.layout)),
                    ("dilation_rate", case.dilation),
                    ("use_bias", case.bias),
                    ("dtype", repr(case.format.label)),
                ],
            ),
            f'x = keras.ops.convert_to_tensor(x, dtype="{case.format.label}")',
            "layer.build(x.shape)",
            f"layer.kernel.assign(np.transpose(w, {(*range(2, case.rank + 2), 1, 0)}))  # (*k, Cout, Cin)",
        ]
        if case.bias:
            body.append("layer.bias.assign(bias)")
        cut = _cut(case) if explicit else ""
        if case.direction == "fwd":
            return Program(self._setup_lines(), (*body, f"y = layer(x){cut}"))
        body += self._gradient(case, cut)
        order = (case.rank + 1, case.rank, *range(case.rank))
        body.append(f"dw = keras.ops.transpose(dw, {order})")
        return Program(self._setup_lines(), tuple(body))

    def _setup_lines(self) -> tuple[str, ...]:
        variables = [f'os.environ["{name}"] = "{value}"' for name, value in self.environment.items()]
        return ("import os", *variables, "import keras")

    def _gradient(self, case: Case, cut: str) -> list[str]:
        raise NotImplementedError


class KerasTensorFlow(KerasLayers):
    """On the TensorFlow backend; gradients by ``tf.GradientTape``."""

    name = "keras-tensorflow"
    packages = ("keras", "tensorflow")
    environment: ClassVar[Mapping[str, str]] = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}

    def export(self, value: Any) -> Any:
        """Take a tensor out of TensorFlow."""
        return super().export(value.numpy())

    def _setup_lines(self) -> tuple[str, ...]:
        return (*super()._setup_lines(), "import tensorflow as tf")

    def _gradient(self, case: Case, cut: str) -> list[str]:
        sources = ["x", "layer.kernel", "layer.bias"][: 2 + case.bias]
        names = ["dx", "dw", "db"][: 2 + case.bias]
        return [
            "with tf.GradientTape() as tape:",
            "    tape.watch(x)",
            f"    y = layer(x){cut}",
            f'dy = tf.constant(dy, dtype="{case.format.label}")',
            f"{', '.join(names)} = tape.gradient(y, [{', '.join(map(_value, sources))}], dy)",
        ]


def _value(name: str) -> str:
    return name if name == "x" else f"{name}.value"


def _cut(case: Case) -> str:
    """The slices that take the answer out of the ``valid`` result, which starts where the full result does."""
    try:
        geometry = case.geometry()
    except DomainError:
        return ""
    ends = [f"{low}:{low + size}" for (low, _), size in zip(geometry.crop, geometry.output_size, strict=True)]
    if case.layout == "channels_first":
        return f"[:, :, {', '.join(ends)}]"
    return f"[:, {', '.join(ends)}, :]"
