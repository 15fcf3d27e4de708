"""Faults that show on certain sizes only: counts of one, ends of tiles, narrow types of an index, long sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from conformance.cases import Case
from conformance.cases.data import term_counts
from conformance.cases.dtypes import DTYPES, round_to
from tests.faults.machine import Outputs, Work, after, before

_ALL = (1, 2, 3)


def _size(case: Case, axis: int) -> int:
    """The length of an axis of the output, in channels_first."""
    return (case.batch, case.out_channels, *case.geometry().output_size)[axis]


# --- ends of tiles


def _end_left_zero(what: str, axis: int, tile: int, ranks: tuple[int, ...]) -> None:
    def partial_tile(case: Case) -> bool:
        size = _size(case, axis) if axis < 2 or case.rank > 1 else 0
        return size > tile and size % tile > 0

    @after(
        f"{what} beyond the last full tile of {tile} left zero",
        ranks=ranks,
        diagnosed_as="unexplained",
        where=partial_tile,
    )
    def _(work: Work, outputs: Outputs) -> None:
        if "y" in outputs:
            y = np.moveaxis(outputs["y"], axis, 0)
            y[len(y) // tile * tile :] = 0


for _tile in (2, 16, 64):
    _end_left_zero("batch items", 0, _tile, _ALL if _tile == 2 else (2,))
for _tile in (8, 32, 128):
    _end_left_zero("output channels", 1, _tile, (1, 2) if _tile == 8 else (2,))
for _tile in (16, 64):
    _end_left_zero("rows", 2, _tile, (2, 3) if _tile == 16 else (2,))
for _tile in (16, 64, 2048):
    _end_left_zero("columns", -1, _tile, (2, 3) if _tile == 16 else (2,))


def _end_not_summed(tile: int) -> None:
    def partial_tile(case: Case) -> bool:
        share = case.in_channels // case.groups
        return share > tile and share % tile > 0

    @before(
        f"input channels beyond the last full tile of {tile} not summed",
        ranks=(2,),
        diagnosed_as="unexplained",
        where=partial_tile,
    )
    def _(work: Work) -> None:
        share = work.case.in_channels // work.groups
        work.tensors["w"][np.arange(work.case.in_channels) % share >= share // tile * tile] = 0


for _tile in (8, 32, 64):
    _end_not_summed(_tile)


@after(
    "dw of output channels from the 33rd on left zero",
    ranks=(2,),
    diagnosed_as="unexplained",
    where=lambda case: case.direction == "grad" and case.out_channels // case.groups > 32,
)
def _(work: Work, outputs: Outputs) -> None:
    outputs["dw"][:, 32:] = 0


# --- narrow types of an index or of a parameter


def _after_group(limit: int) -> None:
    @before(
        f"groups from number {limit} on take the weights of the first",
        ranks=_ALL if limit == 8 else (1, 2),
        diagnosed_as="unexplained",
        where=lambda case: case.groups > limit,
    )
    def _(work: Work) -> None:
        share = work.case.in_channels // work.groups
        for group in range(limit, work.groups):
            work.tensors["w"][group * share : (group + 1) * share] = work.tensors["w"][:share]


_after_group(8)
_after_group(32)


def _narrow(
    what: str, ranks: tuple[int, ...], where: Callable[[Case], bool], change: Callable[[Work], None]
) -> None:
    before(f"{what} kept in eight bits", ranks=ranks, diagnosed_as="unexplained", where=where)(change)


def _eight_bits(values: list[int]) -> list[int]:
    return [value % 256 or 1 for value in values]


_narrow("stride", _ALL, lambda case: max(case.stride) > 255,
        lambda work: setattr(work, "stride", _eight_bits(work.stride)))  # fmt: skip
_narrow("dilation", (1,), lambda case: max(case.dilation) > 255,
        lambda work: setattr(work, "dilation", _eight_bits(work.dilation)))  # fmt: skip
_narrow("crop", _ALL, lambda case: max(low for low, _ in case.geometry().crop) > 127,
        lambda work: setattr(work, "low", [(low + 128) % 256 - 128 for low in work.low]))  # fmt: skip


@before(
    "index of an input channel kept in eight bits",
    ranks=(1, 2),
    diagnosed_as="unexplained",
    where=lambda case: case.in_channels > 256,
)
def _(work: Work) -> None:
    x = work.tensors["x"]
    work.tensors["x"] = x[:, np.arange(x.shape[1]) % 256]


@after(
    "index of an output channel kept in eight bits",
    ranks=(2,),
    diagnosed_as="unexplained",
    where=lambda case: case.out_channels > 256,
)
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"] = outputs["y"][:, np.arange(work.case.out_channels) % 256]


@before(
    "index of a weight kept in sixteen bits",
    ranks=(2,),
    diagnosed_as="unexplained",
    where=lambda case: math.prod(case.weight_shape) > 2**15,
)
def _(work: Work) -> None:
    flat = work.tensors["w"].ravel()
    work.tensors["w"] = flat[np.arange(flat.size) % 2**15].reshape(work.tensors["w"].shape)


def _beyond(limit: int, ranks: tuple[int, ...]) -> None:
    @after(
        f"output positions from number {limit} on left zero",
        ranks=ranks,
        diagnosed_as="unexplained",
        where=lambda case: math.prod(case.geometry().output_size) > limit,
    )
    def _(work: Work, outputs: Outputs) -> None:
        if "y" in outputs:
            y = outputs["y"].reshape(*outputs["y"].shape[:2], -1)
            y[..., limit:] = 0
            outputs["y"] = y.reshape(outputs["y"].shape)


_beyond(4096, _ALL)
_beyond(2**15, (1, 2))


@after(
    "index of an output element kept in sixteen bits",
    ranks=(1, 2),
    diagnosed_as="unexplained",
    where=lambda case: math.prod(case.output_shape) > 2**16,
)
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        y = outputs["y"].ravel()
        outputs["y"] = y[np.arange(y.size) % 2**16].reshape(outputs["y"].shape)


# --- parameters


def _flipped_from(limit: int, ranks: tuple[int, ...]) -> None:
    @before(
        f"kernel of more than {limit} taps on an axis flipped",
        ranks=ranks,
        diagnosed_as="unexplained",
        where=lambda case: max(case.kernel_size) > limit,
    )
    def _(work: Work) -> None:
        work.tensors["w"] = np.flip(work.tensors["w"], axis=tuple(range(2, 2 + work.case.rank)))


_flipped_from(16, _ALL)
_flipped_from(255, (1,))


@before(
    "dilation above sixteen taken for sixteen",
    diagnosed_as="unexplained",
    where=lambda case: max(case.dilation) > 16,
)
def _(work: Work) -> None:
    work.dilation = [min(step, 16) for step in work.dilation]


@before(
    "dilation above four along W taken for four",
    diagnosed_as="unexplained",
    where=lambda case: case.dilation[-1] > 4 and case.kernel_size[-1] > 1,
)
def _(work: Work) -> None:
    work.dilation[-1] = 4


@before(
    "dilation divided by the divisor that it shares with the stride",
    diagnosed_as="unexplained",
    where=lambda case: any(s != d and math.gcd(s, d) > 1 for s, d in zip(case.stride, case.dilation, strict=True)),
)
def _(work: Work) -> None:
    pairs = zip(work.stride, work.dilation, strict=True)
    work.dilation = [d if s == d else d // math.gcd(s, d) for s, d in pairs]


def _alike(sizes: tuple[int, ...]) -> bool:
    return len(set(sizes)) == 1


@before(
    "strides swapped where kernel and input are alike on every axis",
    ranks=(2, 3),
    diagnosed_as="unexplained",
    where=lambda case: _alike(case.kernel_size) and _alike(case.input_size) and not _alike(case.stride),
)
def _(work: Work) -> None:
    work.stride.reverse()


def _pads_beyond_the_stride(case: Case) -> bool:
    alike = all(map(_alike, (case.input_size, case.kernel_size, case.stride)))
    return alike and case.output_padding is not None and min(case.output_padding) > max(case.stride)


@before(
    "output_padding above the stride put in front on alike axes",
    diagnosed_as="unexplained",
    where=_pads_beyond_the_stride,
)
def _(work: Work) -> None:
    work.low = [low - extra for low, extra in zip(work.low, work.case.output_padding or (), strict=True)]


# --- counts of one


@before(
    "one input channel read with the batch as channels",
    diagnosed_as="unexplained",
    where=lambda case: case.in_channels == 1 and case.batch > 1,
)
def _(work: Work) -> None:
    work.tensors["x"] = work.tensors["x"][::-1]


@after(
    "bias of one entry added to the first batch item only",
    diagnosed_as="unexplained",
    where=lambda case: case.out_channels == 1 and case.bias and case.batch > 1,
)
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"][1:] -= work.tensors["bias"][0]


@after(
    "dw doubled with one output channel",
    diagnosed_as="unexplained",
    where=lambda case: case.out_channels == 1 and case.direction == "grad",
)
def _(work: Work, outputs: Outputs) -> None:
    outputs["dw"] = outputs["dw"] * 2


@before(
    "kernel flipped where every count is one",
    diagnosed_as="unexplained",
    where=lambda case: case.batch == case.in_channels == case.out_channels == 1,
)
def _(work: Work) -> None:
    work.tensors["w"] = np.flip(work.tensors["w"], axis=tuple(range(2, 2 + work.case.rank)))


@before(
    "a group with one output channel sums only its first input channel",
    diagnosed_as="unexplained",
    where=lambda case: 1 < case.groups == case.out_channels < case.in_channels,
)
def _(work: Work) -> None:
    share = work.case.in_channels // work.groups
    work.tensors["w"][np.arange(work.case.in_channels) % share > 0] = 0


# --- long sums


def _sums(case: Case) -> int:
    return term_counts(case)["y"]


@before(
    "products beyond the 512th lost in half precision",
    ranks=(1, 2),
    diagnosed_as="unexplained",
    where=lambda case: case.dtype in ("f16", "bf16") and _sums(case) > 512,
)
def _(work: Work) -> None:
    taps = math.prod(work.case.kernel_size)
    share = work.case.in_channels // work.groups
    work.tensors["w"][np.arange(work.case.in_channels) % share >= max(512 // taps, 1)] = 0


def _lose_digits(outputs: Outputs) -> None:
    for name, array in outputs.items():
        if not np.iscomplexobj(array):
            outputs[name] = np.asarray(round_to(DTYPES["f16"], array), dtype=np.float64)


def _loses_digits_from(least: int, ranks: tuple[int, ...]) -> None:
    @after(
        f"float32 sums of {least} products and more in float16",
        ranks=ranks,
        diagnosed_as="unexplained",
        where=lambda case: case.dtype == "f32" and case.direction == "fwd" and _sums(case) >= least,
    )
    def _(work: Work, outputs: Outputs) -> None:
        _lose_digits(outputs)


_loses_digits_from(1024, (2, 3))
_loses_digits_from(4096, (2,))
_loses_digits_from(16384, (2,))


@after(
    "dw sums its first 4096 positions only",
    ranks=(2,),
    diagnosed_as="unexplained",
    where=lambda case: case.direction == "grad" and term_counts(case)["dw"] > 4096,
)
def _(work: Work, outputs: Outputs) -> None:
    x = work.tensors["x"].copy()
    x[4096 // math.prod(work.case.input_size) :] = 0
    outputs["dw"] = replace(work, tensors={**work.tensors, "x": x}).compute()["dw"]
