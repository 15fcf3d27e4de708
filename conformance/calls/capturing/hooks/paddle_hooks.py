"""PaddlePaddle: ``paddle.nn.functional.conv1d_transpose`` to ``3d``, which the layers of ``paddle.nn`` call."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any

from .frames import attribute_path, layers
from .patches import Patches
from .plain import call, named

__all__ = ["install"]

_FIRST = ("x", "weight", "bias", "stride", "padding", "output_padding")
_LAST = ("output_size", "data_format", "name")


def install(functional: ModuleType, patches: Patches) -> None:
    """Wrap the functions."""
    for rank in (1, 2, 3):
        # The two-dimensional function has these two the other way round.
        names = (*_FIRST, *(("dilation", "groups") if rank == 2 else ("groups", "dilation")), *_LAST)
        patches.wrap(functional, f"conv{rank}d_transpose", functools.partial(_describe, rank, names))


def _describe(rank: int, names: tuple[str, ...], args: Any, kwargs: Any) -> dict[str, Any]:
    arguments = named(names, args, kwargs)
    running = layers(_is_layer)
    api = f"paddle.nn.functional.conv{rank}d_transpose"
    name = attribute_path(_parts(running[-1]), running[0]) if running else None
    return call(api, api, arguments, name=name)


def _parts(layer: Any) -> Any:
    """A layer's layers, which it does not hold as attributes."""
    parts = getattr(layer, "_sub_layers", None)
    return {name: _parts(part) or part for name, part in parts.items()} if parts else layer


def _is_layer(value: Any) -> bool:
    layer = getattr(sys.modules.get("paddle.nn"), "Layer", None)
    return layer is not None and isinstance(value, layer)
