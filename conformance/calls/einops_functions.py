"""``rearrange`` and ``repeat`` of einops: the shape that a pattern of axes gives."""

from __future__ import annotations

import math
import re
from typing import Any

from conformance.calls.tensors import FUNCTIONS, Keywords, Positional
from conformance.calls.values import TensorExpression

__all__: list[str] = []

_GROUP = re.compile(r"\(([^()]*)\)|([^\s()]+)")


def _groups(side: str) -> list[tuple[str, ...]]:
    """The axes of one side of a pattern, each with the names that it is made of."""
    return [tuple((match[1] if match[1] is not None else match[2]).split()) for match in _GROUP.finditer(side)]


def _sizes(groups: list[tuple[str, ...]], shape: tuple[int | None, ...], given: Keywords) -> dict[str, int] | None:
    """The size of each name; one of a group may follow from the others."""
    sizes = {name: value for name, value in given.items() if type(value) is int and value > 0} | {"1": 1}
    for names, length in zip(groups, shape, strict=True):
        open_names = [name for name in names if name not in sizes]
        if length is None or len(open_names) > 1:
            return None
        if open_names:
            known = math.prod(sizes[name] for name in names if name in sizes)
            sizes[open_names[0]] = length // known
    return sizes


def _rearranged(name: str, args: Positional, kwargs: Keywords) -> Any:
    tensor, pattern = (*args, None, None)[:2]
    pattern = kwargs.get("pattern", pattern)
    if not isinstance(tensor, TensorExpression) or not isinstance(pattern, str) or "->" not in pattern:
        return None
    before, after = (_groups(side) for side in pattern.split("->", 1))
    if tensor.shape is None or len(before) != len(tensor.shape) or "..." in pattern:
        return tensor.but(shape=None)
    sizes = _sizes(before, tensor.shape, kwargs)
    if sizes is None or not all(name in sizes for names in after for name in names):
        return tensor.but(shape=None)
    return tensor.but(shape=tuple(math.prod(sizes[name] for name in names) for names in after))


FUNCTIONS.update({"rearrange": _rearranged, "einops.repeat": _rearranged})
