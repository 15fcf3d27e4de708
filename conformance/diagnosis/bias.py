"""Mistakes of the bias (R3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from conformance.diagnosis.placement import plain_full
from conformance.diagnosis.problem import Problem, changed, window
from conformance.diagnosis.transforms import Variation, reordered, transformation

__all__ = ["counts", "reached"]

_COMMON = {"bias_ignored", "bias_doubled", "bias_on_another_axis", "bias_per_group", "bias_of_one_channel"}


@transformation
def wrong_bias(p: Problem) -> Iterator[Variation]:
    """The bias left out, scaled, in another order or on another axis."""
    if p.bias is None or p.case.direction == "grad":
        return
    plain = p.bias.ravel()
    column = (-1, *(1,) * p.rank)

    def variation(transform: str, words: str, bias: np.ndarray | None, axes: tuple[str, ...] = ()) -> Variation:
        return Variation(transform, axes, words, changed(bias=bias), combines=transform in _COMMON)

    yield variation("bias_ignored", "the bias ignored", None)
    factors = {2: "the bias added twice", -1: "the bias subtracted"}
    for count, noun in (
        (p.groups, "group"),
        (p.x.shape[1], "input channel"),
        (p.x.shape[1] // p.groups, "input channel of a group"),
        (p.x.shape[0], "batch item"),
        (math.prod(p.w.shape[2:]), "tap"),
        (math.prod(p.x.shape[2:]), "input position"),
    ):
        factors.setdefault(count, f"the bias added {count} times, once for each {noun}")
    for factor, words in factors.items():
        if factor not in (0, 1):
            name = "bias_doubled" if factor == 2 else "bias_negated" if factor < 0 else "bias_repeated"
            yield variation(name, words, p.bias * factor)
    for axis, name in enumerate(p.names):
        length = p.size[axis]
        if length > 1:
            shape = [1] * p.rank
            shape[axis] = length
            if length == len(plain):
                yield variation(
                    "bias_on_another_axis", f"the bias added along {name}", plain.reshape(shape), (name,)
                )
            elif len(plain) > 1:
                cycled = np.resize(plain, length).reshape(shape)
                yield variation("bias_on_another_axis", f"the bias repeated along {name}", cycled, (name,))
    if p.x.shape[0] == len(plain) > 1:
        batch = plain.reshape(-1, 1, *(1,) * p.rank)
        yield variation("bias_on_another_axis", "the bias added along the batch", batch)
    yield from _mixed_up(p, plain, column)
    yield from _partial(p)


def _mixed_up(p: Problem, plain: np.ndarray, column: tuple[int, ...]) -> Iterator[Variation]:
    count, share = len(plain), p.out_channels // p.groups
    if count < 2:
        return

    def of(words: str, order: np.ndarray, transform: str) -> Variation:
        return Variation(
            transform, (), words, changed(bias=plain[order].reshape(column)), combines=transform in _COMMON
        )

    channels = np.arange(count)
    if p.groups > 1:
        yield of("the bias of the first group used in every group", channels % share, "bias_per_group")
        yield of("one bias a group, that of its index", channels // share, "bias_per_group")
        yield of("one bias a group, that of its first channel", channels // share * share, "bias_per_group")
        interleaved = channels.reshape(p.groups, share).T.ravel()
        yield of("the bias of the groups interleaved", interleaved, "bias_permuted")
        yield of("the bias of the groups interleaved back", np.argsort(interleaved), "bias_permuted")
    yield of("the bias of the first channel added to every one", np.zeros(count, int), "bias_of_one_channel")
    yield of("the bias of the last channel added to every one", np.full(count, count - 1), "bias_of_one_channel")
    for how, order in reordered(count):
        yield of(f"the bias {how}", order, "bias_permuted")
    for transform, words, number in (
        ("bias_summed", "the sum of all biases added to every channel", plain.sum()),
        ("bias_summed", "the mean of all biases added to every channel", plain.mean()),
    ):
        yield Variation(transform, (), words, changed(bias=np.full((count, *column[1:]), number)))
    for index, words in (*((i, f"the bias of channel {i} ignored") for i in range(min(count - 1, 8))),
                         (count - 1, "the bias of the last channel ignored")):  # fmt: skip
        without = np.where(channels == index, 0, plain).reshape(column)
        yield Variation("bias_ignored", (), words, changed(bias=without))


def _partial(p: Problem) -> Iterator[Variation]:
    """The bias added to some positions only."""

    def masked(
        transform: str, words: str, mask: Callable[[Problem], np.ndarray], axes: tuple[str, ...] = ()
    ) -> Variation:
        return Variation(
            transform,
            axes,
            words,
            lambda q: q.but(bias=_given(q) * np.asarray(mask(q), dtype=float)),
            combines=words == "the bias missing where no tap reaches",
        )

    yield masked("bias_where_reached", "the bias missing where no tap reaches", reached)
    yield masked("bias_where_reached", "the bias missing where the crop adds zeros", _inside)
    yield masked("bias_of_one_item", "the bias added to the first batch item only", lambda q: _item(q, 0))
    yield masked("bias_of_one_item", "the bias missing in the first batch item", lambda q: 1 - _item(q, 0))
    yield masked("bias_of_one_item", "the bias missing in the last batch item", lambda q: 1 - _item(q, -1))
    yield Variation(
        "bias_repeated",
        (),
        "the bias added once for each tap that reaches",
        lambda q: q.but(bias=_given(q) * counts(q)),
    )
    for axis, name in enumerate(p.names):
        for index, which in ((-1, "last"), (0, "first")):

            def mask(q: Problem, axis: int = axis, index: int = index) -> np.ndarray:
                kept = np.ones(q.size)
                np.moveaxis(kept, axis, 0)[index] = 0
                return kept

            if p.size[axis] > 1:
                yield masked(
                    "bias_missing_at_end", f"the bias missing at the {which} position along {name}", mask, (name,)
                )
    given = p.case.output_padding
    for axis, extra in enumerate(given or ()):
        if 0 < extra < p.size[axis]:
            ends = np.ones(p.size[axis])
            ends[-extra:] = 0
            shaped = ends.reshape([-1 if a == axis else 1 for a in range(p.rank)])
            words = f"the bias missing in what output_padding adds along {p.names[axis]}"
            yield masked("bias_missing_at_end", words, partial(_constant, shaped), (p.names[axis],))
    if given is not None and max(given) > 0:

        def before(q: Problem) -> np.ndarray:
            kept = np.ones(q.size)
            for axis, extra in enumerate(given):
                np.moveaxis(kept, axis, 0)[max(q.size[axis] - extra, 0) :] = 0
            return kept

        yield masked("bias_where_reached", "the bias missing where output_padding adds to the output", before)


def _constant(mask: np.ndarray, _: Problem) -> np.ndarray:
    return mask


def _given(p: Problem) -> np.ndarray:
    if p.bias is None:
        raise ValueError("there is no bias left to get wrong")
    return p.bias


def _item(p: Problem, index: int) -> np.ndarray:
    mask = np.zeros((p.x.shape[0], 1, *(1,) * p.rank))
    mask[index : index + 1 or None] = 1
    return mask


def counts(p: Problem) -> np.ndarray:
    """How many taps of one input channel reach each output position."""
    ones = p.but(x=np.ones((1, 1, *p.x.shape[2:])), w=np.ones((1, 1, *p.w.shape[2:])), groups=1)
    full = plain_full(ones)[0, 0]
    return window(full, p.low, p.size)


def reached(p: Problem) -> np.ndarray:
    return counts(p) > 0


def _inside(p: Problem) -> np.ndarray:
    inside = np.ones(p.size, dtype=bool)
    for axis, (low, size, full) in enumerate(zip(p.low, p.size, p.full_size, strict=True)):
        place = np.arange(size) + low
        shape = [1] * p.rank
        shape[axis] = size
        inside &= ((place >= 0) & (place < full)).reshape(shape)
    return inside
