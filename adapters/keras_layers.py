"""Keras: ``keras.layers.Conv{1,2,3}DTranspose`` and ``keras.ops.conv_transpose``, on each of its backends.

A backend is an entry of ``BACKENDS``; an adapter is a way of calling on a backend.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from adapters.base import Adapter, Limit, Program, Tensor, call
from adapters.limits import (
    no_complex,
    no_crop_without_answer,
    no_gradient,
    no_groups,
    no_output_padding_without_answer,
    no_periodic,
)
from adapters.padding import geometry
from adapters.tensorflow_nn import no_channels_first_on_cpu, no_dilation_on_cpu
from cases.case import Case
from cases.dtypes import DTYPES

__all__ = ["BACKENDS", "Backend", "KerasLayers", "KerasOps"]

_LAYERS = "https://keras.io/api/layers/convolution_layers/convolution2d_transpose/"
_OPS = "https://keras.io/api/ops/nn/#conv_transpose-function"
_BACKENDS = "https://keras.io/getting_started/#configuring-your-backend"


@dataclass(frozen=True)
class _Gradient:
    """How a backend differentiates: lines from what is called to the gradients.

    ``expression`` makes ``y`` from ``sources``; ``function`` is ``expression`` as the body of a function of
    ``names``, which stand for the sources.
    """

    expression: str
    sources: tuple[str, ...]
    function: str
    names: tuple[str, ...]
    targets: str
    dtype: str


def _tape(g: _Gradient) -> list[str]:
    return [
        "with tf.GradientTape() as tape:",
        f"    tape.watch([{', '.join(g.sources)}])",
        f"    y = {g.expression}",
        f'dy = tf.cast(tf.constant(dy), "{g.dtype}")',
        f"{g.targets} = tape.gradient(y, [{', '.join(g.sources)}], dy)",
    ]


def _autograd(g: _Gradient) -> list[str]:
    return [
        ", ".join(f"{source}.requires_grad_()" for source in g.sources),
        f"y = {g.expression}",
        f'dy = keras.ops.convert_to_tensor(dy, dtype="{g.dtype}")',
        f"{g.targets} = torch.autograd.grad(y, [{', '.join(g.sources)}], dy)",
    ]


def _vjp(g: _Gradient) -> list[str]:
    return [
        f"def forward({', '.join(g.names)}):",
        f"    return {g.function}",
        "",
        f"y, pull_back = jax.vjp(forward, {', '.join(g.sources)})",
        f'{g.targets} = pull_back(keras.ops.convert_to_tensor(dy, dtype="{g.dtype}"))',
    ]


@dataclass(frozen=True)
class Backend:
    """One backend of Keras.

    Attributes
    ----------
    packages : tuple of str
        Beside keras.
    environment : mapping
        Variables beside KERAS_BACKEND.
    imports : tuple of str
        Beside keras.
    gradient : callable or None
        How it differentiates; None where it does not.
    limits : tuple of Limit
        Beside those of the interface.
    half : str
        What it promises for f16 and bf16 without a bias; see the adapter of the framework itself.
    """

    packages: tuple[str, ...]
    environment: Mapping[str, str]
    imports: tuple[str, ...]
    gradient: Callable[[_Gradient], list[str]] | None
    limits: tuple[Limit, ...] = ()
    half: str = "fp32-acc"


_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
_JAX = {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}

BACKENDS: dict[str, Backend] = {
    "tensorflow": Backend(
        ("tensorflow",),
        _QUIET,
        ("import tensorflow as tf",),
        _tape,
        (no_channels_first_on_cpu(onednn=True), no_dilation_on_cpu(onednn=True)),
        "storage-acc",
    ),
    "torch": Backend(("torch",), {}, ("import torch",), _autograd, half="storage-acc"),
    "jax": Backend(("jax", "jaxlib"), _JAX, ("import jax",), _vjp),
    # Its convolutions are JAX's.
    "numpy": Backend(("numpy", "jax"), _JAX, (), None, (no_gradient(_BACKENDS),)),
    "openvino": Backend(("openvino",), {}, (), None, (no_gradient(_BACKENDS),)),
}


def _word(case: Case) -> str | None:
    """Keras's own word for a padding; without output_padding ``same_upper`` is ``same`` (R13 and R6 agree)."""
    if case.padding == "same_upper" and case.output_padding is None:
        return "same"
    return str(case.padding) if case.padding in ("valid", "same") else None


def _cut_beyond(case: Case) -> bool:
    found = geometry(case)
    return (
        found is not None
        and _word(case) is None
        and any(
            low < 0 or low + size > max(axis.full_size, axis.input_size * axis.stride)
            for axis, (low, _), size in zip(found.axes, found.crop, found.output_size, strict=True)
        )
    )


def _interface_limits(source: str) -> tuple[Limit, ...]:
    return (
        no_groups(source),
        no_periodic(source),
        Limit(
            "unsupported",
            "output_padding",
            lambda case: (
                case.output_padding is not None
                and _word(case) is not None
                and any(o >= s for o, s in zip(case.output_padding, case.stride, strict=True))
            ),
            "output_padding must be lower than the stride along the same dimension",
            source,
        ),
        Limit(
            "inexpressible",
            "padding",
            _cut_beyond,
            "nothing is cropped by words; zeros beyond the result cannot be asked for",
            source,
        ),
        no_crop_without_answer(source),
        Limit(
            "inexpressible",
            "output_padding",
            lambda case: _word(case) is None and no_output_padding_without_answer(source).applies(case),
            "output_padding has no meaning beside a crop of the adapter's",
            source,
        ),
        no_complex("https://keras.io/api/mixed_precision/policy/"),
    )


class _Keras(Adapter):
    """What layers and operations share; explicit crops, for which they have no words, are cut from ``valid``."""

    extra = "keras"
    backend: ClassVar[str]
    bias_in_storage = True

    def __init_subclass__(cls) -> None:
        """Derive the declarations that the backend makes."""
        if not hasattr(cls, "backend"):
            return
        backend = BACKENDS[cls.backend]
        cls.packages = ("keras", *backend.packages)
        cls.environment = {"KERAS_BACKEND": cls.backend, **backend.environment}
        cls.limits = (*cls.interface_limits, *backend.limits)
        cls.promises = {**Adapter.promises, "f16": backend.half, "bf16": backend.half}

    interface_limits: ClassVar[tuple[Limit, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self._keras: Any = importlib.import_module("keras")

    def export(self, value: Any) -> Tensor:
        """Take a tensor out of whichever backend it is of."""
        name = self._keras.backend.standardize_dtype(value.dtype)
        array = np.asarray(self._keras.ops.convert_to_numpy(value))
        dtype = next((d for d in DTYPES.values() if d.label == name), None)
        return Tensor.of(array) if dtype is None else Tensor(array.astype(dtype.carrier), dtype.name)

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text of `export`."""
        widened = ".astype(np.float32)" if case.dtype == "bf16" else ""
        return f"keras.ops.convert_to_numpy({name}){widened}"

    def setup_lines(self) -> tuple[str, ...]:
        """Variables and imports."""
        variables = [f'os.environ["{name}"] = "{value}"' for name, value in self.environment.items()]
        return ("import os", *variables, "import keras", *BACKENDS[self.backend].imports)

    def finish(self, case: Case, expression: str, sources: tuple[str, ...], function: str) -> list[str]:
        """The lines that leave the answer."""
        if case.direction == "fwd":
            return [f"y = {expression}"]
        differentiate = BACKENDS[self.backend].gradient
        assert differentiate is not None  # declared as a limit
        count = 2 + case.bias
        names = ("x", "w", "bias")[:count]
        targets = ", ".join(("dx", "dw", "db")[:count])
        return differentiate(_Gradient(expression, sources[:count], function, names, targets, case.format.label))


def _to_keras(case: Case) -> tuple[int, ...]:
    return (*range(2, case.rank + 2), 1, 0)


class KerasLayers(_Keras):
    """The layers."""

    documentation = _LAYERS
    interface_limits = (
        *_interface_limits(_LAYERS),
        Limit(
            "unsupported",
            "dilation",
            lambda case: max(case.stride) > 1 and max(case.dilation) > 1,
            "strides > 1 is incompatible with dilation_rate > 1",
            _LAYERS,
        ),
    )

    def layer(self, case: Case) -> list[str]:
        """The lines that make the layer and put the weights in."""
        word = _word(case)
        arguments = [
            ("filters", case.out_channels),
            ("kernel_size", case.kernel_size),
            ("strides", case.stride),
            ("padding", repr(word or "valid")),
            ("output_padding", case.output_padding if word else None),
            ("data_format", repr(case.layout)),
            ("dilation_rate", case.dilation),
            ("use_bias", case.bias),
            ("dtype", repr(case.format.label)),
        ]
        return ["layer = " + call(f"keras.layers.Conv{case.rank}DTranspose", arguments)]

    def program(self, case: Case) -> Program:
        """Write the call."""
        body = [
            *self.layer(case),
            f'x = keras.ops.convert_to_tensor(x, dtype="{case.format.label}")',
            "layer.build(x.shape)",
            f"layer.kernel.assign(np.ascontiguousarray(np.transpose(w, {_to_keras(case)})))  # (*k, Cout, Cin)",
            *["layer.bias.assign(bias)"] * case.bias,
        ]
        cut = "" if _word(case) else _cut(case)
        weights = "[w, bias]" if case.bias else "[w]"
        body += self.finish(
            case,
            f"layer(x){cut}",
            ("x", "layer.kernel.value", "layer.bias.value"),
            f"layer.stateless_call({weights}, [], x)[0]{cut}",
        )
        if case.direction == "grad":
            body.append(f"dw = keras.ops.transpose(dw, {(case.rank + 1, case.rank, *range(case.rank))})")
        return Program(self.setup_lines(), tuple(body))


class KerasOps(_Keras):
    """``keras.ops.conv_transpose``; the bias is added to its result."""

    documentation = _OPS
    interface_limits = _interface_limits(_OPS)

    def program(self, case: Case) -> Program:
        """Write the call."""
        word = _word(case)
        names = ["x", "w", "bias"][: 2 + case.bias]
        body = [f'{name} = keras.ops.convert_to_tensor({name}, dtype="{case.format.label}")' for name in names]
        convolve = call(
            "keras.ops.conv_transpose",
            [
                ("", "x"),
                ("", f"keras.ops.transpose(w, {_to_keras(case)})"),
                ("strides", case.stride),
                ("padding", repr(word or "valid")),
                ("output_padding", case.output_padding if word else None),
                ("data_format", repr(case.layout)),
                ("dilation_rate", case.dilation),
            ],
            width=10_000,
        ) + ("" if word else _cut(case))
        if case.bias:
            shape = (-1, *(1,) * case.rank) if case.layout == "channels_first" else (-1,)
            convolve += f" + keras.ops.reshape(bias, {shape})"
        return Program(self.setup_lines(), (*body, *self.finish(case, convolve, ("x", "w", "bias"), convolve)))


def _cut(case: Case) -> str:
    """The slices that take the answer out of the ``valid`` result, which starts where the full result does."""
    found = geometry(case)
    if found is None:
        return ""
    ends = ", ".join(f"{low}:{low + size}" for (low, _), size in zip(found.crop, found.output_size, strict=True))
    return f"[:, :, {ends}]" if case.layout == "channels_first" else f"[:, {ends}, :]"


class KerasTensorFlow(KerasLayers):
    """The layers on TensorFlow."""

    name = "keras-tensorflow"
    backend = "tensorflow"


class KerasTorch(KerasLayers):
    """The layers on PyTorch."""

    name = "keras-torch"
    backend = "torch"


class KerasJax(KerasLayers):
    """The layers on JAX."""

    name = "keras-jax"
    backend = "jax"


class KerasNumpy(KerasLayers):
    """The layers on NumPy."""

    name = "keras-numpy"
    backend = "numpy"


class KerasOpenvino(KerasLayers):
    """The layers on OpenVINO."""

    name = "keras-openvino"
    backend = "openvino"


class KerasComputeOutputShape(KerasLayers):
    """``compute_output_shape`` of the layers: what Keras says the output's shape is."""

    name = "keras-compute-output-shape"
    documentation = "https://keras.io/api/layers/base_layer/"
    backend = "jax"
    interface_limits = (
        *KerasLayers.interface_limits,
        Limit("inexpressible", "padding", lambda case: _word(case) is None, "it knows nothing of a crop", _LAYERS),
    )
    shape_only = True

    def program(self, case: Case) -> Program:
        """Ask the layer for the shape."""
        body = [*self.layer(case), f"shape = layer.compute_output_shape({case.input_shape})"]
        return Program(self.setup_lines(), tuple(body))


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
