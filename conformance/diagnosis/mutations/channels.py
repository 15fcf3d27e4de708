"""Mistakes of channels, groups, batch and memory layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from conformance.diagnosis.mutations.kernel import zero_at
from conformance.diagnosis.mutations.problem import (
    Map,
    Mutation,
    Problem,
    in_every_output,
    in_turn,
    on_input,
    on_linear,
    on_output,
    on_weights,
)
from conformance.diagnosis.mutations.registry import Variation, transformation, wrong_orders

__all__: list[str] = []


@transformation("groups_interleaved")
def groups_interleaved(p: Problem) -> Iterator[Variation]:
    """Channel c belongs to group c mod G, where groups are contiguous (R8)."""
    if p.groups == 1:
        return
    for what, count in (("input", p.x.shape[1]), ("output", p.out_channels)):
        share = count // p.groups
        forth = np.arange(count).reshape(p.groups, share).T.ravel()
        back = np.arange(count).reshape(share, p.groups).T.ravel()
        for order, suffix in ((forth, ""), (back, ", in the other direction")):
            if share > 1 and (suffix == "" or tuple(forth) != tuple(back)):
                yield Variation(
                    "groups_interleaved",
                    (),
                    f"the {what} channels of the groups interleaved{suffix}",
                    (on_input if what == "input" else on_output)(Map.take(order, 1)),
                    combines=True,
                )
            if what == "output" and share > 1 and p.bias is not None:
                yield Variation(
                    "groups_interleaved",
                    (),
                    f"the output channels of the groups interleaved before the bias is added{suffix}",
                    on_linear(Map.take(order, 1)),
                )
    if p.x.shape[1] > p.groups:
        order = np.arange(p.x.shape[1]).reshape(p.groups, -1).T.ravel()
        for taken, suffix in ((order, ""), (np.argsort(order), ", in the other direction")):
            yield Variation(
                "groups_interleaved",
                (),
                f"the weights of the groups interleaved{suffix}",
                on_weights(Map.take(taken, 0)),
                combines=True,
            )


@transformation("channel_dropped", "group_dropped", "groups_ignored", "groups_permuted")
def groups_confused(p: Problem) -> Iterator[Variation]:
    """Groups that use another group's input or weights."""
    if p.groups == 1:
        return
    share_in, share_out = p.x.shape[1] // p.groups, p.w.shape[1]
    first_in = np.tile(np.arange(share_in), p.groups)
    first_out = np.tile(np.arange(share_out), p.groups)
    yield Variation(
        "groups_ignored",
        (),
        "every group using the weights of the first group",
        on_weights(Map.take(first_in, 0)),
    )
    yield Variation(
        "groups_ignored",
        (),
        "every group using the input of the first group",
        on_input(Map.take(first_in, 1)),
    )
    yield Variation(
        "groups_ignored",
        (),
        "every group repeating the output of the first group",
        on_output(Map.take(first_out, 1)),
    )
    yield Variation("groups_ignored", (), "the groups ignored", _dense)
    for text, order in wrong_orders(p.groups):
        channels = (order[:, None] * share_in + np.arange(share_in)).ravel()
        yield Variation(
            "groups_permuted",
            (),
            f"the groups of the weights {text}",
            on_weights(Map.take(channels, 0)),
        )
        yield Variation("groups_permuted", (), f"the groups of the input {text}", on_input(Map.take(channels, 1)))
    for noun, count, share, change in (
        ("input", p.x.shape[1], share_in, on_input),
        ("output", p.out_channels, share_out, on_output),
        ("output", p.out_channels, share_out, on_linear),
    ):
        left = "given the bias only" if change is on_linear else "ignored" if noun == "input" else "left zero"
        if share > 1:
            first = (np.arange(count) % share == 0).astype(float)
            text = f"every {noun} channel of a group except the first {left}"
            yield Variation("channel_dropped", (), text, change(Map.symmetric(partial(_times, first))))
        for which, index in (("last", p.groups - 1), ("first", 0)):
            others = (np.arange(count) // share != index).astype(float)
            text = f"the {noun} of the {which} group {left}"
            yield Variation("group_dropped", (), text, change(Map.symmetric(partial(_times, others))))


def _times(factors: np.ndarray, array: np.ndarray) -> np.ndarray:
    return array * factors.reshape(1, -1, *(1,) * (array.ndim - 2))


def _dense(p: Problem) -> Problem:
    """One group of all channels; each block of output channels gets the same sums."""
    tiles = np.tile(np.arange(p.w.shape[1]), p.groups)
    return p.but(w=np.take(p.w, tiles, 1), w_maps=(*p.w_maps, Map.take(tiles, 1)), groups=1)


@transformation("channels_swapped")
def channels_swapped(p: Problem) -> Iterator[Variation]:
    """The weights' input and output channels swapped."""
    share_in, share_out = p.x.shape[1] // p.groups, p.w.shape[1]
    if share_in == share_out and share_in > 1:

        def swap(w: np.ndarray) -> np.ndarray:
            blocks = w.reshape(p.groups, share_in, share_out, *w.shape[2:])
            return np.ascontiguousarray(blocks.swapaxes(1, 2)).reshape(w.shape)

        yield _swapped("input and output channels of the weights swapped", Map.symmetric(swap))
    elif min(p.w.shape[:2]) > 1:

        def write(w: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(w.swapaxes(0, 1)).reshape(w.shape)

        def read(w: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(w).reshape(w.shape[1], w.shape[0], *w.shape[2:]).swapaxes(0, 1)

        yield _swapped("input and output channels of the weights swapped in memory", Map(read, write))
        yield _swapped("input and output channels of the weights swapped in memory (written)", Map(write, read))


def _swapped(text: str, change: Map) -> Variation:
    return Variation("channels_swapped", (), text, on_weights(change), combines=True)


@transformation("batch_permuted", "channels_permuted")
def channels_permuted(p: Problem) -> Iterator[Variation]:
    """Channels or batch items in another order."""
    changes: tuple[tuple[str, str, int, int, Callable[[Map], Mutation]], ...] = (
        ("channels_permuted", "the input channels", p.x.shape[1], 1, on_input),
        ("channels_permuted", "the output channels", p.out_channels, 1, on_output),
        (
            "channels_permuted",
            "the output channels before the bias is added",
            p.out_channels,
            1,
            on_linear,
        ),
        ("batch_permuted", "the batch items", p.x.shape[0], 0, on_input),
    )
    for transform, text, size, axis, change in changes:
        for how, order in wrong_orders(size):
            yield Variation(
                transform,
                (),
                f"{text} {how}",
                change(Map.take(order, axis)),
                combines=how == "in reverse order",
            )
    share = p.w.shape[1]
    if p.groups > 1 and share > 1:
        for how, order in wrong_orders(share):
            yield Variation(
                "channels_permuted",
                (),
                f"the output channels within each group {how}",
                on_weights(Map.take(order, 1)),
            )


@transformation("batch_dropped", "batch_item_repeated", "channel_dropped", "channel_repeated")
def channels_dropped(p: Problem) -> Iterator[Variation]:
    """One channel or batch item left out, or used in place of all others."""
    kinds = (
        ("channel_dropped", "input channel", "ignored", p.x.shape[1], 1, on_input),
        ("channel_dropped", "output channel", "left zero", p.out_channels, 1, on_output),
        ("channel_dropped", "output channel", "given the bias only", p.out_channels, 1, on_linear),
        ("batch_dropped", "batch item", "left zero", p.x.shape[0], 0, on_output),
        ("batch_dropped", "batch item", "ignored", p.x.shape[0], 0, on_linear),
    )
    for transform, noun, verb, size, axis, change in kinds:
        for index in (*range(-1, min(size - 1, 16)),) if size > 1 else ():
            which = "last" if index == -1 else "first" if index == 0 else f"{noun} {index}"
            text = f"the {which} {noun} {verb}" if index < 1 else f"{which} {verb}"
            yield Variation(
                transform,
                (),
                text,
                change(zero_at(axis, index)),
            )
        for index, which in ((0, "first"), (-1, "last")):
            if size > 2:
                yield Variation(
                    transform,
                    (),
                    f"every {noun} except the {which} {verb}",
                    change(_only(axis, index)),
                )
    for index, which in ((0, "first"), (-1, "last")):
        for transform, text, size, axis, change in (
            ("batch_item_repeated", "the {} batch item used for all", p.x.shape[0], 0, on_input),
            ("channel_repeated", "the {} input channel used for all", p.x.shape[1], 1, on_input),
            ("channel_repeated", "the {} output channel used for all", p.out_channels, 1, on_output),
            (
                "channel_repeated",
                "the {} output channel used for all before the bias is added",
                p.out_channels,
                1,
                on_linear,
            ),
        ):
            if size > 1:
                yield Variation(
                    transform,
                    (),
                    text.format(which),
                    change(Map.take(np.full(size, index % size), axis)),
                    combines=index == 0 and axis == 0,
                )


@transformation("batch_channels_swapped", "batch_summed")
def batch_mixed_up(p: Problem) -> Iterator[Variation]:
    """The batch used as channels, or summed."""
    if p.x.shape[0] == p.x.shape[1] > 1:
        swapped = Map.symmetric(lambda x: x.swapaxes(0, 1))
        yield Variation("batch_channels_swapped", (), "batch and channels of the input swapped", on_input(swapped))
    if p.x.shape[0] > 1:
        text = "the batch summed in the first item"
        yield Variation("batch_summed", (), text, in_every_output(_first_is_sum))
        text = "the batch summed in every item"
        yield Variation("batch_summed", (), text, in_every_output(lambda y: np.broadcast_to(y.sum(0), y.shape)))


def _first_is_sum(y: np.ndarray) -> np.ndarray:
    y = y.copy()
    y[0] = y.sum(axis=0)
    return y


def _only(axis: int, index: int) -> Map:
    def change(array: np.ndarray) -> np.ndarray:
        kept = np.zeros_like(array)
        np.moveaxis(kept, axis, 0)[index] = np.moveaxis(array, axis, 0)[index]
        return kept

    return Map.symmetric(change)


@transformation("layout_mistaken")
def layout_mistaken(p: Problem) -> Iterator[Variation]:
    """A buffer of one layout read as the other."""

    def last_read_first(a: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(a, 1, -1)).reshape(a.shape)

    def first_read_last(a: np.ndarray) -> np.ndarray:
        shape = (a.shape[0], *a.shape[2:], a.shape[1])
        return np.moveaxis(np.ascontiguousarray(a).reshape(shape), -1, 1)

    def kernel_last_read_first(w: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(w.transpose(*range(2, w.ndim), 1, 0)).reshape(w.shape)

    def kernel_first_read_last(w: np.ndarray) -> np.ndarray:
        read = np.ascontiguousarray(w).reshape(*w.shape[2:], w.shape[1], w.shape[0])
        return read.transpose(w.ndim - 1, w.ndim - 2, *range(w.ndim - 2))

    maps = {
        "channels_last read as channels_first": Map(last_read_first, first_read_last),
        "channels_first read as channels_last": Map(first_read_last, last_read_first),
    }
    for text, change in maps.items():
        for what, apply in (("input", on_input), ("output", on_output)):
            yield Variation(
                "layout_mistaken",
                (),
                f"the buffer of the {what}, {text}",
                apply(change),
            )
        yield Variation(
            "layout_mistaken",
            (),
            f"the buffers of input and output, {text}",
            in_turn(on_input(change), on_output(Map(change.adjoint, change.forward))),
        )
    for text, change in (
        ("(*k, Cout, Cin) read as (Cin, Cout, *k)", Map(kernel_last_read_first, kernel_first_read_last)),
        ("(Cin, Cout, *k) read as (*k, Cout, Cin)", Map(kernel_first_read_last, kernel_last_read_first)),
    ):
        yield Variation("layout_mistaken", (), f"the buffer of the weights, {text}", on_weights(change))
    # Where the shapes of the two layouts differ, an output in the other layout shows by its shape.
    yield Variation("layout_mistaken", (), "the output in the other layout", on_output(_in_other_layout(p)))


def _in_other_layout(p: Problem) -> Map:
    """From the expected output to one in the other layout that is read as if it were right."""
    source, target = (1, -1) if p.case.layout == "channels_first" else (-1, 1)
    return Map(lambda y: np.moveaxis(y, source, target), lambda y: np.moveaxis(y, target, source))
