"""tinygrad: ``Tensor.conv_transpose2d``, for any number of axes, which the layers of ``tinygrad.nn`` call."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from .frames import attribute_path, layers
from .patches import Patches
from .plain import call, named

__all__ = ["install"]

_NAMES = ("self", "weight", "bias", "groups", "stride", "dilation", "padding", "output_padding")


def install(tensor: ModuleType, patches: Patches) -> None:
    """Wrap the method."""
    patches.wrap(tensor.Tensor, "conv_transpose2d", _describe)


def _describe(args: Any, kwargs: Any) -> dict[str, Any]:
    running = layers(_is_layer)
    api = "tinygrad.Tensor.conv_transpose2d"
    name = attribute_path(running[-1], running[0]) if running else None
    # Reading values would compute what the program leaves uncomputed.
    return call(api, api, named(_NAMES, args, kwargs), name=name, readable=False)


def _is_layer(value: Any) -> bool:
    """A layer of tinygrad, or an object of the program that is called: models have no base class."""
    module = type(value).__module__
    return module.startswith("tinygrad.nn") or (
        module in sys.modules and callable(value) and hasattr(value, "__dict__")
    )
