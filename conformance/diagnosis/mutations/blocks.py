"""Mistakes of implementations that work in blocks: errors at the borders, or after the first block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from conformance.cases.data import DATA_KINDS
from conformance.diagnosis.mutations.problem import (
    Map,
    Mutation,
    Problem,
    Solver,
    on_linear,
    on_output,
    on_weights,
)
from conformance.diagnosis.mutations.registry import Variation, transformation

__all__: list[str] = []

Positions = Callable[[int], np.ndarray]

# Shorter periods come from the stride or the kernel; other transformations name those.
_SHORTEST = 4
# On data that are not exact, elements that differ less than this share of the largest differ by rounding.
_VISIBLE = 1e-3
_TAP_LIMITS = (4, 8, 16, 32, 64, 128, 256)


@transformation("blocks")
def positions_in_blocks(p: Problem) -> Iterator[Variation]:
    """Every n-th position of an axis, or all from the n-th on, without its bias or its products."""
    got = p.observed.get("y")
    if got is None or p.case.direction != "fwd" or got.shape[2:] != p.size:
        return
    right = Solver()(p)["y"]
    if right.shape != got.shape:
        return
    share = 0.0 if DATA_KINDS[p.case.data].exact else _VISIBLE
    wrong = ~(np.abs(got - right) <= share * np.max(np.abs(right), initial=0.0))
    for axis, name in enumerate(p.names):
        places = np.flatnonzero(wrong.any(axis=tuple(a for a in range(got.ndim) if a != axis + 2)))
        for which, positions in _sets(places, p.size[axis]):
            for verb, step in _losses(p, axis, positions):
                text = f"{which} along {name} {verb}"
                yield Variation("blocks", (name,), text, step, travels=True)


def _sets(places: np.ndarray, size: int) -> Iterator[tuple[str, Positions]]:
    """Rules for positions on an axis of any length that give these positions at this size."""
    if not len(places) or places[0] < _SHORTEST:
        return
    first = int(places[0])
    sets: dict[str, Positions] = {
        f"every {first}th position ({first}, {2 * first}, ...)": lambda n: (
            (np.arange(n) % first == 0) & (np.arange(n) > 0)
        ),
        f"the last of every {first + 1} positions": lambda n: np.arange(n) % (first + 1) == first,
        f"every position from {first} on": lambda n: np.arange(n) >= first,
    }
    for which, positions in sets.items():
        if np.array_equal(np.flatnonzero(positions(size)), places):
            yield which, positions


def _losses(p: Problem, axis: int, positions: Positions) -> Iterator[tuple[str, Mutation]]:
    mask = Map.symmetric(partial(_cleared, axis=axis + 2, positions=positions))
    yield "left zero", on_output(mask)
    if p.bias is not None:
        yield "given the bias only", on_linear(mask)
        yield "without the bias", lambda q: q.but(bias=mask.forward(_spread(q)))


def _spread(p: Problem) -> np.ndarray:
    """The bias at every position of the output."""
    if p.bias is None:
        raise ValueError("there is no bias to change")
    return np.broadcast_to(p.bias, (p.bias.shape[0], *p.size))[np.newaxis]


def _cleared(array: np.ndarray, axis: int, positions: Positions) -> np.ndarray:
    array = array.copy()
    np.moveaxis(array, axis, 0)[positions(array.shape[axis])] = 0
    return array


@transformation("taps_limited")
def taps_in_blocks(p: Problem) -> Iterator[Variation]:
    """Taps beyond a limit left out, counted over all axes."""
    for limit in _TAP_LIMITS:
        if limit < math.prod(p.w.shape[2:]):
            change = on_weights(Map.symmetric(partial(_first_taps, limit=limit)))
            yield Variation("taps_limited", (), f"only the first {limit} taps used", change, travels=True)


def _first_taps(weights: np.ndarray, limit: int) -> np.ndarray:
    kept = np.arange(math.prod(weights.shape[2:])).reshape(weights.shape[2:]) < limit
    return weights * kept
