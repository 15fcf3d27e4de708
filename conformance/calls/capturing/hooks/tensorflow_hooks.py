"""TensorFlow: ``tf.nn`` and the raw operations, run at once or traced by ``tf.function``."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any

from .frames import is_user_file, user_line
from .patches import Patches
from .plain import call, named, plain

__all__ = ["circumstances", "install"]

_ARGUMENTS = ("input", "filters", "output_shape", "strides", "padding", "data_format", "dilations", "name")
_V1 = (
    "value",
    "filter",
    "output_shape",
    "strides",
    "padding",
    "data_format",
    "name",
    "input",
    "filters",
    "dilations",
)
_RAW = {"Conv2DBackpropInput": 2, "Conv3DBackpropInputV2": 3}


def install(tf: ModuleType, patches: Patches) -> None:
    """Wrap the public functions."""
    for name in ("conv1d_transpose", "conv2d_transpose", "conv3d_transpose", "conv_transpose"):
        patches.wrap(tf.nn, name, functools.partial(_describe, tf, f"tf.nn.{name}", _ARGUMENTS))
    name = "conv2d_transpose"
    patches.wrap(tf.compat.v1.nn, name, functools.partial(_describe, tf, f"tf.compat.v1.nn.{name}", _V1))
    for name, rank in _RAW.items():
        patches.wrap(tf.raw_ops, name, functools.partial(_describe_raw, tf, f"tf.raw_ops.{name}", rank))


def _describe(tf: Any, api: str, names: tuple[str, ...], args: Any, kwargs: Any) -> dict[str, Any]:
    arguments = named(names, args, kwargs)
    arguments.pop("name", None)
    tensors = ("value", "filter") if "value" in arguments else ("input", "filters")
    return _call(tf, api, api, arguments, tensors)


def _describe_raw(tf: Any, api: str, rank: int, args: Any, kwargs: Any) -> dict[str, Any] | None:
    """A raw operation, which takes keyword arguments; its padding EXPLICIT has the pairs in another argument."""
    padding = kwargs["padding"]
    pads = plain(kwargs.get("explicit_paddings") or [])
    padding = [pads[at : at + 2] for at in range(0, len(pads), 2)] if padding == "EXPLICIT" else padding
    arguments = {
        "input": kwargs["out_backprop"],
        "filters": kwargs.get("filter"),
        "output_shape": kwargs["input_sizes"],
        "strides": kwargs["strides"],
        "padding": padding,
        "data_format": kwargs.get("data_format") or ("NHWC", "NDHWC")[rank - 2],
        "dilations": kwargs.get("dilations"),
    }
    return _call(tf, api, f"tf.nn.conv{rank}d_transpose", arguments, ("input", "filters"))


def _call(tf: Any, api: str, form: str, arguments: dict[str, Any], tensors: tuple[str, str]) -> dict[str, Any]:
    for name in tensors:  # the functions take nested lists too
        if not hasattr(arguments[name], "dtype"):
            arguments[name] = tf.convert_to_tensor(arguments[name])
    shape = arguments["output_shape"]
    if tf.is_tensor(shape):
        known = tf.get_static_value(shape, partial=True)
        arguments["output_shape"] = (
            None if known is None else [None if size is None else int(size) for size in known]
        )
    return call(api, form, arguments, **circumstances(tf))


def circumstances(tf: Any) -> dict[str, Any]:
    """Whether ``tf.function`` traces the program, and whether a tape records it for a gradient."""
    recording = getattr(sys.modules.get("tensorflow.python.eager.record"), "could_possibly_record", bool)
    return {
        "where": _mapped_line(),
        "traced": None if tf.executing_eagerly() else "tf.function",
        "gradient": "called under tf.GradientTape" if recording() else None,
    }


def _mapped_line() -> list[Any] | None:
    """The user's line where the code that runs is AutoGraph's; TensorFlow's own stack traces have the user's."""
    line = user_line()
    stack = sys.modules.get("tensorflow.python.util.tf_stack")
    if line is None or "__autograph_generated_file" not in line[0] or stack is None:
        return line
    users = [[entry.filename, entry.lineno] for entry in stack.extract_stack() if is_user_file(entry.filename)]
    return users[-1] if users else None
