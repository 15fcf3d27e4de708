"""Whether an output has the right shape, and how much memory a case needs, computed without any array."""

from __future__ import annotations

import math
from collections.abc import Mapping

from conformance.adapters.base import Tensor
from conformance.cases.case import Case
from conformance.cases.errors import DomainError

__all__ = ["shape_error", "small"]

_LARGE = 1 << 24  # elements: a larger output of a wrong shape is not copied
_SMALL = 1 << 30  # bytes, an eighth of the smallest memory limit of an adapter's process
_COPIES = 8  # of every array, in the widest dtype: layouts, paddings, a framework's workspaces
_WIDEST = 16


def shape_error(case: Case, outputs: Mapping[str, Tensor]) -> str | None:
    """What is wrong with the shape of a large output; None for small ones, which the client compares.

    A view of one element can claim any shape, so that the shape must be checked before anything is copied.
    """
    large = {name: tensor.values.shape for name, tensor in outputs.items() if tensor.values.size > _LARGE}
    if not large:
        return None
    try:
        expected = case.output_shapes()
    except DomainError:
        return "; ".join(f"{name} has shape {shape}" for name, shape in large.items())
    for name, shape in large.items():
        if shape != expected.get(name):
            return f"{name} has shape {shape}; by the rules it is {expected.get(name)}"
    return None


def small(case: Case) -> bool:
    """Whether a case needs far less memory than a process has, even if it is computed through im2col."""
    try:
        arrays = [case.input_shape, case.weight_shape, *case.output_shapes().values()]
        full = case.geometry().full_size
    except DomainError:
        return False
    columns = (case.batch, *case.input_size, *case.kernel_size, case.out_channels)
    arrays += [columns, (case.batch, max(case.in_channels, case.out_channels), *(max(size, 1) for size in full))]
    return sum(map(math.prod, arrays)) * _COPIES * _WIDEST <= _SMALL
