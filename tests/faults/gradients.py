"""Faults of the gradients alone: the output is right."""

from __future__ import annotations

import numpy as np

from tests.faults.geometry import along, misread
from tests.faults.machine import AXES, Outputs, Work, after


def _dy(work: Work) -> np.ndarray:
    return work.tensors["dy"]


def _recompute(work: Work, outputs: Outputs, name: str, **tensors: np.ndarray) -> None:
    """One gradient from changed tensors; the others stay right."""
    changed = Work(work.case, work.tensors | tensors, work.stride, work.dilation, work.groups, work.low, work.size)
    outputs[name] = changed.compute()[name]


@after("dx is zero", diagnosed_as="gradient_missing", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dx" in outputs:
        outputs["dx"] = np.zeros_like(outputs["dx"])


@after("dx with the kernel flipped on {}", axes=1, diagnosed_as="flip", shown_by="grad")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "dx" in outputs:
        _recompute(work, outputs, "dx", w=np.flip(work.tensors["w"], AXES[axis]))


@after("dx of another batch item", diagnosed_as="batch_permuted", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dx" in outputs:
        outputs["dx"] = np.roll(outputs["dx"], 1, axis=0)


@after("dx doubled", diagnosed_as="gradient_scaled", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dx" in outputs:
        outputs["dx"] = outputs["dx"] * 2


@after("dx misses the last position on {}", axes=1, diagnosed_as="input_dropped", shown_by="grad")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "dx" in outputs:
        outputs["dx"][along(AXES[axis], slice(-1, None))] = 0


@after("dx misses the last tap on {}", axes=1, diagnosed_as="tap_dropped", shown_by="p0.2x2.1x1.0 grad")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "dx" in outputs:
        w = work.tensors["w"].copy()
        w[along(AXES[axis], -1)] = 0
        _recompute(work, outputs, "dx", w=w)


@after(
    "dx ignores where the output starts on {}",
    axes=1,
    diagnosed_as="padding_ignored",
    shown_by="p1.2x2.1x3.1 grad",
)
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "dx" in outputs:
        low = work.low.copy()
        low[work.at(axis)] = 0
        moved = Work(work.case, work.tensors, work.stride, work.dilation, work.groups, low, work.size)
        outputs["dx"] = moved.compute()["dx"]


@after("dx of groups in reverse order", diagnosed_as="groups_permuted", shown_by="g2 grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dx" in outputs:
        order = np.arange(work.case.in_channels).reshape(work.groups, -1)[::-1].ravel()
        outputs["dx"] = outputs["dx"][:, order]


@after("dx with the weights' channels swapped", diagnosed_as="channels_swapped", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dx" in outputs:
        _recompute(work, outputs, "dx", w=misread(work.tensors["w"], 0, 1))


@after("dx rounded to bfloat16", diagnosed_as="bfloat16_output", shown_by="normal.0 grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dx" in outputs and not work.case.format.is_complex:
        fraction, exponent = np.frexp(outputs["dx"])
        outputs["dx"] = np.ldexp(np.round(fraction * 2.0**8), exponent - 8)


@after("dw is zero", diagnosed_as="gradient_missing", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dw" in outputs:
        outputs["dw"] = np.zeros_like(outputs["dw"])


@after("dw flipped on {}", axes=1, diagnosed_as="flip", shown_by="grad")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "dw" in outputs:
        outputs["dw"] = np.flip(outputs["dw"], AXES[axis])


@after("dw with {} and {} swapped", ranks=(2, 3), axes=2, diagnosed_as="kernel_axes_swapped", shown_by="grad")
def _(work: Work, outputs: Outputs, first: str, second: str) -> None:
    if "dw" in outputs:
        outputs["dw"] = misread(outputs["dw"], AXES[first], AXES[second])


@after("dw with the channels swapped", diagnosed_as="channels_swapped", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dw" in outputs:
        outputs["dw"] = misread(outputs["dw"], 0, 1)


@after("dw of the first batch item only", diagnosed_as="batch_not_summed", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dw" in outputs:
        x = work.tensors["x"].copy()
        x[1:] = 0
        _recompute(work, outputs, "dw", x=x)


@after("dw averaged over the batch", diagnosed_as="gradient_scaled", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dw" in outputs:
        outputs["dw"] = outputs["dw"] / max(work.case.batch, 1)


@after("dw misses the last tap on {}", axes=1, diagnosed_as="tap_dropped", shown_by="p0.2x2.1x1.0 grad")
def _(work: Work, outputs: Outputs, axis: str) -> None:
    if "dw" in outputs:
        outputs["dw"][along(AXES[axis], -1)] = 0


@after("dw ignores the dilation", diagnosed_as="dilation_ignored", on="every", shown_by="d3x2x4 grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dw" in outputs:
        ones = [1] * work.case.rank
        plain = Work(work.case, work.tensors, work.stride, ones, work.groups, work.low, work.size)
        outputs["dw"] = plain.compute()["dw"]


@after(
    "dw ignores where the output starts", diagnosed_as="padding_ignored", on="every", shown_by="p1.2x2.1x3.1 grad"
)
def _(work: Work, outputs: Outputs) -> None:
    if "dw" in outputs:
        zeros = [0] * work.case.rank
        moved = Work(work.case, work.tensors, work.stride, work.dilation, work.groups, zeros, work.size)
        outputs["dw"] = moved.compute()["dw"]


@after("dw of groups in reverse order", diagnosed_as="groups_permuted", shown_by="g2 grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dw" in outputs:
        order = np.arange(work.case.in_channels).reshape(work.groups, -1)[::-1].ravel()
        outputs["dw"] = outputs["dw"][order]


@after("dw leaves out the last input position", diagnosed_as="input_dropped", on="last", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dw" in outputs:
        x = work.tensors["x"].copy()
        x[..., -1:] = 0
        _recompute(work, outputs, "dw", x=x)


@after("db ignored", diagnosed_as="gradient_missing", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "db" in outputs:
        outputs["db"] = np.zeros_like(outputs["db"])


@after("db averaged over the positions", diagnosed_as="gradient_scaled", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "db" in outputs:
        outputs["db"] = outputs["db"] / max(np.prod(work.size), 1)


@after("db of the first batch item only", diagnosed_as="batch_not_summed", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "db" in outputs:
        outputs["db"] = _dy(work)[:1].sum(axis=(0, *range(2, _dy(work).ndim)))


@after("db leaves out the last position", diagnosed_as="db_partial", on="last", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "db" in outputs:
        outputs["db"] = _dy(work)[..., :-1].sum(axis=(0, *range(2, _dy(work).ndim)))


@after(
    "db leaves out where no tap reaches", diagnosed_as="db_partial", shown_by="k1x2x1 s3x4x2 d1x1x1 p0x0x0 grad"
)
def _(work: Work, outputs: Outputs) -> None:
    if "db" in outputs:
        reached = np.where(work.taps() > 0, _dy(work), 0)
        outputs["db"] = reached.sum(axis=(0, *range(2, reached.ndim)))


@after("db counted within the group", diagnosed_as="db_partial", shown_by="g2 grad")
def _(work: Work, outputs: Outputs) -> None:
    if "db" in outputs:
        share = work.case.out_channels // work.groups
        outputs["db"] = outputs["db"][np.arange(work.case.out_channels) % share]


@after("db missing", diagnosed_as="gradient_missing", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    outputs.pop("db", None)


@after("dw in the reverse order of axes", diagnosed_as="dw_rearranged", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "dw" in outputs:
        outputs["dw"] = outputs["dw"].T


# --- second order: the output and the first gradients are right


def _second(work: Work, outputs: Outputs, name: str, **tensors: np.ndarray) -> None:
    if name in outputs:
        _recompute(work, outputs, name, **tensors)


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
