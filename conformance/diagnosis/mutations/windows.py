"""Windows of a full result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["at", "window"]


def window(full: np.ndarray, low: tuple[int, ...], size: tuple[int, ...]) -> np.ndarray:
    """The output [low, low + size) of a full result on its last axes (R2); zeros outside of it."""
    y = np.zeros((*full.shape[: full.ndim - len(size)], *size), full.dtype)
    source, target = [], []
    for begin, count, length in zip(low, size, full.shape[full.ndim - len(size) :], strict=True):
        start, stop = max(begin, 0), min(begin + count, length)
        if stop <= start:
            return y
        source.append(slice(start, stop))
        target.append(slice(start - begin, stop - begin))
    y[at(target)] = full[at(source)]
    return y


def at(positions: Iterable[Any]) -> Any:
    """Index of the last axes; every axis before them is taken whole."""
    return (..., *positions)
