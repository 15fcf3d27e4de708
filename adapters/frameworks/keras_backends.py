"""What every way of calling Keras shares: its backends, its limits and its words.

A backend is an entry of ``BACKENDS``; ``keras_layers`` and ``keras_ops`` are the ways of calling one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from conformance.adapters.base import Adapter, DocumentedRefusal, Limit, Tensor
from conformance.adapters.frameworks.common_limits import (
    no_complex,
    no_crop_for_invalid_cases,
    no_dtype,
    no_gradient,
    no_groups,
    no_output_padding_for_invalid_cases,
    no_periodic,
)
from conformance.adapters.frameworks.jax_lax import second_order
from conformance.adapters.frameworks.onnx_models import OPENVINO_CPU
from conformance.adapters.frameworks.padding import geometry
from conformance.adapters.frameworks.refusals import tensorflow_on_cpu, torch_on_cpu
from conformance.adapters.frameworks.tensorflow_nn import tape_lines
from conformance.adapters.frameworks.torch_functional import gradient_lines
from conformance.cases.case import Case
from conformance.cases.dtypes import DTYPES

__all__ = [
    "BACKENDS",
    "LAYERS",
    "OPS",
    "Backend",
    "KerasAdapter",
    "common_limits",
    "crop_slices",
    "padding_keyword",
    "to_keras",
]

LAYERS = "https://keras.io/api/layers/convolution_layers/convolution2d_transpose/"
OPS = "https://keras.io/api/ops/nn/#conv_transpose-function"
_BACKENDS = "https://keras.io/getting_started/#configuring-your-backend"


@dataclass(frozen=True)
class _Gradient:
    """What a backend differentiates, in lines from what is called to the gradients.

    ``expression`` makes ``y`` from ``sources``; ``function`` is ``expression`` as the body of a function of
    ``names``, which stand for the sources.
    """

    case: Case
    expression: str
    sources: tuple[str, ...]
    function: str
    names: tuple[str, ...]

    def convert(self, name: str) -> str:
        """A tensor of an array."""
        return f'keras.ops.convert_to_tensor({name}, dtype="{self.case.format.label}")'


def _tape(g: _Gradient) -> list[str]:
    return tape_lines(g.case, g.expression, g.sources)


def _autograd(g: _Gradient) -> list[str]:
    return [
        ", ".join(f"{source}.requires_grad_()" for source in g.sources),
        f"y = {g.expression}",
        *gradient_lines(g.case, g.sources, g.convert),
    ]


def _vjp(g: _Gradient) -> list[str]:
    return [
        f"def forward({', '.join(g.names)}):",
        f"    return {g.function}",
        "",
        *(
            second_order(g.case, "forward", g.names, g.sources, g.convert)
            if g.case.direction == "grad2"
            else (
                f"y, pull_back = jax.vjp(forward, {', '.join(g.sources)})",
                f"{', '.join(g.case.outputs)} = pull_back({g.convert('dy')})",
            )
        ),
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
    refusals : tuple of DocumentedRefusal
        The backend's error messages that stand for a documented limit.
    lazy : bool
        Whether a tensor is computed no sooner than it is read, so that the call is not over before.
    """

    packages: tuple[str, ...]
    environment: Mapping[str, str]
    imports: tuple[str, ...]
    gradient: Callable[[_Gradient], list[str]] | None
    limits: tuple[Limit, ...] = ()
    half: str = "fp32-acc"
    refusals: tuple[DocumentedRefusal, ...] = ()
    lazy: bool = False


_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
_JAX = {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}

BACKENDS: dict[str, Backend] = {
    "tensorflow": Backend(
        ("tensorflow",),
        _QUIET,
        ("import tensorflow as tf",),
        _tape,
        half="storage-acc",
        refusals=tensorflow_on_cpu(),
    ),
    "torch": Backend(("torch",), {}, ("import torch",), _autograd, half="storage-acc", refusals=torch_on_cpu()),
    "jax": Backend(("jax", "jaxlib"), _JAX, ("import jax",), _vjp),
    # Its convolutions are JAX's.
    "numpy": Backend(("numpy", "jax"), _JAX, (), None, (no_gradient(_BACKENDS),)),
    "openvino": Backend(
        ("openvino",), {}, (), None, (no_gradient(_BACKENDS), no_dtype(OPENVINO_CPU, "f64")), lazy=True
    ),
}


def padding_keyword(case: Case) -> str | None:
    """Keras's own word for a padding; without output_padding ``same_upper`` is ``same`` (R13 and R6 agree)."""
    if case.padding == "same_upper" and case.output_padding is None:
        return "same"
    return str(case.padding) if case.padding in ("valid", "same") else None


def _cut_beyond(case: Case) -> bool:
    found = geometry(case)
    return (
        found is not None
        and padding_keyword(case) is None
        and any(
            low < 0 or low + size > max(axis.full_size, axis.input_size * axis.stride)
            for axis, (low, _), size in zip(found.axes, found.crop, found.output_size, strict=True)
        )
    )


def common_limits(source: str) -> tuple[Limit, ...]:
    return (
        no_groups(source),
        no_periodic(source),
        Limit(
            "unsupported",
            "output_padding",
            lambda case: (
                case.output_padding is not None
                and padding_keyword(case) is not None
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
        no_crop_for_invalid_cases(source),
        Limit(
            "inexpressible",
            "output_padding",
            lambda case: (
                padding_keyword(case) is None and no_output_padding_for_invalid_cases(source).applies(case)
            ),
            "output_padding has no meaning beside a crop of the adapter's",
            source,
        ),
        no_complex("https://keras.io/api/mixed_precision/policy/"),
    )


class KerasAdapter(Adapter):
    """What layers and operations share; explicit crops, for which they have no words, are cut from ``valid``."""

    extra = "keras"
    second_order = True
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
        cls.refusals = backend.refusals
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
        backend = BACKENDS[self.backend]
        if case.direction == "fwd":
            return [f"y = keras.ops.convert_to_numpy({expression})" if backend.lazy else f"y = {expression}"]
        differentiate = backend.gradient
        assert differentiate is not None  # declared as a limit
        count = 2 + case.bias
        names = ("x", "w", "bias")[:count]
        return differentiate(_Gradient(case, expression, sources[:count], function, names))


def to_keras(case: Case) -> tuple[int, ...]:
    return (*range(2, case.rank + 2), 1, 0)


def crop_slices(case: Case) -> str:
    """The slices that take the answer out of the ``valid`` result, which starts where the full result does."""
    found = geometry(case)
    if found is None:
        return ""
    ends = ", ".join(f"{low}:{low + size}" for (low, _), size in zip(found.crop, found.output_size, strict=True))
    return f"[:, :, {ends}]" if case.layout == "channels_first" else f"[:, {ends}, :]"
