"""What functions of a program that slide, resize or split do to a shape. A new one is one declaration here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.calls.layers import LAYERS
from conformance.calls.tensors import FUNCTIONS, METHODS, Keywords, Positional
from conformance.calls.values import TensorExpression
from conformance.calls.windows import axes_of, named, windowed

__all__: list[str] = []

_MOST_PARTS = 100


def _convolution(
    names: str, weights: Callable[[tuple[Any, ...]], tuple[Any, tuple[Any, ...]]], *, first: bool, rank: int
) -> Callable[[str, Positional, Keywords], Any]:
    """A forward convolution; ``weights`` gives the output channels and the kernel of the shape of its weights."""

    def read(name: str, args: Positional, kwargs: Keywords) -> Any:
        image, weight, stride, padding, dilation = _of(names, args, kwargs)
        if not isinstance(image, TensorExpression):
            return None
        shape = weight.shape if isinstance(weight, TensorExpression) else None
        if shape is None or len(shape) != rank + 2:
            return image.but(shape=None)
        channels, kernel = weights(shape)
        is_first = first or str(kwargs.get("data_format", "")).startswith("NC")
        stride, dilation = (_inner(value, rank, is_first) for value in (stride, dilation))
        return windowed(
            image, rank=rank, kernel=kernel, stride=stride, padding=padding, dilation=dilation, channels=channels,
            first=is_first,
        )  # fmt: skip

    return read


def _of(names: str, args: Positional, kwargs: Keywords) -> list[Any]:
    """The input, the weights, the stride, the padding and the dilation."""
    given = dict(zip(names.split(), args, strict=False)) | dict(kwargs)
    spellings = (("input", "value"), ("weight", "filters", "filter"), ("stride", "strides"), ("padding",),
                 ("dilation", "dilations"))  # fmt: skip
    found = [next((given[name] for name in group if given.get(name) is not None), None) for group in spellings]
    return [
        *found[:2],
        *(default if value is None else value for value, default in zip(found[2:], (1, 0, 1), strict=True)),
    ]


def _inner(values: Any, rank: int, first: bool) -> Any:
    """The spatial part of numbers that are given for every axis."""
    if isinstance(values, tuple) and len(values) == rank + 2:
        return values[2:] if first else values[1:-1]
    return values


def _pool(rank: int, *, first: bool) -> Callable[[str, Positional, Keywords], Any]:
    def read(name: str, args: Positional, kwargs: Keywords) -> Any:
        image, kernel, stride, padding = named(args, kwargs, "input kernel_size stride padding", padding=0)
        image, kernel = kwargs.get("value", image), kwargs.get("ksize", kernel)
        stride = kwargs.get("strides", stride)
        if not isinstance(image, TensorExpression):
            return None
        is_first = first or str(kwargs.get("data_format", "")).startswith("NC")
        kernel, stride = (
            _inner(value, rank, is_first) for value in (kernel, kernel if stride is None else stride)
        )
        return windowed(image, rank=rank, kernel=kernel, stride=stride, padding=padding, first=is_first)

    return read


for _rank in (1, 2, 3):
    FUNCTIONS[f"torch.conv{_rank}d"] = _convolution(
        "input weight bias stride padding dilation", lambda shape: (shape[0], shape[2:]), first=True, rank=_rank
    )
    FUNCTIONS[f"mlx.conv{_rank}d"] = _convolution(
        "input weight stride padding dilation", lambda shape: (shape[0], shape[1:-1]), first=False, rank=_rank
    )
    FUNCTIONS[f"tensorflow.conv{_rank}d"] = _convolution(
        "input filters strides padding", lambda shape: (shape[-1], shape[:-2]), first=False, rank=_rank
    )
    for _kind in ("max", "avg"):
        FUNCTIONS[f"torch.{_kind}_pool{_rank}d"] = _pool(_rank, first=True)
        FUNCTIONS[f"tensorflow.{_kind}_pool{_rank}d"] = _pool(_rank, first=False)
for _kind in ("max_pool", "avg_pool"):
    FUNCTIONS[f"tensorflow.{_kind}"] = _pool(2, first=False)


def _layer(kind: str, other: Callable[[str, Positional, Keywords], Any] | None = None) -> Any:
    """A layer of TensorFlow 1 as a function, ``tf.layers.conv2d(x, 8, 3)``; ``other`` has the same last name."""

    def read(name: str, args: Positional, kwargs: Keywords) -> Any:
        if "layers." not in name and other is not None:
            return other(name, args, kwargs)
        image = args[0] if args else kwargs.get("inputs")
        known = image if isinstance(image, TensorExpression) else TensorExpression(None)
        return LAYERS[kind](args[1:], kwargs)(known)

    return read


for _rank in (1, 2, 3):
    FUNCTIONS[f"tensorflow.conv{_rank}d"] = _layer(f"Conv{_rank}D", FUNCTIONS[f"tensorflow.conv{_rank}d"])
    FUNCTIONS[f"tensorflow.max_pooling{_rank}d"] = _layer(f"MaxPooling{_rank}D")
FUNCTIONS["tensorflow.dense"] = _layer("Dense")


def _interpolated(name: str, args: Positional, kwargs: Keywords) -> Any:
    image, size, factor = named(args, kwargs, "input size scale_factor")
    if not isinstance(image, TensorExpression) or image.shape is None or len(image.shape) < 3:
        return None
    rank = len(image.shape) - 2
    sizes = axes_of(size, rank)
    if size is None:
        factors = axes_of(factor, rank)
        sizes = tuple(map(_scaled, image.shape[2:], factors)) if len(factors) == rank else ()
    known = tuple(each if type(each) is int else None for each in sizes)
    return image.but(shape=(*image.shape[:2], *known) if len(known) == rank else None)


def _scaled(size: int | None, factor: Any) -> int | None:
    plain = isinstance(factor, int | float) and 0 < factor < 2**16
    return int(size * factor) if size is not None and plain else None


FUNCTIONS["torch.interpolate"] = _interpolated


# Parts of a tensor.


def _parts(tensor: Any, axis: Any, lengths: Callable[[int], tuple[int, ...] | None]) -> Any:
    if not isinstance(tensor, TensorExpression) or tensor.shape is None or type(axis) is not int:
        return None
    if not -len(tensor.shape) <= axis < len(tensor.shape):
        return None
    axis %= len(tensor.shape)
    length = tensor.shape[axis]
    sizes = None if length is None else lengths(length)
    if sizes is None or len(sizes) > _MOST_PARTS:
        return None
    return tuple(tensor.but(shape=(*tensor.shape[:axis], size, *tensor.shape[axis + 1 :])) for size in sizes)


def _by_size(name: str, args: Positional, kwargs: Keywords) -> Any:
    """Parts of a size, the last one shorter; or of the sizes given."""
    tensor, size, axis = named(args, kwargs, "tensor split_size_or_sections dim", dim=kwargs.get("axis", 0))
    size = kwargs.get("split_size", size)

    def lengths(length: int) -> tuple[int, ...] | None:
        if isinstance(size, tuple):
            return size if all(type(each) is int and each >= 0 for each in size) else None
        if type(size) is not int or size < 1:
            return None
        return tuple(min(size, length - start) for start in range(0, length, size))

    return _parts(tensor, axis, lengths)


def _by_count(name: str, args: Positional, kwargs: Keywords) -> Any:
    """A number of parts of about the same size."""
    tensor, count, axis = named(args, kwargs, "tensor chunks dim", dim=kwargs.get("axis", 0))
    count = kwargs.get("num_or_size_splits", kwargs.get("indices_or_sections", count))

    def lengths(length: int) -> tuple[int, ...] | None:
        if type(count) is not int or not 0 < count <= _MOST_PARTS:
            return None
        size = -(-length // count)
        return tuple(min(size, length - start) for start in range(0, length, size)) if size else None

    return _parts(tensor, axis, lengths)


def _unbound(name: str, args: Positional, kwargs: Keywords) -> Any:
    """The tensor's parts along an axis, without it."""
    tensor, axis = named(args, kwargs, "input dim", dim=kwargs.get("axis", 0))
    parts = _parts(tensor, axis, lambda length: (1,) * length)
    if parts is None:
        return None
    place = axis % len(tensor.shape)
    return tuple(part.but(shape=(*part.shape[:place], *part.shape[place + 1 :])) for part in parts)


FUNCTIONS.update({"torch.split": _by_size, "chunk": _by_count, "split": _by_count, "array_split": _by_count})
FUNCTIONS.update(unbind=_unbound, unstack=_unbound)


def _method(
    read: Callable[[str, Positional, Keywords], Any],
) -> Callable[[TensorExpression, Positional, Keywords], Any]:
    return lambda tensor, args, kwargs: read("", (tensor, *args), kwargs)


METHODS.update(split=_method(_by_size), chunk=_method(_by_count), unbind=_method(_unbound))
