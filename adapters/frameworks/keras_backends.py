"""What every way of calling Keras shares: backends, limits and parameters.

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
from conformance.adapters.frameworks.torch_gradients import gradient_lines
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
    """What a backend differentiates.

    ``expression`` computes ``y`` from ``sources``; ``function`` is the same as the body of a function whose
    parameters ``names`` stand for the sources.
    """

    case: Case
    expression: str
    sources: tuple[str, ...]
    function: str
    names: tuple[str, ...]

    def convert(self, name: str) -> str:
        """An array as a tensor."""
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


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One backend of Keras.

    Attributes
    ----------
    packages : tuple of str
        Distributions besides keras.
    environment : mapping
        Variables besides KERAS_BACKEND.
    imports : tuple of str
        Import lines besides that of keras.
    gradient : callable or None
        How it differentiates; None where it does not.
    limits : tuple of Limit
        Limits besides those of the interface.
    half : str
        What it promises for f16 and bf16 without a bias; see the adapter of the framework itself.
    refusals : tuple of DocumentedRefusal
        The backend's error messages that state a documented limit.
    lazy : bool
        Whether a tensor is computed only when it is read, so that a program must read it.
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
        packages=("tensorflow",),
        environment=_QUIET,
        imports=("import tensorflow as tf",),
        gradient=_tape,
        half="storage-acc",
        refusals=tensorflow_on_cpu(),
    ),
    "torch": Backend(
        packages=("torch",),
        environment={},
        imports=("import torch",),
        gradient=_autograd,
        half="storage-acc",
        refusals=torch_on_cpu(),
    ),
    "jax": Backend(packages=("jax", "jaxlib"), environment=_JAX, imports=("import jax",), gradient=_vjp),
    # Its convolutions are JAX's.
    "numpy": Backend(
        packages=("numpy", "jax"), environment=_JAX, imports=(), gradient=None, limits=(no_gradient(_BACKENDS),)
    ),
    "openvino": Backend(
        packages=("openvino",),
        environment={},
        imports=(),
        gradient=None,
        limits=(no_gradient(_BACKENDS), no_dtype(OPENVINO_CPU, "f64")),
        lazy=True,
    ),
}


def padding_keyword(case: Case) -> str | None:
    """Keras's name for a padding, if any; without output_padding ``same_upper`` is ``same`` (R13 and R6 agree)."""
    if case.padding == "same_upper" and case.output_padding is None:
        return "same"
    return str(case.padding) if case.padding in ("valid", "same") else None


def _needs_zeros_beyond_valid(case: Case) -> bool:
    """Whether the output reaches outside that of ``valid``, from which the adapter slices it."""
    solved = geometry(case)
    return (
        solved is not None
        and padding_keyword(case) is None
        and any(
            low < 0 or low + size > max(axis.full_size, axis.input_size * axis.stride)
            for axis, (low, _), size in zip(solved.axes, solved.crop, solved.output_size, strict=True)
        )
    )


def common_limits(source: str) -> tuple[Limit, ...]:
    """The limits that layers and operations share."""
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
            _needs_zeros_beyond_valid,
            "the interface has no explicit padding; it cannot express zeros beyond the full output",
            source,
        ),
        no_crop_for_invalid_cases(source),
        Limit(
            "inexpressible",
            "output_padding",
            lambda case: (
                padding_keyword(case) is None and no_output_padding_for_invalid_cases(source).applies(case)
            ),
            "output_padding has no meaning where the adapter itself slices the crop",
            source,
        ),
        no_complex("https://keras.io/api/mixed_precision/policy/"),
    )


class KerasAdapter(Adapter):
    """What layers and operations share; they cannot express explicit crops, which are sliced from ``valid``."""

    extra = "keras"
    settings_files = ("~/.keras/keras.json",)
    second_order = True
    backend: ClassVar[str]
    bias_in_storage = True

    def __init_subclass__(cls) -> None:
        """Derive the declarations from those of the backend."""
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
        """Convert a tensor of any backend."""
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
        """The lines that assign the outputs."""
        backend = BACKENDS[self.backend]
        if case.direction == "fwd":
            return [f"y = keras.ops.convert_to_numpy({expression})" if backend.lazy else f"y = {expression}"]
        differentiate = backend.gradient
        assert differentiate is not None  # declared as a limit
        count = 2 + case.bias
        names = ("x", "w", "bias")[:count]
        return differentiate(_Gradient(case, expression, sources[:count], function, names))


def to_keras(case: Case) -> tuple[int, ...]:
    """The permutation from (Cin, Cout/G, \\*k) to Keras's (\\*k, Cout, Cin)."""
    return (*range(2, case.rank + 2), 1, 0)


def crop_slices(case: Case) -> str:
    """The slices that take the output from that of ``valid``, which starts where the full output does."""
    solved = geometry(case)
    if solved is None:
        return ""
    ends = ", ".join(f"{low}:{low + size}" for (low, _), size in zip(solved.crop, solved.output_size, strict=True))
    return f"[:, :, {ends}]" if case.layout == "channels_first" else f"[:, {ends}, :]"
