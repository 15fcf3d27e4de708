"""Faults of the second order alone: the output and the first gradients are right."""

from __future__ import annotations

import numpy as np

from tests.faults.geometry import along, misread
from tests.faults.gradients import recompute
from tests.faults.machine import AXES, Outputs, Work, after


def _second(work: Work, outputs: Outputs, name: str, **tensors: np.ndarray) -> None:
    if name in outputs:
        recompute(work, outputs, name, **tensors)


def _zeros(work: Work, name: str) -> np.ndarray:
    return np.zeros_like(work.tensors[name])


@after("ddx is zero", diagnosed_as="gradient_missing", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2")
def _(work: Work, outputs: Outputs) -> None:
    if "ddx" in outputs:
        outputs["ddx"] = np.zeros_like(outputs["ddx"])


@after(
    "ddx with the weights themselves",
    diagnosed_as="second_order_tensor",
    shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2",
)
def _(work: Work, outputs: Outputs) -> None:
    if "ddx" in outputs:
        _second(work, outputs, "ddx", vw=work.tensors["w"])


@after(
    "ddx with the kernel flipped on {}",
    axes=1,
    diagnosed_as="flip",
    shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2",
)
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "ddx" in outputs:
        _second(work, outputs, "ddx", vw=np.flip(work.tensors["vw"], AXES[axis]))


@after("ddx of another batch item", diagnosed_as="batch_permuted", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2")
def _(work: Work, outputs: Outputs) -> None:
    if "ddx" in outputs:
        outputs["ddx"] = np.roll(outputs["ddx"], 1, axis=0)


@after(
    "ddx misses the last tap on {}",
    axes=1,
    diagnosed_as="tap_dropped",
    shown_by="n2 i2x3x3 k2x3x2 p0.2x2.1x1.0 grad2",
)
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "ddx" in outputs:
        vw = work.tensors["vw"].copy()
        vw[along(AXES[axis], -1)] = 0
        _second(work, outputs, "ddx", vw=vw)


@after(
    "ddx of groups in reverse order",
    diagnosed_as="groups_permuted",
    shown_by="n2 i2x3x3 k2x3x2 g2 p1.1x1.1x1.0 grad2",
)
def _(work: Work, outputs: Outputs) -> None:
    if "ddx" in outputs:
        order = np.arange(work.case.in_channels).reshape(work.groups, -1)[::-1].ravel()
        outputs["ddx"] = outputs["ddx"][:, order]


@after("ddw is zero", diagnosed_as="gradient_missing", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2")
def _(work: Work, outputs: Outputs) -> None:
    if "ddw" in outputs:
        outputs["ddw"] = np.zeros_like(outputs["ddw"])


@after(
    "ddw with the input itself", diagnosed_as="second_order_tensor", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2"
)
def _(work: Work, outputs: Outputs) -> None:
    if "ddw" in outputs:
        _second(work, outputs, "ddw", vx=work.tensors["x"])


@after("ddw flipped on {}", axes=1, diagnosed_as="flip", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "ddw" in outputs:
        outputs["ddw"] = np.flip(outputs["ddw"], AXES[axis])


@after(
    "ddw with the channels swapped",
    diagnosed_as="channels_swapped",
    shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2",
)
def _(work: Work, outputs: Outputs) -> None:
    if "ddw" in outputs:
        outputs["ddw"] = misread(outputs["ddw"], 0, 1)


@after(
    "ddw of the first batch item only",
    diagnosed_as="batch_dropped",
    shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2",
)
def _(work: Work, outputs: Outputs) -> None:
    if "ddw" in outputs:
        vx = work.tensors["vx"].copy()
        vx[1:] = 0
        _second(work, outputs, "ddw", vx=vx)


@after(
    "ddw ignores the dilation",
    diagnosed_as="dilation_ignored",
    on="every",
    shown_by="n2 c2x3 i2x3x3 k2x3x2 d3x2x4 p1.1x1.1x1.0 grad2",
)
def _(work: Work, outputs: Outputs) -> None:
    if "ddw" in outputs:
        ones = [1] * work.case.rank
        plain = Work(work.case, work.tensors, work.stride, ones, work.groups, work.low, work.size)
        outputs["ddw"] = plain.compute()["ddw"]


@after(
    "ddy without the term of vx", diagnosed_as="second_order_term", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2"
)
def _(work: Work, outputs: Outputs) -> None:
    if "ddy" in outputs:
        _second(work, outputs, "ddy", vx=_zeros(work, "vx"))


@after(
    "ddy without the term of vw", diagnosed_as="second_order_term", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2"
)
def _(work: Work, outputs: Outputs) -> None:
    if "ddy" in outputs:
        _second(work, outputs, "ddy", vw=_zeros(work, "vw"))


@after("ddy without vb", diagnosed_as="second_order_term", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2")
def _(work: Work, outputs: Outputs) -> None:
    if "ddy" in outputs and "vb" in work.tensors:
        _second(work, outputs, "ddy", vb=_zeros(work, "vb"))


@after(
    "ddy with the bias for vb", diagnosed_as="second_order_tensor", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2"
)
def _(work: Work, outputs: Outputs) -> None:
    if "ddy" in outputs and "vb" in work.tensors:
        _second(work, outputs, "ddy", vb=work.tensors["bias"])


@after("ddy doubled", diagnosed_as="gradient_scaled", shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2")
def _(work: Work, outputs: Outputs) -> None:
    if "ddy" in outputs:
        outputs["ddy"] = outputs["ddy"] * 2


@after(
    "ddy with vw flipped on {}",
    axes=1,
    diagnosed_as="second_order_flip",
    shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2",
)
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "ddy" in outputs:
        _second(work, outputs, "ddy", vw=np.flip(work.tensors["vw"], AXES[axis]))


@after(
    "ddy ignores where the output starts on {}",
    axes=1,
    diagnosed_as="padding_ignored",
    shown_by="n2 i2x3x3 k2x3x2 p1.1x1.1x1.0 grad2",
)
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "ddy" in outputs:
        low = work.low.copy()
        low[work.at(axis)] = 0
        moved = Work(work.case, work.tensors, work.stride, work.dilation, work.groups, low, work.size)
        outputs["ddy"] = moved.compute()["ddy"]
