"""R1 to R3 and R10 read aloud, in exact arithmetic: what the oracle is proven against."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

Crop = Sequence[tuple[int, int]]


def by_definition(
    x: np.ndarray,
    w: np.ndarray,
    bias: Sequence[Any] | None = None,
    *,
    stride: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    crop: Crop,
) -> np.ndarray:
    """The output element by element, for object arrays of Fractions or ints; channels_first."""
    per_group_in, per_group_out = w.shape[0] // groups, w.shape[1]
    full: dict[tuple[int, ...], Any] = {}
    for n, c in np.ndindex(*x.shape[:2]):
        for f, j, t in itertools.product(range(per_group_out), np.ndindex(*x.shape[2:]), np.ndindex(*w.shape[2:])):
            place = tuple(a * s + b * d for a, s, b, d in zip(j, stride, t, dilation, strict=True))
            key = (n, c // per_group_in * per_group_out + f, *place)
            full[key] = full.get(key, 0) + x[(n, c, *j)] * w[(c, f, *t)]
    sizes = [
        (i - 1) * s + d * (k - 1) + 1 - low - high
        for i, k, s, d, (low, high) in zip(x.shape[2:], w.shape[2:], stride, dilation, crop, strict=True)
    ]
    y = np.empty((x.shape[0], groups * per_group_out, *sizes), dtype=object)
    for index in np.ndindex(*y.shape):
        place = tuple(o + low for o, (low, _) in zip(index[2:], crop, strict=True))
        y[index] = full.get((*index[:2], *place), 0) + (0 if bias is None else bias[index[1]])
    return y


def gradients_by_definition(
    x: np.ndarray,
    w: np.ndarray,
    dy: np.ndarray,
    *,
    stride: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    crop: Crop,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dx, dw and db: every product of the definition, differentiated by hand."""
    per_group_in, per_group_out = w.shape[0] // groups, w.shape[1]
    dx = np.zeros(x.shape, dtype=object)
    dw = np.zeros(w.shape, dtype=object)
    for n, c in np.ndindex(*x.shape[:2]):
        for f, j, t in itertools.product(range(per_group_out), np.ndindex(*x.shape[2:]), np.ndindex(*w.shape[2:])):
            place = tuple(
                a * s + b * d - low for a, s, b, d, (low, _) in zip(j, stride, t, dilation, crop, strict=True)
            )
            if all(0 <= p < size for p, size in zip(place, dy.shape[2:], strict=True)):
                upstream = dy[(n, c // per_group_in * per_group_out + f, *place)]
                dx[(n, c, *j)] += upstream * w[(c, f, *t)]
                dw[(c, f, *t)] += upstream * x[(n, c, *j)]
    db = np.array([sum(dy[:, f].ravel().tolist()) for f in range(dy.shape[1])], dtype=object)
    return dx, dw, db
