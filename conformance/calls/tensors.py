"""What tensors have in common, and the registries of the functions and methods that make and change them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any

import numpy as np

from conformance.calls.values import Opaque, TensorExpression

__all__ = [
    "FUNCTIONS", "METHODS", "Keywords", "Positional", "Shape", "combine", "filled", "index_shape", "is_size",
    "parts_of", "read_sizes", "rearranged", "size_tuple", "special_value",
]  # fmt: skip

Positional = tuple[Any, ...]
Keywords = Mapping[str, Any]
Shape = tuple[int | None, ...]

_MOST_PARTS = 100

FUNCTIONS: dict[str, Callable[[str, Positional, Keywords], Any]] = {}
"""By the last part of a name: the value, from the name, the arguments and the keywords; None if it is unknown."""
METHODS: dict[str, Callable[[TensorExpression, Positional, Keywords], Any]] = {}
"""By name: the value of a method of a tensor."""


def is_size(value: Any) -> bool:
    """Whether a value can be the size of an axis, known or not."""
    named = value is None or isinstance(value, Opaque) or (isinstance(value, str) and value.isidentifier())
    return named or (type(value) is int and 0 <= value < 2**32)


def read_sizes(values: Any) -> Shape | None:
    """A shape as given, sizes that are not known as None."""
    if isinstance(values, TensorExpression):
        values = values.values
    if type(values) is int:
        values = (values,)
    if not isinstance(values, tuple) or not all(map(is_size, values)):
        return None
    return tuple(size if type(size) is int else None for size in values)


def filled(tensor: TensorExpression, value: Any) -> TensorExpression:
    """The tensor, filled with one value in place."""
    tensor.special = special_value(value)
    tensor.facts = tuple(fact for fact in tensor.facts if not fact.startswith("values"))
    tensor.add_fact(f"values (all {value!s})")
    is_number = type(value) in (int, float) and abs(value) < math.inf
    tensor.numbers = (float(value),) if is_number else None
    return tensor


def special_value(value: Any) -> str:
    """``nan`` or ``inf`` if a number is one."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf"
    return ""


def size_tuple(tensor: TensorExpression) -> tuple[Any, ...] | None:
    """The shape as a program sees it: sizes that are not known stay so."""
    if tensor.shape is None:
        return None
    return tuple(Opaque("an unknown size") if size is None else size for size in tensor.shape)


def rearranged(tensor: TensorExpression, shape: Shape | None, change: Callable[[Any], Any]) -> TensorExpression:
    """A tensor whose elements change place; ``change`` does it to the array of its numbers, if they are known."""
    numbers = tensor.numbers
    own = tensor.known_shape()
    if numbers is not None and len(numbers) > 1 and own is not None and math.prod(own) == len(numbers):
        numbers = tuple(np.asarray(change(np.array(numbers).reshape(own))).ravel().tolist())
    elif numbers is not None and len(numbers) > 1:
        numbers = None
    return tensor.but(shape=shape, numbers=numbers)


def parts_of(tensor: TensorExpression) -> tuple[Any, ...] | None:
    """What a loop over a tensor goes through: its numbers, or what it holds along the first axis."""
    if tensor.values is not None:
        return tensor.values
    if not tensor.shape or tensor.shape[0] is None or tensor.shape[0] > _MOST_PARTS:
        return None
    return tuple(tensor.but(shape=tensor.shape[1:]) for _ in range(tensor.shape[0]))


def combine(one: TensorExpression, other: Any) -> TensorExpression:
    """The result of arithmetic: the shapes broadcast; a plain number keeps the dtype."""
    if not isinstance(other, TensorExpression):
        return one.but(facts=_changed(one))
    shape: Shape | None = None
    if one.shape is not None and other.shape is not None:
        pairs = list(zip_longest(reversed(one.shape), reversed(other.shape), fillvalue=1))
        shape = tuple(b if a == 1 else a for a, b in reversed(pairs))
    first = other if one.dtype is None or one.implied else one
    return first.but(shape=shape, special=one.special or other.special, origin=one.origin | other.origin)


def _changed(tensor: TensorExpression) -> tuple[str, ...]:
    return tuple("values (computed)" if fact.startswith("values") else fact for fact in tensor.facts)


def index_shape(shape: Shape, index: Any) -> Shape | None:
    """The shape of a tensor indexed with ints, slices, None and an ellipsis."""
    items = list(index) if isinstance(index, tuple) else [index]
    consumed = sum(item is not None and item is not Ellipsis for item in items)
    if Ellipsis in [item for item in items if item is Ellipsis]:
        place = next(at for at, item in enumerate(items) if item is Ellipsis)
        items[place : place + 1] = [slice(None)] * (len(shape) - consumed)
    elif consumed <= len(shape):
        items += [slice(None)] * (len(shape) - consumed)
    result: list[int | None] = []
    axis = 0
    for item in items:
        if item is None:
            result.append(1)
            continue
        if axis >= len(shape):
            return None
        size = shape[axis]
        axis += 1
        if isinstance(item, slice):
            ends = (item.start, item.stop, item.step)
            if not all(end is None or type(end) is int for end in ends) or item.step == 0 or size is None:
                result.append(None)
            else:
                result.append(len(range(*item.indices(size))))
        elif type(item) is not int:
            return None
    return tuple(result)
