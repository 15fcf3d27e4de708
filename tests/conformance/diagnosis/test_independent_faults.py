"""Structural faults planted by another hand: each is named, with its axes, on every rank where it can be said."""

from __future__ import annotations

import re

import numpy as np
import pytest

from adapters.process import Reply
from cases import Case
from cases.data import Tensors, make_tensors
from conformance.diagnosis import diagnose
from conformance.verdict import judge
from tests.faults.catalogue import FAULTS, Fault

# What a fault's name must be diagnosed as. Axes are read off the name; "all" stands for every axis.
EXPECTED = {
    r"kernel flipped on": "flip",
    r"kernel read with": "kernel_axes_swapped",
    r"input read with": "input_axes_swapped",
    r"input mirrored": "flip_input",
    r"output mirrored": "flip_output",
    r"(first|last) tap on": "tap_dropped",
    r"(first|last) input position": "input_dropped",
    r"(first|last) output position": "output_dropped",
    r"stride of . used": "stride_of_another_axis",
    r"dilation of . used": "dilation_of_another_axis",
    r"crop of . and": "padding_axes_swapped",
    r"stride ignored": "stride_ignored",
    r"dilation ignored": "dilation_ignored",
    r"dilation counts the gaps": "dilation_off_by_one",
    r"stride and dilation exchanged": "stride_dilation_exchanged",
    r"output begins one position": "shift",
    r"crop at begin and end exchanged": "crop_exchanged",
    r"output_padding put in front": "output_padding_in_front",
    r"seams between": "overlap_twice",
    r"overlapping taps overwrite": "overlap_not_summed",
    r"weights read with input and output channels": "channels_swapped",
    r"(input|output) channels reversed": "channels_permuted",
    r"(first|last) (input|output) channel": "channel_dropped",
    r"layout misread$": "layout_mistaken",
    r"groups interleaved": "groups_interleaved",
    r"groups in reverse": "groups_permuted",
    r"every group takes": "groups_ignored",
    r"a group (sums|computes) only": "channel_dropped",
    r"last group dropped": "group_dropped",
    r"batch item 0 for all": "batch_item_repeated",
    r"batch items reversed": "batch_permuted",
    r"last batch item dropped": "batch_dropped",
    r"batch added up": "batch_summed",
    r"bias ignored": "bias_ignored",
    r"bias doubled": "bias_doubled",
    r"bias subtracted": "bias_negated",
    r"bias counted within": "bias_per_group",
    r"bias of channel 0": "bias_of_one_channel",
    r"bias one channel off": "bias_permuted",
    r"bias missing where no tap": "bias_where_reached",
    r"bias only in the first": "bias_of_one_item",
    r"bias added once a tap": "bias_repeated",
    r"dx is zero|dw is zero|db ignored": "gradient_missing",
    r"dx with the kernel flipped|dw flipped": "flip",
    r"dw of the first batch item|db of the first batch item": "batch_not_summed",
    r"dw averaged": "gradient_scaled",
}
# One question a rank that every number of tells apart, and variants where a fault needs something else.
QUESTIONS = {
    1: "1d-n3-c4x6-i5-k3-s2-d3-g{g}-p1.3-op2-cf-f32-b1-ints.0-{direction}",
    2: "2d-n3-c4x6-i3x5-k4x3-s2x3-d3x2-g{g}-p3.1x1.4-op1x2-cf-f32-b1-ints.0-{direction}",
    3: "3d-n3-c4x6-i2x4x3-k3x2x4-s3x2x1-d1x3x2-g{g}-p0.2x2.1x1.4-op1x2x0-cf-f32-b1-ints.0-{direction}",
}
VARIANTS = {
    "^seams": "k4x5x4-s2x3x2",
    "^overlapping": "k3-s1-d1-p0",
    "no tap reaches": "k1x2x1-s3x4x2-d1-p0",
    "dilation (counts|ignored|of)": "d3x2x4",
    "stride ignored": "s2x3x4",
    "layout misread": "k3x2x2-s2x1x1-p0",
    "output_padding put": "op2x1x1",
    "crop of": "p0.3x2.1x1.4",
    "crop at": "p0.3x1.4x2.0",
    "last tap": "p0.2x2.1x1.0",
}


class Planted:
    """The faulty implementation as what the diagnosis asks."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def ask(self, case: Case, tensors: Tensors) -> Reply:
        with np.errstate(all="ignore"):
            return self.fault.reply(case, tensors)


def question(name: str, rank: int) -> Case:
    direction = "grad" if re.match("d[xwb] ", name) else "fwd"
    text = QUESTIONS[rank].format(g=2 if "group" in name else 1, direction=direction)
    for part, changes in VARIANTS.items():
        for change in changes.split("-") if re.search(part, name) else ():
            letters = re.match("[a-z]+", change)[0]
            values = change.removeprefix(letters).split("x")
            written = "x".join((values * 3)[:3][-rank:])
            text = re.sub(rf"-{letters}[0-9][^-]*", f"-{letters}{written}", text, count=1)
    return Case.parse(text)


def planted() -> list[pytest.param]:
    return [
        pytest.param(name, rank, transform, id=f"{rank}d {name}".replace(" ", "_"))
        for name, fault in FAULTS.items()
        for pattern, transform in EXPECTED.items()
        if re.match(pattern, name)
        for rank in fault.ranks
    ]


@pytest.mark.parametrize(("name", "rank", "transform"), planted())
def test_structural_fault_is_named(name: str, rank: int, transform: str) -> None:
    case, host = question(name, rank), Planted(FAULTS[name])
    tensors = make_tensors(case)
    reply = host.ask(case, tensors)
    verdict = judge(case, tensors, reply)
    assert verdict["status"] == "fail", f"the question does not show the fault: {case}"
    found = diagnose(case, tensors, reply, verdict, host)
    assert found is not None
    axes = re.findall(r"\b[DHW]\b", name)
    if " used on " in name:
        axes = axes[1:]
    if "every axis" in name:
        axes = list("DHW"[-rank:])
    assert (found["transform"], found["axes"]) == (transform, sorted(axes, key="DHW".index)), found
