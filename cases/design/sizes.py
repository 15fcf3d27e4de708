"""Size classes: counts, lengths and sums at which a kernel changes its loop, its tile or its type of index.

Unlike the boundary classes they need single, larger cases. `SIZES` counts them over any list of cases, and
`size_cases` has the cases that reach them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from conformance.cases.case import Case
from conformance.cases.data import term_counts

__all__ = ["SIZES", "WIDTHS", "Size", "size_cases"]

WIDTHS = (8, 16, 32, 64, 128)
"""Usual numbers of lanes of a vector, and of rows or columns of a tile."""


@dataclass(frozen=True)
class Size:
    """A class of sizes.

    Attributes
    ----------
    applies : callable
        Whether a valid case lies in it.
    ranks : tuple of int
        The ranks on which the gate has it.
    """

    applies: Callable[[Case], bool]
    ranks: tuple[int, ...] = (1, 2, 3)


_COUNTS: dict[str, Callable[[Case], int]] = {
    "batch": lambda case: case.batch,
    "in_channels": lambda case: case.in_channels,
    "out_channels": lambda case: case.out_channels,
    "input width": lambda case: case.input_size[-1],
    "output width": lambda case: case.geometry().output_size[-1],
}


def _about(count: Callable[[Case], int], width: int) -> Size:
    return Size(lambda case: abs(count(case) - width) <= 1, (2,))


def _products(least: int) -> Callable[[Case], bool]:
    return lambda case: term_counts(case)["y"] >= least


def _positions(case: Case) -> int:
    return math.prod(case.geometry().output_size)


def _is_half(case: Case) -> bool:
    return case.dtype in ("f16", "bf16")


def _suits_winograd(case: Case) -> bool:
    """Whether every axis has a kernel of 3 that moves by 1, over two tiles of 4 outputs at least."""
    steps = {*case.stride, *case.dilation}
    return {*case.kernel_size} == {3} and steps == {1} and min(case.geometry().output_size) > 6


def _depthwise_half_gradient(case: Case) -> bool:
    depthwise = case.groups == case.in_channels > 1
    return depthwise and _is_half(case) and case.direction == "grad" and case.padding == "same" and case.bias


def _pads_beyond_the_stride(case: Case) -> bool:
    alike = all(len(set(sizes)) == 1 for sizes in (case.input_size, case.kernel_size, case.stride))
    return alike and case.output_padding is not None and min(case.output_padding) > max(case.stride)


SIZES: dict[str, Size] = {
    **{f"{name} about {width}": _about(count, width) for name, count in _COUNTS.items() for width in WIDTHS},
    "more than 8 groups": Size(lambda case: case.groups > 8),
    "more than 32 groups": Size(lambda case: case.groups > 32, (1, 2)),
    "more than 255 channels": Size(lambda case: max(case.in_channels, case.out_channels) > 255, (1, 2)),
    "more than 32767 weights": Size(lambda case: math.prod(case.weight_shape) > 2**15 - 1, (2,)),
    "sums of 512 products": Size(_products(512)),
    "sums of 512 products in half precision": Size(lambda case: _is_half(case) and _products(512)(case), (1, 2)),
    "sums of 1024 products": Size(_products(1024), (2, 3)),
    "sums of 4096 products": Size(_products(4096), (2,)),
    "sums of 16384 products": Size(_products(16384), (2,)),
    "sums of 4096 products in dw": Size(lambda case: term_counts(case).get("dw", 0) >= 4096, (2,)),
    "kernel above 16": Size(lambda case: max(case.kernel_size) > 16),
    "kernel above 255": Size(lambda case: max(case.kernel_size) > 255, (1,)),
    "stride above 255": Size(lambda case: max(case.stride) > 255),
    "dilation above 16": Size(lambda case: max(case.dilation) > 16),
    "dilation above 255": Size(lambda case: max(case.dilation) > 255, (1,)),
    "crop above 127": Size(lambda case: max(map(max, case.geometry().crop)) > 127),
    "every axis of the output above 64": Size(lambda case: min(case.geometry().output_size) > 64, (1, 2)),
    "output axis above 2048": Size(lambda case: max(case.geometry().output_size) > 2048, (1, 2)),
    "more than 4096 output positions": Size(lambda case: _positions(case) > 4096),
    "more than 32767 output positions": Size(lambda case: _positions(case) > 2**15 - 1, (1, 2)),
    "more than 65535 output elements": Size(lambda case: math.prod(case.output_shape) > 2**16 - 1, (1, 2)),
    "kernel of 3 that moves by 1": Size(_suits_winograd),
    "output_padding above the stride on alike axes": Size(_pads_beyond_the_stride, (2, 3)),
    "complex numbers": Size(lambda case: case.format.is_complex),
    "gradients of complex numbers": Size(lambda case: case.format.is_complex and case.direction == "grad"),
    "gradients of depthwise `same` in half precision": Size(_depthwise_half_gradient, (3,)),
}

# Each width and both its neighbours once as batch, in_channels, out_channels, input and output width, paired so
# that no case has many products.
_ABOUT = (
    "2d-n63-c127x31-i1x7-k1x3-s1x2-p0-cl-b1",
    "2d-n32-c64x64-i1x8-k1x2-s1x2-p0-b1",
    "2d-n64-c63x32-i1x9-k1x2-s1x2-p0x0.1-cl-b1",
    "2d-n8-c129x65-i1x15-k1x3-s1x2-p0",
    "2d-n129-c15x33-i1x16-k1x2-s1x2-same-cl-b1",
    "2d-n65-c7x128-i1x17-k1x2-s1x2-p0x0.1-b1",
    "2d-n33-c65x15-i1x31-k1x3-s1x2-valid-cl",
    "2d-n7-c32x129-i1x32-k1x2-s1x2-same-cl-b1",
    "2d-n16-c16x127-i1x33-k1x2-s1x2-p0x1.0-b1",
    "2d-n128-c8x16-i2x63-k1x3-s1x2-p0-cl-b1",
    "2d-n31-c31x17-i2x64-k1x2-s1x2-same-cl-b1",
    "2d-n127-c17x8-i2x65-k1x2-s1x2-p0x0.1-b1",
    "2d-n17-c33x9-i2x127-k1x2-p0x60.61-b1",
    "2d-n15-c9x63-i2x128-k1x2-p0x121.0-cl-b1",
    "2d-n9-c128x7-i2x129-k1x2-p0x0.121-b1",
)
_ABOUT_GRADIENTS = (
    "2d-n63-c127x31-i1x7-k1x3-s1x2-p0-cl-b1-grad",
    "2d-n8-c129x65-i1x15-k1x3-s1x2-p0-grad",
    "2d-n7-c32x129-i1x32-k1x2-s1x2-same-cl-b1-grad",
    "2d-n128-c8x16-i2x63-k1x3-s1x2-p0-b1-grad",
    "2d-n17-c33x9-i2x127-k1x2-p0x60.61-b1-grad",
)

_GROUPS = (
    "1d-n2-c9x18-i5-k3-s2-g9-b1",
    "3d-n1-c18x9-i2x3x2-k2x1x3-g9-b1",
    "1d-n2-c66x33-i5-k3-g33-b1-grad",
    "2d-n2-c33x33-i3x4-k2x3-s2x1-g33-b1",
    "2d-n2-c65x130-i2x3-k2x2-g65-b1-grad",
    "3d-n2-c12x24-i2x3x2-k2x1x3-g12-cl-b1-grad",
)

_CHANNELS = (
    "2d-n2-c3x260-i3x2-k2x1-b1",
    "2d-n2-c3x260-i3x2-k2x1-cl-b1-grad",
    "2d-n1-c64x72-i2x3-k3x3-b1",
    "2d-n1-c64x72-i2x3-k3x3-b1-grad",
)

_LONG_SUMS = (
    "1d-n2-c600x2-i4-k1-f16-b1-normal.0",
    "2d-n1-c64x3-i3x4-k3x3-f16-b1-normal.0",
    "2d-n1-c64x3-i3x4-k3x3-cl-bf16-b1",
    "3d-n1-c64x2-i2x3x3-k2x3x3-b1-normal.0",
    "2d-n1-c1024x2-i4x5-k4x4-b1",
    "2d-n1-c1024x2-i4x5-k4x4-b1-normal.0",
    "2d-n16-c2x3-i16x17-k2x3-s2x1-b1-normal.0-grad",
)

_PARAMETERS = (
    "2d-n1-c2x3-i3x4-k17x18-s2x3-p5x2-b1",
    "3d-n1-c2x3-i2x3x2-k2x1x17-s1x2x4-b1",
    "2d-n1-c2x3-i2x3-k2x3-s1x258-b1-grad",
    "3d-n1-c1x2-i2x1x2-k1x2x2-s2x1x256-b1",
    "1d-n2-c2x3-i9-k3-d18-b1",
    "1d-n2-c2x3-i5-k2-d257-b1-grad",
    "2d-n2-c2x3-i4x5-k2x3-d17x5-b1",
    "2d-n2-c2x3-i4x5-k2x3-d17x5-cl-b1-grad",
    "3d-n1-c2x3-i3x2x4-k2x1x3-d1x1x19-b1",
    "1d-n2-c2x3-i300-k3-p140-b1",
    "2d-n2-c2x3-i80x3-k3x2-s4x1-p130x0-b1",
    "2d-n2-c2x3-i80x3-k3x2-s4x1-p130x0-b1-grad",
    "3d-n1-c1x2-i2x2x300-k2x1x2-p0x0x140.1-b1",
    "2d-n2-c2x3-i4x4-k3x3-s2x2-d4x4-p1-op3-b1",
    "3d-n1-c2x3-i4x4x4-k3x3x3-s2x2x2-d4x4x4-p1-op3-b1",
)

_OUTPUTS = (
    "2d-n1-c3x4-i36x35-k3x3-s2x2-b1",
    "2d-n1-c3x4-i36x35-k3x3-s2x2-cl-b1-grad",
    "2d-n1-c2x3-i3x1100-k2x3-s1x2-b1",
    "1d-n1-c1x3-i11000-k3-s3-p0-b1",
    "2d-n1-c1x2-i100x110-k2x2-s2x2-b1",
    "3d-n1-c2x3-i9x8x10-k3x2x3-s2x2x2-b1",
)

_ALGORITHMS = (
    "2d-n2-c4x6-i9x11-k3x3-p1-b1",
    "3d-n1-c3x4-i7x8x9-k3x3x3-p1-b1",
    "1d-n2-c2x3-i5-k3-s2-p1-c128-b1",
    "1d-n2-c2x3-i5-k3-s2-p1-c128-b1-grad",
    "2d-n2-c2x3-i3x4-k3x2-s2x1-c64-b1",
    "2d-n2-c2x3-i3x4-k3x2-s2x1-c64-b1-grad",
    "3d-n1-c2x3-i2x3x4-k2x3x2-s1x2x1-c64-b1",
    "3d-n1-c2x3-i2x3x4-k2x3x2-s1x2x1-c64-b1-grad",
    "3d-n2-c3x6-i3x4x2-k3x2x4-s2x3x1-g3-same-f16-b1-grad",
)


def size_cases() -> list[Case]:
    """The cases that reach the size classes."""
    ids = (
        *_ABOUT, *_ABOUT_GRADIENTS, *_GROUPS, *_CHANNELS, *_LONG_SUMS, *_PARAMETERS, *_OUTPUTS, *_ALGORITHMS,
    )  # fmt: skip
    return [Case.parse(case_id) for case_id in ids]
