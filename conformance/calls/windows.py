"""The shape of the result of windows that slide over a tensor, for forward convolutions and poolings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.calls.values import TensorExpression

__all__ = ["SAME_CHANNELS", "axes_of", "named", "windowed"]

SAME_CHANNELS = object()
"""For an operation whose output has the channels of its input."""


def axes_of(value: Any, rank: int) -> tuple[Any, ...]:
    """One value per axis."""
    return value if isinstance(value, tuple) else (value,) * rank


def named(args: tuple[Any, ...], kwargs: Mapping[str, Any], names: str, **defaults: Any) -> list[Any]:
    """Arguments by position or keyword, in the order of ``names``."""
    values = defaults | dict(zip(names.split(), args, strict=False)) | dict(kwargs)
    return [values.get(name) for name in names.split()]


def windowed(
    tensor: TensorExpression,
    *,
    rank: int,
    kernel: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    channels: Any = SAME_CHANNELS,
    first: bool,
) -> TensorExpression:
    """A tensor after windows have slid over it.

    Parameters
    ----------
    tensor : TensorExpression
        The tensor; its batch axis may be missing.
    rank : int
        How many axes the windows have.
    kernel, stride, padding, dilation : int, str or tuple
        As in the call; unknown values make an unknown size.
    channels : int, optional
        The number of output channels; anything but an int is an unknown number.
    first : bool
        Whether the channels come before the spatial axes.
    """
    shape = tensor.shape
    if shape is None and channels is not SAME_CHANNELS:
        shape = (None,) * (rank + 2)
    if shape is None or len(shape) not in (rank + 1, rank + 2):
        return tensor.but(shape=None)
    batch = shape[: len(shape) - rank - 1]
    own, spatial = (shape[-rank - 1], shape[-rank:]) if first else (shape[-1], shape[-rank - 1 : -1])
    columns = [axes_of(value, rank) for value in (kernel, stride, padding, dilation)]
    if any(len(column) != rank for column in columns):
        return tensor.but(shape=None)
    sizes = tuple(_slide(*numbers) for numbers in zip(spatial, *columns, strict=True))
    kept = own if channels is SAME_CHANNELS else channels if type(channels) is int else None
    return tensor.but(shape=(*batch, kept, *sizes) if first else (*batch, *sizes, kept))


def _slide(size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> int | None:
    mode = padding.lower() if isinstance(padding, str) else ""
    if mode == "same":
        kernel, padding, dilation = 1, 0, 1
    elif mode == "valid":
        padding = 0
    if isinstance(padding, tuple) and len(padding) == 2:  # both ends
        low, high = padding
    else:
        low = high = padding
    numbers = (size, kernel, stride, low, high, dilation)
    if not all(type(number) is int and abs(number) < 2**32 for number in numbers) or stride < 1:
        return None
    return max((size + low + high - dilation * (kernel - 1) - 1) // stride + 1, 0)
