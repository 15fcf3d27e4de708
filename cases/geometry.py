"""Where the output of a transposed convolution starts and ends: R4 to R7, R13 to R15, R17, and the domain R11.

Every padding convention is one small function from the numbers of an axis to the crop of the full output. To add a
convention, write a function here and its rule in ``specification.md``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases.errors import DomainError

if TYPE_CHECKING:
    from conformance.cases.case import Case

__all__ = [
    "AXIS_NAMES",
    "CONVENTIONS",
    "SPLITS",
    "Axis",
    "Convention",
    "Geometry",
    "axis_names",
    "check_domain",
    "solve",
]

AXIS_NAMES = ("D", "H", "W")


def axis_names(rank: int) -> tuple[str, ...]:
    """Names of the spatial axes: ``("W",)``, ``("H", "W")`` or ``("D", "H", "W")``."""
    return AXIS_NAMES[-rank:]


@dataclass(frozen=True)
class Axis:
    """The numbers of one spatial axis, all in elements."""

    input_size: int
    kernel_size: int
    stride: int
    dilation: int

    @property
    def effective_kernel(self) -> int:
        """Extent of the dilated kernel, e = d(k - 1) + 1."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def full_size(self) -> int:
        """Length of the full output, F = (i - 1)s + e."""
        return (self.input_size - 1) * self.stride + self.effective_kernel


@dataclass(frozen=True)
class Convention:
    """A named way to choose the output: its rules, and the function that applies them.

    ``place`` maps an axis and its output_padding (None: not given) to the start of the output within the full
    output and its length; it raises ValueError, with the reason, where there is no such output. ``wraps`` means
    that positions outside the output are not dropped but added to it, periodically (R15).
    """

    rules: tuple[str, str]
    place: Callable[[Axis, int | None], tuple[int, int]]
    wraps: bool = False

    def rule(self, output_padding: int | None) -> str:
        """The rule that applies, which depends on whether output_padding was given."""
        return self.rules[output_padding is not None]


def _valid(axis: Axis, output_padding: int | None) -> tuple[int, int]:
    if output_padding is None:
        return 0, axis.input_size * axis.stride + max(axis.effective_kernel - axis.stride, 0)
    return 0, axis.full_size + output_padding


def _same(axis: Axis, output_padding: int | None) -> tuple[int, int]:
    effective = axis.effective_kernel
    if output_padding is None:
        return max(effective - axis.stride, 0) // 2, axis.input_size * axis.stride
    length = (axis.input_size - 1) * axis.stride + effective - 2 * (effective // 2) + output_padding
    return max(axis.full_size - length, 0) // 2, length


def _same_upper(axis: Axis, output_padding: int | None) -> tuple[int, int]:
    length = axis.input_size * axis.stride
    return max(axis.full_size + (output_padding or 0) - length, 0) // 2, length


def _same_lower(axis: Axis, output_padding: int | None) -> tuple[int, int]:
    length = axis.input_size * axis.stride
    return (max(axis.full_size + (output_padding or 0) - length, 0) + 1) // 2, length


def _periodic(
    place: Callable[[Axis, int | None], tuple[int, int]],
) -> Callable[[Axis, int | None], tuple[int, int]]:
    def place_period(axis: Axis, output_padding: int | None) -> tuple[int, int]:
        if output_padding:
            raise ValueError("the output is one period, which an output_padding cannot lengthen")
        return place(axis, None)

    return place_period


CONVENTIONS: dict[str, Convention] = {
    "valid": Convention(("R5", "R5"), _valid),
    "same": Convention(("R6", "R7"), _same),
    "same_upper": Convention(("R13", "R13"), _same_upper),
    "same_lower": Convention(("R14", "R14"), _same_lower),
    "circular": Convention(("R15", "R15"), _periodic(_same_upper), wraps=True),
    "circular_lower": Convention(("R15", "R15"), _periodic(_same_lower), wraps=True),
}

# R17: the start of the crop, from its total, where the output size is given. Missing positions come at the end.
SPLITS: dict[str, Callable[[int], int]] = {
    "shape_upper": lambda total: max(total, 0) // 2,
    "shape_lower": lambda total: (max(total, 0) + 1) // 2,
}


@dataclass(frozen=True)
class Geometry:
    """Sizes that follow from a case.

    Attributes
    ----------
    axes : tuple of Axis
        The spatial axes, outermost first.
    output_size : tuple of int
        Output length on each axis.
    crop : tuple of (int, int)
        Positions dropped at the start and the end of the full output (R2); negative adds zeros.
    rule : str
        The rule that determined the output's start and size.
    wraps : bool
        Whether cropped positions are added to the output one or more periods away (R15) instead of dropped; the
        period of an axis is its output size.
    """

    axes: tuple[Axis, ...]
    output_size: tuple[int, ...]
    crop: tuple[tuple[int, int], ...]
    rule: str
    wraps: bool = False

    @property
    def windows(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """The crops whose outputs add up to the output: one, or, where it wraps, one for each period that the full
        output reaches into.
        """
        if not self.wraps or 0 in self.output_size:
            return (self.crop,)
        shifts = [
            [(low + m * period, high - m * period) for m in range(-low // period, -(-high // period) + 1)]
            for (low, high), period in zip(self.crop, self.output_size, strict=True)
        ]
        return tuple(itertools.product(*shifts))

    @property
    def effective_kernel(self) -> tuple[int, ...]:
        """Extent of the dilated kernel on each axis."""
        return tuple(axis.effective_kernel for axis in self.axes)

    @property
    def full_size(self) -> tuple[int, ...]:
        """Length of the full output on each axis."""
        return tuple(axis.full_size for axis in self.axes)


def check_domain(case: Case) -> None:
    """Raise `DomainError` for numbers that are invalid under every convention (R11)."""
    names = axis_names(case.rank)
    for field in ("kernel_size", "stride", "dilation"):
        for name, value in zip(names, getattr(case, field), strict=True):
            if value < 1:
                raise DomainError("R11", f"{field} is {value} on axis {name}; it must be at least 1")
    # Groups first: weights have Cout/G output channels, so that with groups 0 those are 0 as well.
    for field in ("groups", "in_channels", "out_channels"):
        if getattr(case, field) < 1:
            raise DomainError("R11", f"{field} is {getattr(case, field)}; it must be at least 1")
    for field in ("in_channels", "out_channels"):
        if getattr(case, field) % case.groups:
            raise DomainError("R11", f"{field} {getattr(case, field)} is not divisible by groups {case.groups}")
    for name, value in zip(names, case.output_padding or (), strict=False):
        if value < 0:
            raise DomainError("R11", f"output_padding is {value} on axis {name}; it must not be negative")


def solve(case: Case) -> Geometry:
    """Apply the written rules to a case that `check_domain` has checked.

    Parameters
    ----------
    case : Case
        The case.

    Returns
    -------
    Geometry
        Output size and crop of every axis.

    Raises
    ------
    DomainError
        The case is invalid (R11).
    """
    axes = tuple(
        Axis(*numbers)
        for numbers in zip(case.input_size, case.kernel_size, case.stride, case.dilation, strict=True)
    )
    output_padding = case.output_padding or (None,) * case.rank
    spans: list[tuple[int, int]] = []  # start within the full output, and length, on each axis
    wraps = False
    if case.given_output_size is not None:
        rule, split = "R17", SPLITS[str(case.padding)]
        for axis, extra, length in zip(axes, output_padding, case.given_output_size, strict=True):
            spans.append((split(axis.full_size + (extra or 0) - length), length))
    elif isinstance(case.padding, str):
        convention = CONVENTIONS[case.padding]
        rule, wraps = convention.rule(output_padding[0]), convention.wraps
        try:
            spans = [convention.place(axis, extra) for axis, extra in zip(axes, output_padding, strict=True)]
        except ValueError as error:
            raise DomainError("R11", f"{error} ({rule})") from None
    else:
        rule = "R4"
        for axis, (low, high), extra in zip(axes, case.padding, output_padding, strict=True):
            spans.append((low, axis.full_size - low - high + (extra or 0)))
    for name, (_, length) in zip(axis_names(case.rank), spans, strict=True):
        if length < 0:
            raise DomainError("R11", f"the output length is {length} on axis {name} by rule {rule}")
    return Geometry(
        axes=axes,
        output_size=tuple(length for _, length in spans),
        crop=tuple((low, axis.full_size - low - length) for axis, (low, length) in zip(axes, spans, strict=True)),
        rule=rule,
        wraps=wraps,
    )
