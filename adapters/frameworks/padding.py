"""From a case's geometry to the padding parameters that several interfaces share."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS
from conformance.cases.errors import DomainError
from conformance.cases.geometry import Geometry

__all__ = ["SymmetricPadding", "geometry", "named", "slices", "symmetric_padding", "tensorflow_padding",
           "valid_sizes"]  # fmt: skip

Crop = tuple[tuple[int, int], ...]
Sizes = tuple[int, ...]


def named(case: Case) -> bool:
    """Whether the padding is a named convention; a given output size (R17) is a number."""
    return isinstance(case.padding, str) and case.given_output_size is None


def geometry(case: Case) -> Geometry | None:
    """The geometry of a case, None for an invalid one; tensors that do not fit the parameters are ignored."""
    try:
        fits = DATA_KINDS[case.data].misfit is None and case.bias_size is None
        return (case if fits else replace(case, data="ints", bias_size=None)).geometry()
    except DomainError:
        return None


class SymmetricPadding(NamedTuple):
    """A crop in PyTorch's parameters, lo = padding, hi = padding - output_padding, and the ``rest`` of it."""

    padding: tuple[int, ...]
    output_padding: tuple[int, ...]
    rest: Crop

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to crop or to pad."""
        return not any(low or high for low, high in self.rest)


def symmetric_padding(case: Case, *, below_stride: bool = False) -> SymmetricPadding:
    """Express the crop of a case by a padding that is the same at both ends, and an output_padding.

    An explicit padding that is the same at both ends is passed on unchanged, output_padding included, and so is
    the output_padding of an invalid case. For other crops ``below_stride`` keeps the output_padding below the
    stride; otherwise it stays below the larger of stride and dilation.
    """
    none = ((0, 0),) * case.rank
    given = case.output_padding or (0,) * case.rank
    if not isinstance(case.padding, str) and all(low == high for low, high in case.padding):
        return SymmetricPadding(tuple(low for low, _ in case.padding), given, none)
    solved = geometry(case)
    if solved is None:
        return SymmetricPadding((0,) * case.rank, given, none)
    parts = []
    for (low, high), stride, dilation in zip(solved.crop, case.stride, case.dilation, strict=True):
        limit = stride if below_stride else max(stride, dilation)
        if low >= 0 and 0 <= low - high < limit:
            parts.append((low, low - high, (0, 0)))
        else:
            common = max(min(low, high), 0)
            parts.append((common, 0, (low - common, high - common)))
    padding, output_padding, rest = zip(*parts, strict=True)
    return SymmetricPadding(padding, output_padding, rest)


def slices(rest: Crop, layout: str) -> str:
    """The index that crops the positive numbers of ``rest``; empty where there are none."""
    if not any(low > 0 or high > 0 for low, high in rest):
        return ""
    ends = ", ".join(f"{max(low, 0) or ''}:{-high if high > 0 else ''}" for low, high in rest)
    return f"[:, :, {ends}]" if layout == "channels_first" else f"[:, {ends}, :]"


def valid_sizes(geometry: Geometry) -> Sizes | None:
    """Sizes of an output of ``VALID`` that holds the output of a geometry; None where it does not reach that far.

    They may exceed the full output by less than one stride.
    """
    ends = [low + size for (low, _), size in zip(geometry.crop, geometry.output_size, strict=True)]
    sizes = tuple(
        min(max(end, axis.full_size), axis.full_size + axis.stride - 1)
        for axis, end in zip(geometry.axes, ends, strict=True)
    )
    reached = all(low >= 0 and end <= size for (low, _), end, size in zip(geometry.crop, ends, sizes, strict=True))
    return sizes if reached else None


def tensorflow_padding(geometry: Geometry) -> str | None:
    """``SAME`` or ``VALID``: the padding that, with the output's size, starts it where the geometry does.

    With output size O, full length F and effective kernel e, ``SAME`` takes ceil(O/s) = i and crops
    max(F - O, 0) // 2 at the start; ``VALID`` takes (O - e) // s + 1 = i and crops nothing there. None where
    neither fits on every axis.
    """
    axes = list(zip(geometry.axes, geometry.crop, geometry.output_size, strict=True))
    if all(
        low == 0
        and size >= axis.effective_kernel
        and (size - axis.effective_kernel) // axis.stride + 1 == axis.input_size
        for axis, (low, _), size in axes
    ):
        return "VALID"
    if all(
        low == max(axis.full_size - size, 0) // 2 and math.ceil(size / axis.stride) == axis.input_size
        for axis, (low, _), size in axes
    ):
        return "SAME"
    return None
