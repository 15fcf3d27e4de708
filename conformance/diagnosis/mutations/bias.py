"""Mistakes of the bias (R3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from conformance.diagnosis.mutations.placement import plain_full
from conformance.diagnosis.mutations.problem import Problem, changed, window
from conformance.diagnosis.mutations.registry import Variation, transformation, wrong_orders

__all__ = ["reached", "tap_counts"]

_COMMON = {"bias_ignored", "bias_doubled", "bias_on_another_axis", "bias_per_group", "bias_of_one_channel"}


Bias = Callable[[np.ndarray], np.ndarray]


def _of_plain(transform: str, text: str, change: Bias, axes: tuple[str, ...] = ()) -> Variation:
    """A bias computed from the flat bias of any problem, so that it applies to the error bound, too."""
    return Variation(
        transform,
        axes,
        text,
        lambda q: q.but(bias=change(_bias_of(q).ravel())),
        combines=transform in _COMMON,
    )


@transformation(
    "bias_doubled",
    "bias_ignored",
    "bias_missing_at_end",
    "bias_negated",
    "bias_of_one_channel",
    "bias_of_one_item",
    "bias_on_another_axis",
    "bias_per_group",
    "bias_permuted",
    "bias_repeated",
    "bias_summed",
    "bias_where_reached",
)
def wrong_bias(p: Problem) -> Iterator[Variation]:
    """The bias left out, scaled, in another order or on another axis."""
    if p.bias is None or p.case.direction != "fwd":
        return
    count = p.bias.size
    column = (-1, *(1,) * p.rank)
    yield Variation("bias_ignored", (), "the bias ignored", changed(bias=None), combines=True)
    factors = {2: "the bias added twice", -1: "the bias subtracted"}
    for times, noun in (
        (p.groups, "group"),
        (p.x.shape[1], "input channel"),
        (p.x.shape[1] // p.groups, "input channel of a group"),
        (p.x.shape[0], "batch item"),
        (math.prod(p.w.shape[2:]), "tap"),
        (math.prod(p.x.shape[2:]), "input position"),
    ):
        factors.setdefault(times, f"the bias added {times} times, once per {noun}")
    for factor, text in factors.items():
        if factor not in (0, 1):
            name = "bias_doubled" if factor == 2 else "bias_negated" if factor < 0 else "bias_repeated"
            yield _of_plain(name, text, partial(_scaled, factor=factor, shape=column))
    for axis, name in enumerate(p.names):
        length = p.size[axis]
        shape = tuple(length if a == axis else 1 for a in range(p.rank))
        if length > 1 and (length == count or count > 1):
            verb = "added" if length == count else "repeated"
            change = partial(_cycled, length=length, shape=shape)
            yield _of_plain("bias_on_another_axis", f"the bias {verb} along {name}", change, (name,))
        if p.full_size[axis] == count != length > 0:
            change = partial(_crop, low=p.low[axis], length=length, shape=shape)
            text = f"the bias added along {name}, before the crop"
            yield _of_plain("bias_on_another_axis", text, change, (name,))
    if p.x.shape[0] == count > 1:
        batch = (-1, 1, *(1,) * p.rank)
        text = "the bias added along the batch"
        yield _of_plain("bias_on_another_axis", text, partial(_scaled, factor=1, shape=batch))
    yield from _mixed_up(p, count, column)
    yield from _partial(p)


def _scaled(plain: np.ndarray, factor: float, shape: tuple[int, ...]) -> np.ndarray:
    return (plain * factor).reshape(shape)


def _cycled(plain: np.ndarray, length: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.resize(plain, length).reshape(shape)


def _crop(plain: np.ndarray, low: int, length: int, shape: tuple[int, ...]) -> np.ndarray:
    return window(plain, (low,), (length,)).reshape(shape)


def _ordered(plain: np.ndarray, order: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return plain[order].reshape(shape)


def _mixed_up(p: Problem, count: int, column: tuple[int, ...]) -> Iterator[Variation]:
    share = p.out_channels // p.groups
    if count < 2:
        return

    def of(text: str, order: np.ndarray, transform: str) -> Variation:
        return _of_plain(transform, text, partial(_ordered, order=order, shape=column))

    channels = np.arange(count)
    if p.groups > 1:
        yield of("the bias of the first group used in every group", channels % share, "bias_per_group")
        yield of("one bias per group, that of its index", channels // share, "bias_per_group")
        yield of("one bias per group, that of its first channel", channels // share * share, "bias_per_group")
        interleaved = channels.reshape(p.groups, share).T.ravel()
        yield of("the bias of the groups interleaved", interleaved, "bias_permuted")
        yield of("the bias of the groups deinterleaved", np.argsort(interleaved), "bias_permuted")
    yield of("the bias of the first channel added to every channel", np.zeros(count, int), "bias_of_one_channel")
    yield of(
        "the bias of the last channel added to every channel", np.full(count, count - 1), "bias_of_one_channel"
    )
    for how, order in wrong_orders(count):
        yield of(f"the bias {how}", order, "bias_permuted")
    for noun, one in (("sum", np.sum), ("mean", np.mean)):
        change = partial(_same_everywhere, one=one, shape=(count, *column[1:]))
        yield _of_plain("bias_summed", f"the {noun} of all biases added to every channel", change)
    ignored = {index: f"channel {index}" for index in range(min(count - 1, 8))} | {count - 1: "the last channel"}
    for index, which in ignored.items():
        change = partial(_without, index=index, shape=column)
        yield _of_plain("bias_ignored", f"the bias of {which} ignored", change)


def _same_everywhere(plain: np.ndarray, one: Callable[[np.ndarray], float], shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, one(plain))


def _without(plain: np.ndarray, index: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.where(np.arange(plain.size) == index, 0, plain).reshape(shape)


def _partial(p: Problem) -> Iterator[Variation]:
    """The bias added to some positions only."""

    def masked(
        transform: str, text: str, mask: Callable[[Problem], np.ndarray], axes: tuple[str, ...] = ()
    ) -> Variation:
        return Variation(
            transform,
            axes,
            text,
            lambda q: q.but(bias=_bias_of(q) * np.asarray(mask(q), dtype=float)),
            combines=text == "the bias missing where no tap reaches",
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
        lambda q: q.but(bias=_bias_of(q) * tap_counts(q)),
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
            text = f"the bias missing in the part that output_padding adds along {p.names[axis]}"
            yield masked("bias_missing_at_end", text, partial(_constant, shaped), (p.names[axis],))
    if given is not None and max(given) > 0:

        def before(q: Problem) -> np.ndarray:
            kept = np.ones(q.size)
            for axis, extra in enumerate(given):
                np.moveaxis(kept, axis, 0)[max(q.size[axis] - extra, 0) :] = 0
            return kept

        yield masked("bias_where_reached", "the bias missing where output_padding adds to the output", before)


def _constant(mask: np.ndarray, _: Problem) -> np.ndarray:
    return mask


def _bias_of(p: Problem) -> np.ndarray:
    if p.bias is None:
        raise ValueError("there is no bias to change")
    return p.bias


def _item(p: Problem, index: int) -> np.ndarray:
    mask = np.zeros((p.x.shape[0], 1, *(1,) * p.rank))
    mask[index : index + 1 or None] = 1
    return mask


def tap_counts(p: Problem) -> np.ndarray:
    """How many taps of one input channel reach each output position."""
    ones = p.but(x=np.ones((1, 1, *p.x.shape[2:])), w=np.ones((1, 1, *p.w.shape[2:])), groups=1)
    full = plain_full(ones)[0, 0]
    return window(full, p.low, p.size)


def reached(p: Problem) -> np.ndarray:
    return tap_counts(p) > 0


def _inside(p: Problem) -> np.ndarray:
    inside = np.ones(p.size, dtype=bool)
    for axis, (low, size, full) in enumerate(zip(p.low, p.size, p.full_size, strict=True)):
        place = np.arange(size) + low
        shape = [1] * p.rank
        shape[axis] = size
        inside &= ((place >= 0) & (place < full)).reshape(shape)
    return inside
