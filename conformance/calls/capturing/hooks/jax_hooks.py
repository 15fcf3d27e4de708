"""JAX: ``jax.lax``, which Flax, Haiku and Equinox call too; a call is seen when a program is traced."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from .frames import attribute_path, layers
from .patches import Patches
from .plain import call, named, plain

__all__ = ["circumstances", "install"]

_CONV_TRANSPOSE = ("lhs", "rhs", "strides", "padding", "rhs_dilation", "dimension_numbers", "transpose_kernel")
_CONV_GENERAL = (
    "lhs", "rhs", "window_strides", "padding", "lhs_dilation", "rhs_dilation", "dimension_numbers",
    "feature_group_count", "batch_group_count",
)  # fmt: skip
_NOT_OF_A_CASE = ("precision", "out_sharding")
_GRADIENT_TRACERS = ("JVPTracer", "LinearizeTracer")


def install(jax: ModuleType, patches: Patches) -> None:
    """Wrap the two functions of ``jax.lax``."""
    for name, names in (("conv_transpose", _CONV_TRANSPOSE), ("conv_general_dilated", _CONV_GENERAL)):
        patches.wrap(jax.lax, name, functools.partial(_describe, jax, f"jax.lax.{name}", names))


def _describe(jax: Any, api: str, names: tuple[str, ...], args: Any, kwargs: Any) -> dict[str, Any] | None:
    arguments = {key: value for key, value in named(names, args, kwargs).items() if key not in _NOT_OF_A_CASE}
    running = layers(_is_layer)
    if api.endswith("dilated"):
        steps = arguments.get("lhs_dilation")
        named_so = bool(running) and type(running[0]).__name__.startswith("ConvTranspose")
        if steps is None or not (named_so or any(step != 1 for step in steps)):
            return None  # an ordinary convolution
        lhs = arguments["lhs"]
        arguments["dimension_numbers"] = _written(jax, lhs, arguments)
        if isinstance(arguments["padding"], str):
            arguments["padding"] = _pairs(jax, arguments)
    elif arguments.get("dimension_numbers") is not None:
        arguments["dimension_numbers"] = _written(jax, arguments["lhs"], arguments)
    return call(api, api, arguments, name=_name(running), **circumstances(arguments["lhs"], arguments["rhs"]))


def circumstances(*tensors: Any) -> dict[str, Any]:
    """What the tracers among some tensors say: which transformation of JAX calls the function."""
    tracers = {type(tracer).__name__: tracer for value in tensors for tracer in _chain(value)}
    size = _mapped_size(tracers.get("BatchTracer"))
    differentiated = any(name in tracers for name in _GRADIENT_TRACERS)
    return {
        "traced": "jax.jit" if "DynamicJaxprTracer" in tracers else None,
        "gradient": "called under jax.grad or another derivative of JAX" if differentiated else None,
        "notes": [f"called under jax.vmap; the case is one of {size} examples"] if size else [],
    }


def _written(jax: Any, lhs: Any, arguments: dict[str, Any]) -> Any:
    """The dimension numbers as three strings."""
    given = arguments.get("dimension_numbers")
    if given is None or (isinstance(given, (tuple, list)) and all(isinstance(item, str) for item in given)):
        return given
    numbers = jax.lax.conv_dimension_numbers(lhs.shape, arguments["rhs"].shape, given)

    def letters(order: Any, first: str) -> str:
        spatial = "DHW"[-(len(order) - 2) :]
        by_axis = dict(zip(order, first + spatial, strict=True))
        return "".join(by_axis[axis] for axis in range(len(order)))

    return [letters(numbers.lhs_spec, "NC"), letters(numbers.rhs_spec, "OI"), letters(numbers.out_spec, "NC")]


def _pairs(jax: Any, arguments: dict[str, Any]) -> Any:
    """What SAME or VALID mean for ``conv_general_dilated``: its documentation pads the input without its zeros."""
    lhs, rhs = arguments["lhs"], arguments["rhs"]
    numbers = jax.lax.conv_dimension_numbers(lhs.shape, rhs.shape, arguments.get("dimension_numbers"))
    steps = arguments.get("rhs_dilation") or (1,) * (len(rhs.shape) - 2)
    kernel = [(rhs.shape[axis] - 1) * step + 1 for axis, step in zip(numbers.rhs_spec[2:], steps, strict=True)]
    sizes = [lhs.shape[axis] for axis in numbers.lhs_spec[2:]]
    return plain(jax.lax.padtype_to_pads(sizes, kernel, arguments["window_strides"], arguments["padding"]))


def _chain(value: Any) -> Iterator[Any]:
    """A tracer and those inside it."""
    while type(value).__name__.endswith("Tracer"):
        yield value
        value = getattr(value, "primal", getattr(value, "val", None))


def _mapped_size(tracer: Any) -> int | None:
    axis = getattr(tracer, "batch_dim", None)
    return tracer.val.shape[axis] if type(axis) is int else None


def _is_layer(value: Any) -> bool:
    """Whether a value is a module of Flax, Haiku or Equinox; not one that Equinox wraps a function in."""
    return not type(value).__module__.startswith("equinox._") and any(
        isinstance(value, sys.modules[module].Module)
        for module in ("flax.linen", "flax.nnx", "haiku", "equinox")
        if hasattr(sys.modules.get(module), "Module")
    )


def _name(running: list[Any]) -> str | None:
    if not running:
        return None
    layer = running[0]
    if hasattr(layer, "module_name"):  # Haiku
        return str(layer.module_name).replace("/~/", ".").replace("/", ".")
    path = getattr(layer, "path", None)
    if isinstance(path, tuple):  # Flax's linen
        return ".".join(path)
    return attribute_path(running[-1], layer)
