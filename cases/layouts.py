"""The two layouts of a case: its input read in the other one, and when the user probably meant that one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.cases.case import Case
from conformance.cases.errors import CaseError, DomainError
from conformance.cases.fields import FieldValues

__all__ = ["explain_layout", "layout_doubt", "other_layout"]


_LONGEST_SIDES = 4  # the longest side of an image, in units of its shortest


def explain_layout(case: Case) -> Iterator[str]:
    """A sentence if the input's shape looks as if it were meant in the other layout."""
    other = other_layout(case)
    if other is None or case.input_shape == other.shape(case.in_channels, case.input_size):
        return
    shape, size, others = list(case.input_shape), case.input_size, other.input_size
    # An image has few channels and sides of similar length; a decoder's small input has more channels than rows.
    looks_like_an_image = other.in_channels < min(others) and max(others) <= _LONGEST_SIDES * min(others)
    fewer_channels = case.in_channels > max(size) >= min(size) == other.in_channels
    suspicious = len(set(others)) == 1 != len(set(size)) or (fewer_channels and looks_like_an_image)
    if case.rank == 1:
        suspicious = False
    if suspicious:
        yield (
            f"the axes look like the other layout: as {other.layout} an input {shape} has {other.in_channels} "
            f"channel(s) of {'x'.join(map(str, others))}, and the output would be {list(other.output_shape)}; "
            f"read as {case.layout}, as here, it has {case.in_channels} channel(s) of {'x'.join(map(str, size))}, "
            f"and the output is {list(case.output_shape)}"
        )


def layout_doubt(case: Case) -> str | None:
    """The sentence of `explain_layout`; None where there is none, and for an invalid case."""
    try:
        return next(explain_layout(case), None)
    except DomainError:
        return None


def other_layout(case: Case) -> Case | None:
    """The case whose input has the same shape in the other layout; None where there is no valid one."""
    shape = case.input_shape
    if case.layout == "channels_first":
        changes: FieldValues = {"layout": "channels_last", "input_size": shape[1:-1], "in_channels": shape[-1]}
    else:
        changes = {"layout": "channels_first", "input_size": shape[2:], "in_channels": shape[1]}
    try:
        other = replace(case, groups=1, **changes)
        other.geometry()
    except (CaseError, DomainError):
        return None
    return other
