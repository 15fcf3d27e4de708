"""Mistakes that only gradients can have (R10)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from conformance import oracle
from conformance.diagnosis.mutations.bias import reached
from conformance.diagnosis.mutations.problem import Mutation, Problem, changed, divided, in_output, times
from conformance.diagnosis.mutations.registry import Variation, along, subsets, transformation

__all__: list[str] = []


@transformation("gradient_missing", "gradient_negated", "gradient_scaled")
def gradient_missing(p: Problem) -> Iterator[Variation]:
    """A gradient that is zero, negated or multiplied by a count."""
    if p.case.direction == "fwd":
        return
    spatial = math.prod(p.size)
    factors = {
        "the batch size": p.x.shape[0],
        "the number of output positions": spatial,
        "the batch size and the number of output positions": p.x.shape[0] * spatial,
        "groups": p.groups,
    }
    for name in p.case.outputs:
        yield Variation("gradient_missing", (), f"{name} zero", in_output(name, np.zeros_like))
        yield Variation("gradient_negated", (), f"{name} negated", in_output(name, np.negative))
        for text, factor in factors.items():
            if factor > 1:
                for verb, change in (("divided", divided(factor)), ("multiplied", times(factor))):
                    yield Variation(
                        "gradient_scaled",
                        (),
                        f"{name} {verb} by {text} ({factor})",
                        in_output(name, change),
                    )
        yield Variation("gradient_scaled", (), f"{name} doubled", in_output(name, times(2)))
        yield Variation("gradient_scaled", (), f"{name} halved", in_output(name, times(0.5)))


@transformation("second_order_flip", "second_order_tensor", "second_order_term")
def second_order_term(p: Problem) -> Iterator[Variation]:
    """A gradient of gradients (R16) with a term left out, or with a tensor flipped or in the place of another."""
    right = {"vx": p.x, "vw": p.w, "vb": None if p.bias is None else p.bias.ravel()}
    for name, other in right.items():
        if name not in p.second:
            continue
        zero = changed(second={**p.second, name: np.zeros_like(p.second[name])})
        yield Variation("second_order_term", (), f"the term of {name} left out", zero)
        if other is not None:
            text = f"{'the input' if name == 'vx' else 'the weights' if name == 'vw' else 'the bias'} for {name}"
            yield Variation("second_order_tensor", (), text, changed(second={**p.second, name: other}))
    if "vw" in p.second:
        for axes in subsets(p.rank, lambda axis: p.w.shape[2 + axis] > 1):
            flipped = np.flip(p.second["vw"], tuple(axis + 2 for axis in axes))
            names = tuple(p.names[axis] for axis in axes)
            step = changed(second={**p.second, "vw": flipped})
            yield Variation("second_order_flip", names, f"vw flipped {along(names)}", step)


@transformation("batch_not_summed")
def batch_not_summed(p: Problem) -> Iterator[Variation]:
    """dw or db of one batch item in place of the sum over the batch."""
    if p.dy is None or p.x.shape[0] < 2:
        return
    for index, which in ((0, "first"), (-1, "last")):
        for name in ("dw", "db")[: 1 + p.case.bias]:
            yield Variation(
                "batch_not_summed",
                (),
                f"{name} of the {which} batch item only, not summed over the batch",
                _of_item(name, index),
            )


def _of_item(name: str, index: int) -> Mutation:
    item = slice(index, index + 1 or None)

    def gradient(p: Problem) -> np.ndarray:
        dy = _upstream(p)[item]
        if name == "db":
            return _summed(dy)
        crop = tuple(zip(p.low, p.high, strict=True))
        return oracle.conv_transpose_gradients(
            p.x[item], p.w, dy, stride=p.stride, dilation=p.dilation, groups=p.groups, crop=crop
        ).dw

    return _replacing(name, gradient)


def _replacing(name: str, gradient: Callable[[Problem], np.ndarray]) -> Mutation:
    """A gradient computed from the problem in another way."""
    return lambda p: in_output(name, lambda _: gradient(p))(p)


def _upstream(p: Problem) -> np.ndarray:
    if p.dy is None:
        raise ValueError("the case has no upstream gradient")
    return p.dy


def _summed(dy: np.ndarray) -> np.ndarray:
    """The bias gradient of an upstream gradient."""
    return dy.sum(axis=(0, *range(2, dy.ndim)))


@transformation("flip_upstream", "gradient_of_another_tensor")
def other_upstream(p: Problem) -> Iterator[Variation]:
    """A gradient computed with another tensor in place of the upstream gradient, the input or the weights."""
    if p.dy is None:
        return
    changes: dict[str, Mutation] = {
        "the upstream gradient taken as ones": changed(dy=np.ones_like(p.dy)),
        "the input taken as ones": changed(x=np.ones_like(p.x)),
        "the weights taken as ones": changed(w=np.ones_like(p.w)),
        "the upstream gradient negated": changed(dy=-p.dy),
        "the upstream gradient doubled": changed(dy=2 * p.dy),
    }
    for text, change in changes.items():
        yield Variation("gradient_of_another_tensor", (), text, change)
    for axes in subsets(p.rank, lambda axis: p.size[axis] > 1):
        names = tuple(p.names[axis] for axis in axes)
        yield Variation(
            "flip_upstream",
            names,
            f"the upstream gradient flipped {along(names)}",
            changed(dy=np.flip(p.dy, tuple(a + 2 for a in axes))),
        )


@transformation("db_partial")
def db_partial(p: Problem) -> Iterator[Variation]:
    """db summed over too few positions, or in another order."""
    if p.dy is None or not p.case.bias:
        return
    for axis, name in enumerate(p.names):
        for index, which in ((0, "first"), (-1, "last")):
            if p.size[axis] > 1:
                text = f"db of the {which} position along {name} only"
                of_one = _replacing("db", _db_of(axis + 2, [index % p.size[axis]]))
                yield Variation("db_partial", (name,), text, of_one)
        for count in range(1, min(p.size[axis], 4)):
            several = "position" if count == 1 else f"{count} positions"
            for which, kept in (("last", range(p.size[axis] - count)), ("first", range(count, p.size[axis]))):
                text = f"db without the {which} {several} along {name}"
                yield Variation("db_partial", (name,), text, _replacing("db", _db_of(axis + 2, list(kept))))
    if p.groups > 1:
        text = "db taken at the index of the channel within its group"
        yield Variation(
            "db_partial", (), text, in_output("db", partial(_within_group, p.out_channels // p.groups))
        )
    yield Variation("db_partial", (), "db in reverse order", in_output("db", lambda a: a[::-1]))
    yield Variation(
        "db_partial",
        (),
        "db summed over all channels",
        in_output("db", lambda a: np.full_like(a, a.sum())),
    )
    yield Variation(
        "db_partial",
        (),
        "db summed only over the positions that a tap reaches",
        _replacing("db", _db_reached),
    )


def _within_group(share: int, db: np.ndarray) -> np.ndarray:
    return db[np.arange(len(db)) % share]


def _db_of(axis: int, positions: list[int]) -> Callable[[Problem], np.ndarray]:
    return lambda p: _summed(np.take(_upstream(p), positions, axis))


@transformation("dw_rearranged")
def dw_rearranged(p: Problem) -> Iterator[Variation]:
    """dw in the layout of another framework's weights; a different shape is enough to recognise it."""
    if p.dy is None:
        return
    k = tuple(range(2, p.rank + 2))
    orders = {
        "(*k, Cout/G, Cin)": (*k, 1, 0),
        "(*k, Cin, Cout/G)": (*k, 0, 1),
        "(Cin, *k, Cout/G)": (0, *k, 1),
        "(Cout/G, *k, Cin)": (1, *k, 0),
        "(Cout/G, Cin, *k)": (1, 0, *k),
        "the reverse order of axes": (*reversed(k), 1, 0),
    }
    for text, order in orders.items():
        text = f"dw given in {text}, not as (Cin, Cout/G, *k)"
        yield Variation("dw_rearranged", (), text, in_output("dw", partial(np.transpose, axes=order)))


def _db_reached(p: Problem) -> np.ndarray:
    return _summed(_upstream(p) * reached(p))
