"""Boundary classes: the corners of the domain where implementations take a different path, each with examples.

A class is a predicate, which can be counted over any list of cases, and ids of examples on three axes, which
`examples` reduces to a rank.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from conformance.cases.case import Case
from conformance.cases.errors import DomainError

__all__ = ["BOUNDARIES", "Boundary", "boundary_classes", "examples", "with_rank"]

_SPATIAL = ("input_size", "kernel_size", "stride", "dilation", "output_padding", "padding")


@dataclass(frozen=True)
class Boundary:
    """A corner of the domain.

    Attributes
    ----------
    applies : callable
        Whether a valid case lies in it.
    templates : tuple of str
        Case ids, mostly of three axes; the first axes serve fewer.
    ranks : tuple of int
        The ranks for which it makes sense.
    """

    applies: Callable[[Case], bool]
    templates: tuple[str, ...]
    ranks: tuple[int, ...] = (1, 2, 3)


def _on_some_axis(left: str, right: str, compare: Callable[[int, int], bool]) -> Callable[[Case], bool]:
    return lambda case: any(map(compare, getattr(case, left), getattr(case, right)))


def _output_padding_at_stride(case: Case) -> bool:
    return any(0 < s <= o for o, s in zip(case.output_padding or (), case.stride, strict=False))


def _crop_beyond_full(case: Case) -> bool:
    geometry = case.geometry()
    return any(max(crop) > full for crop, full in zip(geometry.crop, geometry.full_size, strict=True))


def _crops_whole_inputs(case: Case) -> bool:
    axes = zip(case.geometry().crop, case.geometry().effective_kernel, strict=True)
    return any(max(crop) >= effective for crop, effective in axes)


def _axis_without_taps(case: Case) -> bool:
    """Whether an axis has outputs, and no tap reaches any of them."""
    geometry = case.geometry()
    sizes = zip(case.input_size, case.kernel_size, case.stride, case.dilation, strict=True)
    for axis, (i, k, s, d) in enumerate(sizes):
        low, length = geometry.crop[axis][0], geometry.output_size[axis]
        # The first position of each tap that is not before the output; an axis may have 2^31 positions.
        firsts = ((max(-(-(low - t * d) // s), 0), t * d) for t in range(k))
        if length and not any(j < i and j * s + tap < low + length for j, tap in firsts):
            return True
    return False


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, math.isqrt(number) + 1))


def _all_prime(case: Case) -> bool:
    return all(map(_is_prime, (*case.input_size, *case.kernel_size, case.in_channels, case.out_channels)))


def _near_simd_width(case: Case) -> bool:
    return all(any(abs(c - width) <= 1 for width in (16, 32, 64)) for c in (case.in_channels, case.out_channels))


def _share_a_divisor(case: Case) -> bool:
    steps = zip(case.stride, case.dilation, strict=True)
    return any(s != d and math.gcd(s, d) > 1 for s, d in steps)


def _one_output_channel_a_group(case: Case) -> bool:
    return 1 < case.groups == case.out_channels < case.in_channels


def _unlike_strides_on_alike_axes(case: Case) -> bool:
    return _alike(case.input_size) and _alike(case.kernel_size) and not _alike(case.stride)


def _alike(sizes: tuple[int, ...]) -> bool:
    return len(set(sizes)) == 1


def _square(case: Case) -> bool:
    return case.rank > 1 and all(map(_alike, (case.input_size, case.kernel_size, case.stride, case.dilation)))


BOUNDARIES: dict[str, Boundary] = {
    "kernel smaller than the stride": Boundary(
        _on_some_axis("kernel_size", "stride", lambda k, s: k < s),
        (
            "3d-n2-c3x5-i3x4x2-k2x3x1-s3x5x2",
            "3d-n2-c3x5-i3x4x2-k2x3x1-s3x5x2-same",
        ),
    ),
    "stride equal to the kernel": Boundary(
        _on_some_axis("kernel_size", "stride", int.__eq__),
        ("3d-n2-c3x5-i4x3x2-k3x2x4-s3x2x4",),
    ),
    "kernel one": Boundary(
        lambda case: max(case.kernel_size) == 1,
        (
            "3d-n2-c3x5-i4x3x2-k1x1x1",
            "3d-n2-c3x5-i4x3x2-k1x1x1-s3x2x1-same",
        ),
    ),
    "output_padding at or above the stride": Boundary(
        _output_padding_at_stride,
        (
            "3d-n2-c3x5-i4x3x2-k3x4x2-s2x1x3-d3x2x4-p1.3x0.2x2.3-op2x1x3",
            "3d-n2-c3x5-i4x3x2-k3x4x2-s2x1x3-op3x1x4",
        ),
    ),
    "crop larger than the full result": Boundary(
        _crop_beyond_full,
        (
            "3d-n2-c3x5-i2x3x2-k3x2x2-s2x1x3-p7.m4x1.1x0.1",
            "3d-n2-c3x5-i2x3x2-k3x2x2-s2x1x3-pm4.7x1.1x0.1",
        ),
    ),
    "crop of whole inputs": Boundary(
        _crops_whole_inputs,
        (
            "3d-n2-c3x5-i6x5x3-k2x3x1-s2x1x2-p5.2x0.4x2.1",
            "3d-n2-c3x5-i6x5x3-k2x3x1-s2x1x2-p3x2x1",
        ),
    ),
    "zeros beyond the full result": Boundary(
        lambda case: any(min(crop) < 0 for crop in case.geometry().crop),
        (
            "3d-n2-c3x5-i4x3x2-k3x4x2-s2x3x1-pm2.1xm1.m3xm3.m1",
            "3d-n2-c3x5-i4x3x2-k2x1x3-s4x3x5-same",
        ),
    ),
    "output of one element": Boundary(
        lambda case: case.geometry().output_size == (1,) * case.rank,
        ("3d-n2-c3x5-i3x2x1-k3x4x2-s2x3x1-p4.2x1.5x1.0",),
    ),
    "output of zero elements": Boundary(
        lambda case: min(case.geometry().output_size) == 0,
        ("3d-n2-c3x5-i3x2x4-k3x4x2-s2x3x1-p4.3x1.2x1.0",),
    ),
    "input of one element": Boundary(
        lambda case: case.input_size == (1,) * case.rank,
        (
            "3d-n2-c3x5-i1x1x1-k4x3x2-s2x3x1",
            "3d-n2-c3x5-i1x1x1-k4x3x2-s2x1x3-same",
        ),
    ),
    "input of zero elements": Boundary(
        lambda case: min(case.input_size) == 0,
        ("3d-n2-c3x5-i0x3x2-k4x3x2-s2x1x3",),
    ),
    "batch zero": Boundary(lambda case: case.batch == 0, ("3d-n0-c3x5-i4x3x2-k3x4x2-s2x3x1",)),
    "axis that no tap reaches": Boundary(
        _axis_without_taps,
        (
            "3d-n2-c3x5-i2x3x2-k1x3x2-s4x2x1-p1.1x0.1x1.0",
            "3d-n2-c3x5-i2x3x2-k2x3x2-s5x2x1-d2x1x3-p3.3x0.1x1.0",
        ),
    ),
    "effective kernel larger than the input": Boundary(
        lambda case: any(e > i for e, i in zip(case.geometry().effective_kernel, case.input_size, strict=True)),
        (
            "3d-n2-c3x5-i2x3x1-k3x2x4-d3x4x2",
            "3d-n2-c3x5-i2x3x1-k7x5x4-s2x3x1-same",
        ),
    ),
    "`same` with dilation on every axis": Boundary(
        lambda case: case.padding == "same" and min(case.dilation) > 1,
        ("3d-n2-c3x5-i5x4x3-k2x3x2-d3x2x4-same", "3d-n2-c3x5-i4x3x2-k3x2x4-s2x3x1-d2x4x3-same"),
    ),
    "output size equal to the filters": Boundary(
        lambda case: case.geometry().output_size[-1] == case.out_channels,
        ("3d-n2-c3x7-i3x3x3-k3x3x3-s2x2x2",),
    ),
    "input size equal to the channels": Boundary(
        lambda case: case.input_size[-1] == case.in_channels,
        ("3d-n2-c3x5-i3x3x3-k2x2x2-s2x2x2",),
    ),
    "kernel equal to the input": Boundary(
        lambda case: case.kernel_size == case.input_size,
        ("3d-n2-c3x5-i4x3x2-k4x3x2-s2x1x3",),
    ),
    "channels in equal to channels out": Boundary(
        lambda case: case.in_channels == case.out_channels > 1,
        (
            "3d-n2-c4x4-i4x3x2-k3x4x2-s2x3x1",
            "3d-n2-c4x4-i4x3x2-k3x4x2-s2x3x1-g2",
        ),
    ),
    "batch equal to the channels": Boundary(
        lambda case: case.batch in (case.in_channels, case.out_channels) and case.batch > 1,
        (
            "3d-n3-c3x5-i4x3x2-k3x4x2-s2x3x1",
            "3d-n3-c2x3-i4x3x2-k3x4x2-s2x3x1",
        ),
    ),
    "all axes alike": Boundary(
        _square,
        (
            "3d-n2-c3x5-i3x3x3-k3x3x3-s2x2x2-same",
            "3d-n2-c3x5-i3x3x3-k2x2x2-d2x2x2-p1x1x1",
        ),
        (2, 3),
    ),
    "prime sizes": Boundary(
        _all_prime,
        ("3d-n2-c5x7-i7x5x3-k3x5x2-s2x3x1",),
    ),
    "channels about a SIMD width": Boundary(
        _near_simd_width,
        (
            "3d-n2-c15x17-i3x2x2-k2x3x1-s2x1x1",
            "3d-n2-c16x32-i3x2x2-k2x3x1-s2x1x1",
            "3d-n2-c33x31-i3x2x2-k2x3x1-s2x1x1",
        ),
    ),
    "long": Boundary(
        lambda case: max(case.input_size) >= 512,
        (
            "1d-n2-c3x5-i1023-k9-s2-same",
            "1d-n2-c3x5-i512-k129-s3-d2",
        ),
        (1,),
    ),
    "deep groups": Boundary(
        lambda case: case.groups >= 8 and case.in_channels > case.groups,
        ("3d-n2-c16x24-i3x2x2-k3x4x2-s2x3x1-g8",),
    ),
    "depthwise": Boundary(
        lambda case: case.groups > 1 and case.in_channels == case.groups,
        (
            "3d-n2-c5x5-i4x3x2-k3x4x2-s2x3x1-g5",
            "3d-n2-c4x12-i4x3x2-k3x4x2-s2x3x1-g4",
        ),
    ),
    "stride far above the kernel": Boundary(
        lambda case: any(s > 4 * e for s, e in zip(case.stride, case.geometry().effective_kernel, strict=True)),
        ("3d-n2-c3x5-i3x2x2-k2x3x1-s17x2x5-same",),
    ),
    "far dilation": Boundary(
        lambda case: max(case.dilation) > 8,
        ("3d-n2-c3x5-i4x3x2-k3x2x1-d11x3x2-p6.5x1.0x0.0",),
    ),
    "one input channel": Boundary(
        lambda case: case.in_channels == 1,
        ("3d-n2-c1x5-i4x3x2-k3x4x2-s2x3x1",),
    ),
    "one output channel": Boundary(
        lambda case: case.out_channels == 1,
        ("3d-n2-c5x1-i4x3x2-k3x4x2-s2x3x1",),
    ),
    "one of every count": Boundary(
        lambda case: case.batch == case.in_channels == case.out_channels == 1,
        ("3d-n1-c1x1-i4x3x2-k3x4x2-s2x3x1-p1x0x1",),
    ),
    "one output channel in a group of several inputs": Boundary(
        _one_output_channel_a_group,
        ("3d-n2-c6x3-i4x3x2-k3x4x2-s2x3x1-g3",),
    ),
    "stride and dilation that share a divisor": Boundary(
        _share_a_divisor,
        ("3d-n2-c3x5-i4x3x2-k3x2x4-s4x2x6-d2x6x3-p1x0x2",),
    ),
    "unlike strides on alike axes": Boundary(
        _unlike_strides_on_alike_axes,
        ("3d-n2-c3x5-i4x4x4-k3x3x3-s1x3x2-p0x1x1",),
        (2, 3),
    ),
}


def with_rank(template: Case, rank: int) -> Case:
    """The case reduced to its first axes."""
    fields = {field: getattr(template, field) for field in _SPATIAL}
    kept: dict[str, Any] = {f: value[:rank] if isinstance(value, tuple) else value for f, value in fields.items()}
    return replace(template, rank=rank, **kept)


def examples(name: str) -> Iterator[Case]:
    """The cases of a boundary class, forward in f32: its templates on every rank for which it makes sense."""
    boundary = BOUNDARIES[name]
    for template, rank in itertools.product(boundary.templates, boundary.ranks):
        yield with_rank(Case.parse(template), rank)


def boundary_classes(case: Case) -> list[str]:
    """Names of the boundary classes a case lies in; none for an invalid case."""
    try:
        case.geometry()
    except DomainError:
        return []
    return [name for name, boundary in BOUNDARIES.items() if boundary.applies(case)]
