"""Sequences: a case, then variants with one parameter changed, one after the other in one process.

A runtime may cache a plan, packed weights or a compiled program under a key that lacks a parameter. It then uses
for the second of two such cases what it cached for the first. Each sequence ends with its first case, with new
data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from conformance.cases.case import Case
from conformance.cases.design.boundary import with_rank
from conformance.cases.policy import policies

__all__ = ["BASES", "CHANGES", "sequence", "sequences"]

_TEMPLATES = (
    "3d-n2-c4x6-i5x4x3-k3x2x2-s2x1x3-d1-g1-p1x0x0-op1x0x1-cf-f32-b1-ints.0-fwd",
    "3d-n1-c4x3-i4x5x3-k2x3x1-s1x2x2-d1-g1-p0x1x0-op0x1x0-cl-f32-b1-ints.0-fwd",
    "3d-n2-c4x8-i3x5x4-k3x2x2-s2x1x1-d1-g2-p1x1x0-op1x0x0-cf-f32-b1-ints.0-fwd",
    "3d-n1-c3x3-i5x3x4-k2x3x2-s1x2x1-d1-g3-p0x1x1-op0x1x0-cf-f32-b1-ints.0-fwd",
    "3d-n2-c4x6-i4x5x3-k3x2x2-s2x3x1-d1-g1-same-opauto-cf-f32-b1-ints.0-fwd",
    "3d-n2-c4x2-i3x4x5-k2x3x2-s2x1x2-d1-g1-valid-opauto-cl-f32-b1-ints.0-fwd",
    "3d-n1-c4x6-i4x3x5-k3x2x3-s1x2x1-d2x1x1-g1-p1.0x0.1x2.1-op0x1x0-cf-f32-b1-ints.0-fwd",
    "3d-n2-c4x6-i5x3x4-k2x3x2-s2x1x2-d1-g1-p0x1x0-op1x0x1-cf-f16-b1-ints.0-fwd",
    "3d-n2-c2x6-i3x5x4-k3x2x2-s1x2x2-d1-g1-p1x0x0-op0x1x1-cf-bf16-b1-ints.0-fwd",
    "3d-n2-c4x3-i5x4x3-k3x2x2-s2x1x1-d1-g1-p1x0x0-op1x0x0-cf-f64-b1-ints.0-fwd",
    "3d-n2-c4x6-i4x5x3-k2x3x2-s1x2x2-d1-g1-p0x1x0-op0x1x0-cf-f32-b1-ints.0-grad",
    "3d-n1-c4x5-i5x4x3-k3x2x2-s2x1x2-d1-g1-p1x0x0-op1x0x0-cl-f32-b1-normal.0-fwd",
    "3d-n3-c2x5-i4x3x5-k1x3x2-s1x2x3-d1-g1-p0x1x0-op0x0x1-cf-f32-b1-normal.0-grad",
)  # fmt: skip

BASES: dict[str, tuple[Case, ...]] = {
    "smoke": (with_rank(Case.parse(_TEMPLATES[0]), 2),),
    "gate": (
        with_rank(Case.parse(_TEMPLATES[0]), 2),
        Case.parse(_TEMPLATES[0]),
        with_rank(Case.parse(_TEMPLATES[1]), 1),
        with_rank(Case.parse(_TEMPLATES[2]), 2),
        with_rank(Case.parse(_TEMPLATES[4]), 2),
    ),
    "full": tuple(with_rank(Case.parse(template), rank) for template in _TEMPLATES for rank in (2, 1, 3)),
}
"""The first case of each sequence, by tier."""


def _other_groups(case: Case) -> Case:
    """Other groups under weights of the same shape, so that the number of output channels differs."""
    groups = 1 if case.groups > 1 else 2
    return replace(case, groups=groups, out_channels=case.out_channels // case.groups * groups)


def _other_padding(case: Case) -> Case:
    if isinstance(case.padding, str):
        return replace(case, padding="valid" if case.padding == "same" else "same")
    return replace(case, padding=tuple((high, low + 1) for low, high in case.padding))


def _other_extra(case: Case) -> Case:
    if case.output_padding is None or not any(case.output_padding):
        return replace(case, output_padding=(*(0,) * (case.rank - 1), 1))
    return replace(case, output_padding=(0,) * case.rank)


def _other_stride(case: Case) -> Case:
    """The same numbers on other axes where they differ: a key that sorts them treats both as equal."""
    reversed_stride = case.stride[::-1]
    if reversed_stride == case.stride:
        return replace(case, stride=tuple(size + 1 for size in case.stride))
    extra = None if case.output_padding is None else case.output_padding[::-1]
    return replace(case, stride=reversed_stride, output_padding=extra)


def _other_direction(case: Case) -> Case:
    return replace(case, direction="grad" if case.direction == "fwd" else "fwd")


CHANGES: dict[str, Callable[[Case], Case]] = {
    "weights": lambda case: replace(case, seed=case.seed + 1),
    "stride": _other_stride,
    "larger_stride": lambda case: replace(case, stride=tuple(size + 1 for size in case.stride)),
    "padding": _other_padding,
    "output_padding": _other_extra,
    "dilation": lambda case: replace(case, dilation=tuple(2 if d == 1 else 1 for d in case.dilation)),
    "groups": _other_groups,
    "dtype": lambda case: replace(case, dtype="f64" if case.dtype != "f64" else "f32"),
    "layout": lambda case: replace(
        case, layout="channels_last" if case.layout == "channels_first" else "channels_first"
    ),
    "smaller": lambda case: replace(case, input_size=tuple(max(size - 1, 1) for size in case.input_size)),
    "larger": lambda case: replace(case, input_size=tuple(size + 2 for size in case.input_size)),
    "direction": _other_direction,
    "again": lambda case: replace(case, seed=case.seed + 2),
}
"""The changes, one parameter per case; the last is the first case with new data."""

_ONLY_BEYOND_SMOKE = ("smaller", "larger")


def sequence(base: Case, changes: Iterable[str] = tuple(CHANGES)) -> list[Case]:
    """A case and its twins, as far as the rules require an output of them.

    Parameters
    ----------
    base : Case
        The first case.
    changes : iterable of str
        Names in ``CHANGES``.
    """
    twins = (CHANGES[name](base) for name in changes)
    return list(dict.fromkeys([base, *(twin for twin in twins if _is_valid(twin))]))


def _is_valid(case: Case) -> bool:
    try:
        return min(case.geometry().output_size) > 0 and not policies(case)
    except ValueError:
        return False


def sequences(tier: str) -> Iterator[list[Case]]:
    """The sequences of a tier."""
    changes = [name for name in CHANGES if tier != "smoke" or name not in _ONLY_BEYOND_SMOKE]
    for base in BASES.get(tier, ()):
        yield sequence(base, changes)
