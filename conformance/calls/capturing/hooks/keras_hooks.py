"""Keras on every backend: its layers, and ``keras.ops.conv_transpose``."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any

from . import jax_hooks, tensorflow_hooks
from .patches import Patches
from .plain import call, named

__all__ = ["describe_layer", "install"]

_LAYERS = tuple(f"Conv{rank}DTranspose" for rank in (1, 2, 3))
_OPS = ("inputs", "kernel", "strides", "padding", "output_padding", "data_format", "dilation_rate")
_SETTINGS = (
    "filters", "kernel_size", "strides", "padding", "output_padding", "data_format", "dilation_rate", "use_bias",
)  # fmt: skip


def install(keras: ModuleType, patches: Patches) -> None:
    """Wrap ``call`` of the layers' common base class, and the function wherever it can be found."""
    layers = [getattr(keras.layers, name) for name in _LAYERS]
    for owner in {next(base for base in layer.__mro__ if "call" in vars(base)) for layer in layers}:
        patches.wrap(owner, "call", functools.partial(_describe_layer, keras))
    original = keras.ops.conv_transpose
    wrapper = patches.wrapper(original, functools.partial(_describe_ops, keras))
    for name in ("keras.ops", "keras.ops.nn", "keras.src.ops", "keras.src.ops.nn"):
        module = sys.modules.get(name)
        if getattr(module, "conv_transpose", None) is original:
            patches.replace(module, "conv_transpose", wrapper)


def _describe_layer(keras: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    layer, inputs = args[0], args[1] if len(args) > 1 else kwargs["inputs"]
    if _is_symbolic(keras, inputs):
        return {}
    around = _circumstances(keras, inputs, getattr(layer.kernel, "value", None))
    return describe_layer(keras, layer, inputs, **around)


def describe_layer(keras: Any, layer: Any, inputs: Any = None, **around: Any) -> dict[str, Any]:
    """A layer with its settings, and what else is known of the call."""
    name = next(base.__name__ for base in type(layer).__mro__ if base.__name__ in _LAYERS)
    arguments = {setting: getattr(layer, setting) for setting in _SETTINGS}
    activation = layer.activation
    notes = []
    if activation is not None and activation is not keras.activations.linear:
        notes.append(f"the activation {getattr(activation, '__name__', activation)} follows; it is not compared")
    notes += around.pop("notes", [])
    api = f"keras.layers.{name}"
    return call(api, api, {**arguments, "inputs": inputs}, name=layer.name, notes=notes, **around)


def _describe_ops(keras: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    arguments = named(_OPS, args, kwargs)
    if _is_symbolic(keras, arguments["inputs"]):
        return {}
    if arguments.get("data_format") is None:
        arguments["data_format"] = keras.config.image_data_format()
    api = "keras.ops.conv_transpose"
    return call(api, api, arguments, **_circumstances(keras, arguments["inputs"], arguments["kernel"]))


def _is_symbolic(keras: Any, value: Any) -> bool:
    """Whether no number is computed: a model is built, or only the shape of an output is wanted."""
    if isinstance(value, keras.KerasTensor):
        return True
    scope = sys.modules.get("keras.src.backend.common.symbolic_scope")
    return scope is not None and bool(scope.in_symbolic_scope())


def _circumstances(keras: Any, inputs: Any, kernel: Any) -> dict[str, Any]:
    """What the backend's own hooks find out."""
    backend = keras.backend.backend()
    if backend == "jax":
        return jax_hooks.circumstances(inputs, kernel)
    return tensorflow_hooks.circumstances(sys.modules["tensorflow"]) if backend == "tensorflow" else {}
