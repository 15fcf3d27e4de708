"""MLX: ``mlx.core.conv_transpose1d`` to ``3d``, which the layers of ``mlx.nn`` call."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any

from .frames import attribute_path, layers
from .patches import Patches
from .plain import call, dtype_name, named

__all__ = ["install"]

_NAMES = ("input", "weight", "stride", "padding", "dilation", "output_padding", "groups")


def install(mlx: ModuleType, patches: Patches) -> None:
    """Wrap the functions."""
    for rank in (1, 2, 3):
        patches.wrap(mlx, f"conv_transpose{rank}d", functools.partial(_describe, rank))


def _describe(rank: int, args: Any, kwargs: Any) -> dict[str, Any]:
    """The call with the shapes of PyTorch's, whose arguments are the same.

    MLX takes (N, *sizes, Cin) and weights (Cout, *k, Cin/G).
    """
    arguments = named(_NAMES, args, {name: value for name, value in kwargs.items() if name != "stream"})
    image, weight = arguments["input"], arguments["weight"]
    batch, *spatial, channels = image.shape
    outputs, *kernel, inputs = weight.shape
    groups = arguments.get("groups", 1)
    arguments["input"] = _Shaped((batch, channels, *spatial), image.dtype)
    arguments["weight"] = _Shaped((inputs * groups, outputs // max(groups, 1), *kernel), weight.dtype)
    form = f"torch.nn.functional.conv_transpose{rank}d"
    running = layers(_is_layer)
    name = attribute_path(running[-1], running[0]) if running else None
    return call(f"mlx.core.conv_transpose{rank}d", form, arguments, layout="channels_last", name=name)


class _Shaped:
    """Shape and dtype of a tensor."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = dtype_name(dtype)


def _is_layer(value: Any) -> bool:
    layer = getattr(sys.modules.get("mlx.nn"), "Module", None)
    return layer is not None and isinstance(value, layer)
