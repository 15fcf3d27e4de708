"""Faults of the first gradients alone: the output is right."""

from __future__ import annotations

import numpy as np

from tests.faults.geometry import along, misread
from tests.faults.machine import AXES, Outputs, Work, after


def upstream(work: Work) -> np.ndarray:
    return work.tensors["dy"]


def recompute(work: Work, outputs: Outputs, name: str, **tensors: np.ndarray) -> None:
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
        recompute(work, outputs, "dx", w=np.flip(work.tensors["w"], AXES[axis]))


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
        recompute(work, outputs, "dx", w=w)


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
        recompute(work, outputs, "dx", w=misread(work.tensors["w"], 0, 1))


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
        recompute(work, outputs, "dw", x=x)


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
        recompute(work, outputs, "dw", x=x)


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
        outputs["db"] = upstream(work)[:1].sum(axis=(0, *range(2, upstream(work).ndim)))


@after("db leaves out the last position", diagnosed_as="db_partial", on="last", shown_by="grad")
def _(work: Work, outputs: Outputs) -> None:
    if "db" in outputs:
        outputs["db"] = upstream(work)[..., :-1].sum(axis=(0, *range(2, upstream(work).ndim)))


@after(
    "db leaves out where no tap reaches", diagnosed_as="db_partial", shown_by="k1x2x1 s3x4x2 d1x1x1 p0x0x0 grad"
)
def _(work: Work, outputs: Outputs) -> None:
    if "db" in outputs:
        reached = np.where(work.taps() > 0, upstream(work), 0)
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
