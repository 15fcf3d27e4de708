"""Invalid cases (R11), one violation at a time and in pairs, and sizes beyond any memory (R12).

The right response to the former is a clear error. The latter have an output by the rules that no machine can
hold, or parameters that many interfaces cannot pass: a refusal is right, a dead process or a wrong shape is not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.cases.case import Case
from conformance.cases.design.boundary import with_rank

__all__ = ["OVERSIZED", "VIOLATIONS", "oversized", "violations"]

# Without groups, stride and dilation together, or explicit padding, so that every interface can express it.
_PLAIN = Case.parse("3d-n2-c4x6-i5x4x3-k3x2x4-s2x3x2-valid-op1x0x1-b1")
_GROUPED = Case.parse("3d-n2-c4x6-i5x4x3-k3x2x4-s2x3x1-g2-p1x0x1-b1")

Change = dict[str, Any]

VIOLATIONS: dict[str, Change] = {
    "kernel_size 0": {"kernel_size": 0},
    "stride 0": {"stride": 0},
    "stride below 0": {"stride": -2},
    "dilation 0": {"dilation": 0},
    "dilation below 0": {"dilation": -1},
    "output_padding below 0": {"output_padding": -1},
    "output length below 0": {"padding": (30, 30)},
    "in_channels 0": {"in_channels": 0},
    "out_channels 0": {"out_channels": 0},
    "groups 0": {"groups": 0},
    "groups below 0": {"groups": -2},
    "in_channels not divisible by groups": {"in_channels": 5},
    "out_channels not divisible by groups": {"out_channels": 7},
    "input of another rank": {"data": "wrongrank"},
    "input of other channels": {"data": "wrongchannels"},
    "bias of another length": {"data": "wrongbias"},
    "bias one too short": {"data": "shortbias"},
    "input with one channel too few": {"data": "fewchannels"},
}
"""The violations: the field and its wrong value, on one axis where the field has one value per axis."""

# With another violation they would repeat what an input or a bias that is too long shows.
_ALONE = {"bias one too short", "input with one channel too few"}
_OF_GROUPS = {"groups 0", "groups below 0", *(name for name in VIOLATIONS if name.endswith("by groups"))}


def _violate(case: Case, change: Change, axis: int) -> Case:
    fields = {}
    for name, value in change.items():
        current = getattr(case, name)
        if name == "padding":
            current = ((0, 0),) * case.rank if isinstance(current, str) else current
        if isinstance(current, tuple):
            value = (*current[:axis], value, *current[axis + 1 :])
        fields[name] = value
    return replace(case, **fields)


def violations(count: int) -> Iterator[Case]:
    """Cases on every rank with ``count`` violations at once, in different fields.

    The first violation is on the first axis, the second on the last.
    """
    available = [name for name in VIOLATIONS if count == 1 or name not in _ALONE]
    for rank, names in itertools.product((1, 2, 3), itertools.combinations(available, count)):
        changes = [VIOLATIONS[name] for name in names]
        if len({field for change in changes for field in change}) < count:
            continue
        case = with_rank(_GROUPED if _OF_GROUPS & set(names) else _PLAIN, rank)
        if any("output_padding" in change for change in changes) and case.output_padding is None:
            case = replace(case, output_padding=(0,) * rank)
        for change, axis in zip(changes, (0, rank - 1), strict=False):
            case = _violate(case, change, axis)
        yield case


OVERSIZED: tuple[str, ...] = (
    # An output of more positions than 32 or 64 bits can count, and of terabytes at least.
    "1d-n64-c1x64-i3-k2-s2147483647-p0",
    "1d-n64-c1x64-i3-k2-s4294967297-p0",
    "1d-i3-k2-s4611686018427387904-p0",
    "1d-i2-k3-d4611686018427387904-p0",
    "2d-i3x3-k2x2-s2147483647x2147483647-p0",
    "2d-i2x2-k2x3-s4294967296x4294967296-valid",
    "3d-i2x3x2-k2x2x3-s2097152x2097152x4194304-p0",
    "1d-i4-k3-s1152921504606846976-same",
    "1d-i2-k2-s2-p0-op9223372036854775807",
    # Parameters as large, with a small output.
    "1d-i1-k3-s4294967297-p0",
    "2d-i1x2-k2x3-s4611686018427387904x2-p0",
    "1d-i3-k1-d4294967297-p0",
)


def oversized() -> list[Case]:
    """The cases of ``OVERSIZED``."""
    return [Case.parse(text) for text in OVERSIZED]
