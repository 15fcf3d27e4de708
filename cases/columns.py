"""The columns of a case in tables, conditions and reports, derived from its fields and its geometry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.cases.case import Case
from conformance.cases.errors import DomainError
from conformance.cases.fields import FIELDS

__all__ = ["COLUMN_NAMES", "Row", "columns"]

Row = dict[str, Any]
"""Values by name of column, as SQLite has them."""

# On how many axes something holds: more than 0 is "on some axis", equal to rank "on every axis". The parameters
# are input size, kernel size, stride, dilation and output_padding of an axis.
_AXIS_COUNTS: dict[str, Callable[[int, int, int, int, int | None], bool]] = {
    "axes_stride_over_kernel": lambda i, k, s, d, o: s > k,
    "axes_stride_over_effective": lambda i, k, s, d, o: s > d * (k - 1) + 1,
    "axes_output_padding_over_stride": lambda i, k, s, d, o: o is not None and o >= s,
    "axes_kernel_indivisible": lambda i, k, s, d, o: s > 0 and k % s != 0,
    "axes_kernel_even": lambda i, k, s, d, o: k % 2 == 0,
    "axes_kernel_is_input": lambda i, k, s, d, o: k == i,
    "axes_kernel_is_stride": lambda i, k, s, d, o: k == s,
    "axes_dilation_over_input": lambda i, k, s, d, o: d >= i,
    "axes_stride_over_input": lambda i, k, s, d, o: s > i,
}

# The same for the crop, with the effective kernel e. output_padding crops the low end more than the high one; a
# crop of e or more removes positions that whole input elements reach.
_CROP_COUNTS: dict[str, Callable[[int, int, int], bool]] = {
    "axes_crop_uneven": lambda low, high, e: low != high,
    "axes_crop_low_over_high": lambda low, high, e: low > high,
    "axes_crop_over_effective": lambda low, high, e: max(low, high) >= e,
}

_GEOMETRY = ("effective_min", "effective_max", "full_min", "full_max", "output_min", "output_max",
             "crop_low_min", "crop_low_max", "crop_high_min", "crop_high_max")  # fmt: skip


_BY_AXIS = ("input", "kernel", "stride", "dilation", "output_padding", "output", "crop_low", "crop_high")
_AXES = ("d", "h", "w")


def _along_axes(name: str, values: tuple[int, ...] | None) -> dict[str, int | None]:
    """One column per axis: ``kernel_d``, ``kernel_h``, ``kernel_w``; None for an axis that the case lacks."""
    values = values or ()
    return {
        f"{name}_{axis}": value for axis, value in zip(_AXES, (None,) * (3 - len(values)) + values, strict=True)
    }


def columns(case: Case) -> Row:
    """All columns of a case: ``case_id``, one or more per field, counts of axes, and numbers of each axis and of
    the geometry.

    ``valid_question`` is 0 for an invalid case (R11), whose geometry columns are None.
    """
    row: Row = {"case_id": str(case)}
    for field in FIELDS:
        row.update(field.columns(case))
    given = case.output_padding or (None,) * case.rank
    axes = list(zip(case.input_size, case.kernel_size, case.stride, case.dilation, given, strict=True))
    row.update({name: sum(holds(*axis) for axis in axes) for name, holds in _AXIS_COUNTS.items()})
    given_by_axis = (case.input_size, case.kernel_size, case.stride, case.dilation, case.output_padding)
    for name, numbers in zip(_BY_AXIS, given_by_axis, strict=False):
        row.update(_along_axes(name, numbers))
    try:
        geometry = case.geometry()
    except DomainError:
        invalid = {
            **row,
            "output_size": None,
            "valid_question": 0,
            **dict.fromkeys((*_CROP_COUNTS, *_GEOMETRY)),
        }
        for name in _BY_AXIS[5:]:
            invalid.update(_along_axes(name, None))
        return _sixty_four_bits(invalid)
    lows, highs = zip(*geometry.crop, strict=True)
    row["output_size"] = "x".join(map(str, geometry.output_size))
    row["valid_question"] = 1
    crops = list(zip(lows, highs, geometry.effective_kernel, strict=True))
    row.update({name: sum(holds(*axis) for axis in crops) for name, holds in _CROP_COUNTS.items()})
    for name, values in (
        ("effective", geometry.effective_kernel),
        ("full", geometry.full_size),
        ("output", geometry.output_size),
        ("crop_low", lows),
        ("crop_high", highs),
    ):
        row[f"{name}_min"], row[f"{name}_max"] = min(values), max(values)
    for name, numbers in zip(_BY_AXIS[5:], (geometry.output_size, lows, highs), strict=True):
        row.update(_along_axes(name, numbers))
    return _sixty_four_bits(row)


def _sixty_four_bits(row: Row) -> Row:
    # SQLite's integers end at 2**63 - 1; a comparison beyond that does not need the last digit.
    beyond = [name for name, value in row.items() if isinstance(value, int) and not -(2**63) < value < 2**63]
    return row | {name: float(row[name]) for name in beyond}


COLUMN_NAMES: tuple[str, ...] = tuple(columns(Case(rank=1, input_size=(1,), kernel_size=(1,))))
