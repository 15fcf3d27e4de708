"""Faults of position: which tap, which input element, which output position."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.faults.machine import AXES, Outputs, Work, after, before


def _flip(work: Work, name: str, axis: int) -> None:
    work.tensors[name] = np.flip(work.tensors[name], axis)


def misread(array: np.ndarray, first: int, second: int) -> np.ndarray:
    """An array whose memory is read with two axes swapped, in its own shape."""
    shape = list(array.shape)
    shape[first], shape[second] = shape[second], shape[first]
    return np.ascontiguousarray(array).reshape(shape).swapaxes(first, second)


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """Index of some elements along an axis that is counted from the last one."""
    return (..., index, *(slice(None),) * (-1 - axis))


@before("kernel flipped on {}", axes=1, diagnosed_as="flip")
def _(work: Work, axis: str) -> None:
    _flip(work, "w", AXES[axis])


@before("kernel flipped on every axis", ranks=(2, 3), diagnosed_as="flip", on="every")
def _(work: Work) -> None:
    for axis in range(work.case.rank):
        _flip(work, "w", 2 + axis)


@before("kernel read with {} and {} swapped", ranks=(2, 3), axes=2, diagnosed_as="kernel_axes_swapped")
def _(work: Work, first: str, second: str) -> None:
    work.tensors["w"] = misread(work.tensors["w"], AXES[first], AXES[second])


@before("input read with {} and {} swapped", ranks=(2, 3), axes=2, diagnosed_as="input_axes_swapped")
def _(work: Work, first: str, second: str) -> None:
    work.tensors["x"] = misread(work.tensors["x"], AXES[first], AXES[second])


@before("input mirrored on {}", axes=1, diagnosed_as="flip_input")
def _(work: Work, axis: str) -> None:
    _flip(work, "x", AXES[axis])


@after("output mirrored on {}", axes=1, diagnosed_as="flip_output")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "y" in outputs:
        outputs["y"] = np.flip(outputs["y"], AXES[axis])


@before("first tap on {} dropped", axes=1, diagnosed_as="tap_dropped")
def _(work: Work, axis: str) -> None:
    work.tensors["w"][along(AXES[axis], 0)] = 0


@before("last tap on {} dropped", axes=1, diagnosed_as="tap_dropped", shown_by="p0.2x2.1x1.0")
def _(work: Work, axis: str) -> None:
    work.tensors["w"][along(AXES[axis], -1)] = 0


@before("first input position on {} dropped", axes=1, diagnosed_as="input_dropped")
def _(work: Work, axis: str) -> None:
    work.tensors["x"][along(AXES[axis], slice(0, 1))] = 0


@before("last input position on {} dropped", axes=1, diagnosed_as="input_dropped")
def _(work: Work, axis: str) -> None:
    work.tensors["x"][along(AXES[axis], slice(-1, None))] = 0


@before(
    "stride of {} used on {}",
    ranks=(2, 3),
    axes=2,
    ordered=True,
    diagnosed_as="stride_of_another_axis",
    on="second",
)
def _(work: Work, source: str, target: str) -> None:
    work.stride[work.at(target)] = work.stride[work.at(source)]


@before(
    "dilation of {} used on {}",
    ranks=(2, 3),
    axes=2,
    ordered=True,
    diagnosed_as="dilation_of_another_axis",
    on="second",
    shown_by="d3x2x4",
)
def _(work: Work, source: str, target: str) -> None:
    work.dilation[work.at(target)] = work.dilation[work.at(source)]


@before("stride of {} and {} swapped", ranks=(2, 3), axes=2, diagnosed_as="stride_axes_swapped", shown_by="s2x3x4")
def _(work: Work, first: str, second: str) -> None:
    a, b = work.at(first), work.at(second)
    work.stride[a], work.stride[b] = work.stride[b], work.stride[a]


@before(
    "dilation of {} and {} swapped", ranks=(2, 3), axes=2, diagnosed_as="dilation_axes_swapped", shown_by="d3x2x4"
)
def _(work: Work, first: str, second: str) -> None:
    a, b = work.at(first), work.at(second)
    work.dilation[a], work.dilation[b] = work.dilation[b], work.dilation[a]


@before(
    "crop of {} and {} swapped",
    ranks=(2, 3),
    axes=2,
    diagnosed_as="padding_axes_swapped",
    shown_by="p0.3x2.1x1.4",
)
def _(work: Work, first: str, second: str) -> None:
    a, b = work.at(first), work.at(second)
    work.low[a], work.low[b] = work.low[b], work.low[a]


@before("stride ignored on {}", axes=1, diagnosed_as="stride_ignored", shown_by="s2x3x4")
def _(work: Work, axis: str) -> None:
    work.stride[work.at(axis)] = 1


@before("dilation ignored on {}", axes=1, diagnosed_as="dilation_ignored", shown_by="d3x2x4")
def _(work: Work, axis: str) -> None:
    work.dilation[work.at(axis)] = 1


@before(
    "dilation ignored on every axis", ranks=(2, 3), diagnosed_as="dilation_ignored", on="every", shown_by="d3x2x4"
)
def _(work: Work) -> None:
    work.dilation = [1] * work.case.rank


@before(
    "dilation counts the gaps, not the step, on {}", axes=1, diagnosed_as="dilation_off_by_one", shown_by="d3x2x4"
)
def _(work: Work, axis: str) -> None:
    if work.dilation[work.at(axis)] > 1:
        work.dilation[work.at(axis)] += 1


@before("stride and dilation swapped on {}", axes=1, diagnosed_as="stride_dilation_exchanged")
def _(work: Work, axis: str) -> None:
    a = work.at(axis)
    work.stride[a], work.dilation[a] = work.dilation[a], work.stride[a]


@before(
    "stride of the first axis used on every axis",
    ranks=(2, 3),
    diagnosed_as="stride_of_another_axis",
    on="inner",
    shown_by="s2x3x4",
)
def _(work: Work) -> None:
    work.stride = [work.stride[0]] * work.case.rank


@before("output starts one position late on {}", axes=1, diagnosed_as="shift")
def _(work: Work, axis: str) -> None:
    work.low[work.at(axis)] += 1


@before("output starts one position early on {}", axes=1, diagnosed_as="shift")
def _(work: Work, axis: str) -> None:
    work.low[work.at(axis)] -= 1


@after("first output position on {} left zero", axes=1, diagnosed_as="output_dropped")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "y" in outputs:
        outputs["y"][along(AXES[axis], slice(0, 1))] = 0


@after("last output position on {} left zero", axes=1, diagnosed_as="output_dropped")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "y" in outputs:
        outputs["y"][along(AXES[axis], slice(-1, None))] = 0


@before("crop at start and end swapped on {}", axes=1, diagnosed_as="crop_exchanged", shown_by="p0.3x1.4x2.0")
def _(work: Work, axis: str) -> None:
    work.low[work.at(axis)] = work.case.geometry().crop[work.at(axis)][1]


@before(
    "`same` rounds the front up on {}",
    axes=1,
    diagnosed_as="same_convention",
    shown_by="k4x3x6 s3x2x3 d1x1x1 same opauto",
)
def _(work: Work, axis: str) -> None:
    a, case = work.at(axis), work.case
    low, high = case.geometry().crop[a]
    if case.padding == "same" and low >= 0 and high > low:
        work.low[a] = low + (low + high) % 2


@before(
    "`same` ignores the stride on {}",
    axes=1,
    diagnosed_as="stride_ignored",
    shown_by="k4x5x6 s3x2x3 d1x1x1 same opauto",
)
def _(work: Work, axis: str) -> None:
    a, case = work.at(axis), work.case
    if case.padding == "same":
        work.low[a] = (case.geometry().effective_kernel[a] - 1) // 2


@before(
    "`same` takes the kernel without its dilation on {}",
    axes=1,
    diagnosed_as="dilation_ignored",
    shown_by="k4x3x4 s3x2x3 d2x3x2 same opauto",
)
def _(work: Work, axis: str) -> None:
    a, case = work.at(axis), work.case
    if case.padding == "same" and case.output_padding is None:
        work.low[a] = max(case.kernel_size[a] - case.stride[a], 0) // 2


@before(
    "`valid` puts the positions beyond the full result in front on {}",
    axes=1,
    diagnosed_as="zeros_in_front",
    shown_by="k2x1x2 s3x4x5 d1x1x1 valid opauto",
)
def _(work: Work, axis: str) -> None:
    a, case = work.at(axis), work.case
    if case.padding == "valid":
        work.low[a] += min(case.geometry().crop[a][1], 0)


@before(
    "positions beyond the full result put half in front",
    diagnosed_as="zeros_at_both_ends",
    on="every",
    shown_by="n1 c2x3 k2x2x2 s9x9x9 d1x1x1 same opauto",
)
def _(work: Work) -> None:
    for axis, (_, high) in enumerate(work.case.geometry().crop):
        work.low[axis] += int(min(high, 0) / 2)


@before("output_padding put in front on {}", axes=1, diagnosed_as="output_padding_in_front", shown_by="op2x1x1")
def _(work: Work, axis: str) -> None:
    if work.case.output_padding:
        work.low[work.at(axis)] -= work.case.output_padding[work.at(axis)]


@after("output_padding filled with zeros on {}", axes=1, diagnosed_as="output_padding_empty", shown_by="op2x1x2")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    extra = work.case.output_padding[work.at(axis)] if work.case.output_padding else 0
    if "y" in outputs and extra:
        outputs["y"][along(AXES[axis], slice(-extra, None))] = 0


@before("explicit padding ignored on {}", axes=1, diagnosed_as="padding_ignored", shown_by="s2x3x2 p1.2x2.1x3.1")
def _(work: Work, axis: str) -> None:
    if not isinstance(work.case.padding, str):
        work.low[work.at(axis)] = 0


@before(
    "explicit padding in units of the stride on {}",
    axes=1,
    diagnosed_as="padding_scaled",
    shown_by="s2x3x2 p1.2x2.1x3.1",
)
def _(work: Work, axis: str) -> None:
    if not isinstance(work.case.padding, str):
        work.low[work.at(axis)] *= work.case.stride[work.at(axis)]


@before(
    "crop beyond the full result clamped on {}",
    axes=1,
    diagnosed_as="padding_clamped",
    shown_by="pm1.3xm2.1xm3.m1",
)
def _(work: Work, axis: str) -> None:
    work.low[work.at(axis)] = max(work.low[work.at(axis)], 0)


@after(
    "overlapping taps overwrite instead of adding",
    diagnosed_as="overlap_not_summed",
    shown_by="k3x3x3 s1x1x1 d1x1x1 p0x0x0",
)
def _(work: Work, outputs: Outputs) -> None:
    if "y" not in outputs:
        return
    # The last tap that reaches a position wins: recompute with every later tap clearing what it touches.
    case, t = work.case, work.tensors
    last = np.zeros_like(outputs["y"])
    for tap in np.ndindex(*t["w"].shape[2:]):
        alone = np.zeros_like(t["w"])
        alone[(slice(None), slice(None), *tap)] = t["w"][(slice(None), slice(None), *tap)]
        part = Work(case, {"x": t["x"], "w": alone}, work.stride, work.dilation, work.groups, work.low, work.size)
        marks = Work(case, {"x": np.ones(t["x"].shape), "w": (alone != 0).astype(float)}, work.stride,
                     work.dilation, work.groups, work.low, work.size)  # fmt: skip
        last = np.where(np.abs(marks.compute()["y"]) > 0, part.compute()["y"], last)
    bias = t["bias"].reshape(-1, *(1,) * case.rank) if "bias" in t else 0
    outputs["y"] = last + bias


@after(
    "seams between overlapping taps counted twice on {}",
    axes=1,
    diagnosed_as="overlap_twice",
    shown_by="k4x5x4 s2x3x2",
)
def _(work: Work, outputs: Outputs, axis: str) -> None:
    s, k = work.stride[work.at(axis)], work.case.kernel_size[work.at(axis)]
    if "y" in outputs and 1 < s < k:
        outputs["y"][along(AXES[axis], slice(s, s + 1))] *= 2


# --- the conventions of R13 to R15


@before(
    "periodic output cut off, not wrapped",
    diagnosed_as="not_wrapped",
    shown_by="k4x6x4 s3x3x3 d1x1x1 circular opauto",
)
def _(work: Work) -> None:
    work.wraps = False


def _taken_for(word: str, other: str, *, diagnosed_as: str, on: str) -> None:
    @before(
        f"{word} taken for {other}",
        diagnosed_as=diagnosed_as,
        on=on,
        shown_by=f"k4x6x4 s3x3x3 d1x1x1 {word} opauto",
    )
    def _(work: Work) -> None:
        if work.case.padding == word:
            work.low = [low for low, _ in replace(work.case, padding=other).geometry().crop]


# Which of two middles the crop takes is what one step of the stride makes of it too.
_taken_for("same_upper", "same_lower", diagnosed_as="stride_off_by_one", on="every")
_taken_for("same_lower", "same_upper", diagnosed_as="stride_off_by_one", on="every")
_taken_for("circular", "circular_lower", diagnosed_as="another_period", on="chosen")
_taken_for("circular_lower", "circular", diagnosed_as="another_period", on="chosen")
