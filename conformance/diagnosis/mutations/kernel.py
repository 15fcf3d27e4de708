"""Mistakes of the kernel and the grids: flips, swapped axes, taps and rows left out, overlaps not summed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from conformance import oracle
from conformance.diagnosis.mutations.problem import (
    Map,
    Mutation,
    Problem,
    at,
    changed,
    in_turn,
    on_input,
    on_linear,
    on_output,
    on_weights,
)
from conformance.diagnosis.mutations.registry import Variation, along, join_words, subsets, transformation

__all__ = ["zero_at"]


def _flip(axes: tuple[int, ...]) -> Map:
    return Map.symmetric(lambda array: np.flip(array, tuple(axis + 2 for axis in axes)))


@transformation("flip")
def flip(p: Problem) -> Iterator[Variation]:
    """The kernel mirrored: correlation in place of convolution, or the reverse."""
    for axes in subsets(p.rank, lambda axis: p.w.shape[2 + axis] > 1):
        names = tuple(p.names[axis] for axis in axes)
        yield Variation(
            "flip",
            names,
            f"the kernel flipped {along(names)}",
            on_weights(_flip(axes)),
            combines=True,
        )


@transformation("flip_input", "flip_output")
def flip_of_tensors(p: Problem) -> Iterator[Variation]:
    """The input or the output mirrored."""
    for axes in subsets(p.rank, lambda axis: p.size[axis] > 1):
        names = tuple(p.names[axis] for axis in axes)
        yield Variation(
            "flip_output",
            names,
            f"the output flipped {along(names)}",
            on_output(_flip(axes)),
            combines=True,
        )
    for axes in subsets(p.rank, lambda axis: p.x.shape[2 + axis] > 1):
        names = tuple(p.names[axis] for axis in axes)
        yield Variation(
            "flip_input",
            names,
            f"the input flipped {along(names)}",
            on_input(_flip(axes)),
            combines=True,
        )


@transformation("input_axes_swapped", "kernel_axes_swapped", "output_axes_swapped")
def swapped_axes(p: Problem) -> Iterator[Variation]:
    """Spatial axes of the kernel, the input or the output taken in another order."""
    for order in itertools.permutations(range(p.rank)):
        moved = tuple(axis for axis in range(p.rank) if order[axis] != axis)
        if not moved:
            continue
        names = tuple(p.names[axis] for axis in moved)
        text = (
            f"{join_words(names)} swapped"
            if len(moved) == 2
            else f"axes read as {', '.join(p.names[a] for a in order)}"
        )
        for what, shape in (("kernel", p.w.shape), ("input", p.x.shape), ("output", (0, 0, *p.size))):
            for how, change in _reorderings(order, shape[2:]):
                yield Variation(
                    f"{what}_axes_swapped",
                    names,
                    f"{text} in the {what}{how}",
                    _ON[what](change),
                    combines=how == "",
                )


_ON = {"kernel": on_weights, "input": on_input, "output": on_output}


def _reorderings(order: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[tuple[str, Map]]:
    """Transpositions that keep the shape; where the sizes differ, only a misread buffer can keep it."""
    axes = (0, 1, *(axis + 2 for axis in order))
    back = tuple(int(axis) for axis in np.argsort(axes))
    permuted = tuple(sizes[axis] for axis in order)
    if permuted == sizes:
        yield "", Map(lambda a: a.transpose(axes), lambda a: a.transpose(back))
        return

    def written(a: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(a.transpose(axes)).reshape(a.shape)

    def read(a: np.ndarray) -> np.ndarray:
        shape = (*a.shape[:2], *(a.shape[axis + 2] for axis in order))
        return np.ascontiguousarray(a).reshape(shape).transpose(back)

    yield ", its buffer read in the old order", Map(written, read)
    yield ", its buffer read in the new order", Map(read, written)
    # A tensor that really has the swapped shape, which a wrong output size shows.
    yield " and in its shape", Map(lambda a: a.transpose(axes), lambda a: a.transpose(back))


@transformation("input_dropped", "output_dropped", "output_padding_empty", "overlap_twice", "tap_dropped")
def dropped(p: Problem) -> Iterator[Variation]:
    """Taps, input rows or output rows left out."""
    kinds = (
        ("tap_dropped", "tap", p.w.shape[2:], on_weights, "ignored"),
        ("input_dropped", "input position", p.x.shape[2:], on_input, "ignored"),
        ("output_dropped", "output position", p.size, on_output, "left zero"),
        ("output_dropped", "output position", p.size, on_linear, "given the bias only"),
    )
    for transform, noun, sizes, change, verb in kinds:
        for axis, name in enumerate(p.names):
            for index, text in _ends(sizes[axis]):
                mask = zero_at(axis + 2, index)
                yield Variation(
                    transform,
                    (name,),
                    f"the {text} {noun} along {name} {verb}",
                    change(mask),
                    combines=index == -1 and noun == "tap",
                )
    for axis, name in enumerate(p.names):
        s, k = p.stride[axis], p.w.shape[2 + axis]
        if 1 < s < k and s < p.size[axis]:
            text = f"the first seam between overlapping taps counted twice along {name}"
            yield Variation("overlap_twice", (name,), text, on_output(_double(axis + 2, s)))
    extra = p.case.output_padding or (0,) * p.rank
    for axes in subsets(p.rank, lambda axis: extra[axis] > 0):
        names = tuple(p.names[axis] for axis in axes)
        for change, verb in ((on_output, "left zero"), (on_linear, "given the bias only")):
            masks = [zero_at(axis + 2, slice(p.size[axis] - extra[axis], None)) for axis in axes]
            yield Variation(
                "output_padding_empty",
                names,
                f"the part that output_padding adds {along(names)} {verb}",
                in_turn(*(change(mask) for mask in masks)),
            )


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def _ends(size: int) -> Iterator[tuple[int, str]]:
    """Indices that may be left out, the likeliest first."""
    if size < 1:
        return
    yield -1, "last"
    if size > 1:
        yield 0, "first"
    for index in range(1, min(size - 1, len(_ORDINALS))):
        yield index, _ORDINALS[index]


def zero_at(axis: int, index: int | slice) -> Map:
    """A map that sets the entries at an index of an axis to zero."""

    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        np.moveaxis(array, axis, 0)[index] = 0
        return array

    return Map.symmetric(change)


def _double(axis: int, index: int) -> Map:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        np.moveaxis(array, axis, 0)[index] *= 2
        return array

    return Map.symmetric(change)


@transformation("overlap_not_summed")
def overlaps(p: Problem) -> Iterator[Variation]:
    """Where several taps overlap, something other than their sum."""
    overlapping = any(e > s for e, s in zip(p.case.geometry().effective_kernel, p.stride, strict=True))
    if not overlapping or p.work * math.prod(p.w.shape[2:]) > 1 << 23:
        return
    for name, text in (
        ("last", "only the product of the last input kept where taps overlap"),
        ("first", "only the product of the first input kept where taps overlap"),
        ("largest", "only the largest product kept where taps overlap"),
        ("mean", "overlapping taps averaged, not summed"),
    ):
        yield Variation(
            "overlap_not_summed",
            (),
            text,
            changed(compute=partial(_combine, how=name)),
        )


def _combine(p: Problem, how: str) -> np.ndarray:
    kernel = p.w.shape[2:]
    full = np.full((p.x.shape[0], p.out_channels, *p.full_size), -np.inf if how == "largest" else 0.0, p.x.dtype)
    reached = np.zeros(p.full_size)
    positions = list(np.ndindex(*kernel))
    # At one output element, a later input meets an earlier tap. In ascending order of taps, the first input is
    # written last.
    for t in positions if how == "first" else reversed(positions):
        single = np.zeros_like(p.w)
        single[at(t)] = p.w[at(t)]
        where = tuple(
            slice(d * n, d * n + (i - 1) * s + 1, s)
            for n, d, s, i in zip(t, p.dilation, p.stride, p.x.shape[2:], strict=True)
        )
        part = _full(p, single)[at(where)]
        target = full[at(where)]
        if how == "mean":
            target += part
        else:
            target[...] = np.maximum(target, part) if how == "largest" else part
        reached[where] += 1
    if how == "mean":
        return full / np.maximum(reached, 1)
    return np.where(reached > 0, full, 0)


def _full(p: Problem, w: np.ndarray) -> np.ndarray:
    return oracle.conv_transpose(p.x, w, stride=p.stride, dilation=p.dilation, groups=p.groups)


@transformation("input_repeated")
def input_repeated(p: Problem) -> Iterator[Variation]:
    """Upsampling that repeats the input and inserts no zeros."""
    for axes in subsets(p.rank, lambda axis: p.stride[axis] > 1):
        names = tuple(p.names[axis] for axis in axes)
        yield Variation(
            "input_repeated",
            names,
            f"the input repeated, with no zeros inserted, {along(names)}",
            _repeat(axes),
        )


def _repeat(axes: tuple[int, ...]) -> Mutation:
    def apply(p: Problem) -> Problem:
        indices = {axis: np.repeat(np.arange(p.x.shape[2 + axis]), p.stride[axis]) for axis in axes}
        stride = tuple(1 if axis in axes else s for axis, s in enumerate(p.stride))
        steps = [on_input(Map.take(index, axis + 2)) for axis, index in indices.items()]
        return in_turn(*steps, changed(stride=stride))(p)

    return apply


@transformation("not_transposed")
def not_transposed(p: Problem) -> Iterator[Variation]:
    """The forward convolution: outputs gather with the stride, although inputs should scatter."""
    full = [f for f in p.full_size if f > 0]
    if math.prod(full) * p.work > 1 << 20 or p.case.direction != "fwd":
        return
    yield Variation(
        "not_transposed",
        (),
        "the forward convolution computed, not the transposed one",
        _gather,
    )


def _gather(p: Problem) -> Problem:
    sizes = []
    for i, k, s, d, low, high in zip(
        p.x.shape[2:], p.w.shape[2:], p.stride, p.dilation, p.low, p.high, strict=True
    ):
        padded = i + max(low, 0) + max(high, 0)
        sizes.append((padded - d * (k - 1) - 1) // s + 1)
    if min(sizes) < 1:
        raise ValueError("the forward convolution has no output")
    # To gather is to scatter with the flipped kernel at stride 1 and to keep every s-th element.
    flipped = on_weights(_flip(tuple(range(p.rank))))
    low = tuple(d * (k - 1) - max(a, 0) for k, d, a in zip(p.w.shape[2:], p.dilation, p.low, strict=True))
    dense = tuple((n - 1) * s + 1 for n, s in zip(sizes, p.stride, strict=True))
    steps = tuple(slice(None, None, s) for s in p.stride)
    every = on_linear(Map(lambda y: y[at(steps)], lambda y: y))
    return in_turn(flipped, changed(stride=(1,) * p.rank, low=low, size=dense), every)(p)


@transformation("crop_before_spreading")
def crop_before_spreading(p: Problem) -> Iterator[Variation]:
    """A crop of whole input elements, cut from the input itself, so that each one counts stride times."""
    reach = tuple(d * (k - 1) for d, k in zip(p.dilation, p.w.shape[2:], strict=True))
    over = [(max(a - r, 0), max(b - r, 0)) for a, b, r in zip(p.low, p.high, reach, strict=True)]
    for axes in subsets(p.rank, lambda axis: max(over[axis]) > 0 and p.stride[axis] > 1):
        names = tuple(p.names[axis] for axis in axes)
        cut = {axis: over[axis] for axis in axes}
        text = f"the crop beyond the effective kernel cut from the input before zeros are inserted {along(names)}"
        yield Variation(
            "crop_before_spreading", names, text, partial(_crop_input, cut=cut, size=p.size, high=p.high)
        )


def _crop_input(
    p: Problem, cut: dict[int, tuple[int, int]], size: tuple[int, ...], high: tuple[int, ...]
) -> Problem:
    lengths, lows = list(size), list(p.low)
    for axis, (front, back) in cut.items():
        left = p.x.shape[2 + axis] - front - back
        if left < 1:
            raise ValueError("the crop removes the whole input")
        p = on_input(Map.take(np.arange(front, front + left), 2 + axis))(p)
        lows[axis] -= front
        lengths[axis] = p.full_size[axis] - lows[axis] - (high[axis] - back)
    return p.but(low=tuple(lows), size=tuple(lengths))
