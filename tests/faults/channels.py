"""Faults of channels, groups, batch and bias."""

from __future__ import annotations

import numpy as np

from tests.faults.geometry import misread
from tests.faults.machine import Outputs, Work, after, before


def _reorder(work: Work, name: str, axis: int, order: np.ndarray | list[int]) -> None:
    work.tensors[name] = work.tensors[name].take(order, axis)


@before("weights read with input and output channels swapped", diagnosed_as="channels_swapped")
def _(work: Work) -> None:
    work.tensors["w"] = misread(work.tensors["w"], 0, 1)


@before(
    "weights exchange input and output channels only when both counts agree",
    diagnosed_as="channels_swapped",
    shown_by="c4x4",
)
def _(work: Work) -> None:
    w = work.tensors["w"]
    if w.shape[0] == w.shape[1]:
        work.tensors["w"] = w.swapaxes(0, 1)


@before("input channels reversed", diagnosed_as="channels_permuted")
def _(work: Work) -> None:
    _reorder(work, "x", 1, np.arange(work.case.in_channels)[::-1])


@after("output channels reversed", diagnosed_as="channels_permuted")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"] = outputs["y"][:, ::-1]


@before("first input channel dropped", diagnosed_as="channel_dropped")
def _(work: Work) -> None:
    work.tensors["x"][:, :1] = 0


@before("last input channel dropped", diagnosed_as="channel_dropped")
def _(work: Work) -> None:
    work.tensors["x"][:, -1:] = 0


@after("last output channel left zero", diagnosed_as="channel_dropped")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"][:, -1:] = 0


@before("layout misread", diagnosed_as="layout_mistaken", shown_by="k3x2x2 s2x1x1 p0x0x0")
def _(work: Work) -> None:
    x = work.tensors["x"]
    work.tensors["x"] = np.ascontiguousarray(np.moveaxis(x, 1, -1)).reshape(x.shape)


@before("layout misread only in channels_last", diagnosed_as="layout_mistaken", shown_by="k3x2x2 s2x1x1 p0x0x0 cl")
def _(work: Work) -> None:
    x = work.tensors["x"]
    if work.case.layout == "channels_last":
        work.tensors["x"] = np.ascontiguousarray(np.moveaxis(x, 1, -1)).reshape(x.shape)


# --- groups


def _interleaved(count: int, groups: int) -> np.ndarray:
    return np.arange(count).reshape(groups, -1).T.ravel()


@before("groups interleaved over the input channels", diagnosed_as="groups_interleaved", shown_by="g2")
def _(work: Work) -> None:
    _reorder(work, "x", 1, _interleaved(work.case.in_channels, work.groups))


@after("groups interleaved over the output channels", diagnosed_as="groups_interleaved", shown_by="g2")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"] = outputs["y"][:, _interleaved(work.case.out_channels, work.groups)]


@before("groups in reverse order", diagnosed_as="groups_permuted", shown_by="g2")
def _(work: Work) -> None:
    order = np.arange(work.case.in_channels).reshape(work.groups, -1)[::-1].ravel()
    _reorder(work, "x", 1, order)


@before("every group takes the weights of the first", diagnosed_as="groups_ignored", shown_by="g2")
def _(work: Work) -> None:
    share = work.case.in_channels // work.groups
    work.tensors["w"] = np.concatenate([work.tensors["w"][:share]] * work.groups)


@before("every group takes the input of the first", diagnosed_as="groups_ignored", shown_by="g2")
def _(work: Work) -> None:
    share = work.case.in_channels // work.groups
    work.tensors["x"] = np.concatenate([work.tensors["x"][:, :share]] * work.groups, axis=1)


@before("a group sums only its first input channel", diagnosed_as="channel_dropped", shown_by="g2")
def _(work: Work) -> None:
    if work.groups > 1:
        share = work.case.in_channels // work.groups
        work.tensors["x"][:, np.arange(work.case.in_channels) % share > 0] = 0


@after("a group computes only its first output channel", diagnosed_as="channel_dropped", shown_by="g2")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and work.groups > 1:
        share = work.case.out_channels // work.groups
        outputs["y"][:, np.arange(work.case.out_channels) % share > 0] = 0


@before("last group dropped", diagnosed_as="group_dropped", shown_by="g2")
def _(work: Work) -> None:
    if work.groups > 1:
        work.tensors["w"][-(work.case.in_channels // work.groups) :] = 0


@after("depthwise multiplier runs before the channel", diagnosed_as="groups_interleaved", shown_by="c3x6 g3")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and work.groups == work.case.in_channels:
        outputs["y"] = outputs["y"][:, _interleaved(work.case.out_channels, work.groups)]


# --- batch


@before("batch item 0 for all", diagnosed_as="batch_item_repeated")
def _(work: Work) -> None:
    work.tensors["x"] = np.repeat(work.tensors["x"][:1], work.case.batch, axis=0)


@after("batch items reversed", diagnosed_as="batch_permuted")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"] = outputs["y"][::-1]


@before("last batch item dropped", diagnosed_as="batch_dropped")
def _(work: Work) -> None:
    if work.case.batch > 1:
        work.tensors["x"][-1] = 0


@before("batch and channels swapped when both counts agree", diagnosed_as="batch_channels_swapped", shown_by="n4")
def _(work: Work) -> None:
    if work.case.batch == work.case.in_channels:
        work.tensors["x"] = work.tensors["x"].swapaxes(0, 1)


@after("batch added up into the first item", diagnosed_as="batch_summed")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and work.case.batch > 1:
        outputs["y"][0] = outputs["y"].sum(axis=0)


# --- bias


def _bias(work: Work) -> np.ndarray:
    bias = work.tensors.get("bias", np.zeros(work.case.out_channels))
    return bias.reshape(-1, *(1,) * work.case.rank)


def _add(outputs: Outputs, amount: object) -> None:
    if "y" in outputs:
        outputs["y"] = outputs["y"] + amount


@after("bias ignored", diagnosed_as="bias_ignored")
def _(work: Work, outputs: Outputs) -> None:
    _add(outputs, -_bias(work))


@after("bias doubled", diagnosed_as="bias_doubled")
def _(work: Work, outputs: Outputs) -> None:
    _add(outputs, _bias(work))


@after("bias subtracted", diagnosed_as="bias_negated")
def _(work: Work, outputs: Outputs) -> None:
    _add(outputs, -2 * _bias(work))


@after("bias counted within the group", diagnosed_as="bias_per_group", shown_by="g2")
def _(work: Work, outputs: Outputs) -> None:
    share = work.case.out_channels // work.groups
    _add(outputs, _bias(work)[np.arange(work.case.out_channels) % share] - _bias(work))


@after("bias of channel 0 for all", diagnosed_as="bias_of_one_channel")
def _(work: Work, outputs: Outputs) -> None:
    _add(outputs, _bias(work)[:1] - _bias(work))


@after("bias one channel off", diagnosed_as="bias_permuted")
def _(work: Work, outputs: Outputs) -> None:
    _add(outputs, np.roll(_bias(work), 1, axis=0) - _bias(work))


@after("bias laid along the last spatial axis", diagnosed_as="bias_on_another_axis", on="last")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        flat = _bias(work).ravel()
        _add(outputs, flat[np.arange(outputs["y"].shape[-1]) % flat.size] - _bias(work))


@after(
    "bias laid along the last spatial axis only when the sizes agree",
    diagnosed_as="bias_on_another_axis",
    on="last",
    shown_by="c4x4 i3x3x2 k2x2x2 s2x2x2 d1x1x1 p0x0x0 opauto",
)
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and outputs["y"].shape[-1] == work.case.out_channels:
        _add(outputs, _bias(work).ravel() - _bias(work))


@after(
    "bias missing where no tap reaches", diagnosed_as="bias_where_reached", shown_by="k1x2x1 s3x4x2 d1x1x1 p0x0x0"
)
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        _add(outputs, np.where(work.taps() == 0, -_bias(work), 0))


@after("bias only in the first batch item", diagnosed_as="bias_of_one_item")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"][1:] -= _bias(work)


@after("bias added once a tap", diagnosed_as="bias_repeated")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        share = work.case.in_channels // work.groups
        _add(outputs, _bias(work) * (work.taps() / share - 1))


@after("bias missing in the output_padding", diagnosed_as="bias_missing_at_end", on="last", shown_by="op2x1x2")
def _(work: Work, outputs: Outputs) -> None:
    extra = work.case.output_padding[-1] if work.case.output_padding else 0
    if "y" in outputs and extra:
        outputs["y"][..., -extra:] -= _bias(work)
