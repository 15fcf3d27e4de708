"""Windows of a full result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["at", "window"]


def window(full: np.ndarray, low: tuple[int, ...], size: tuple[int, ...]) -> np.ndarray:
    """The output [low, low + size) of a full result on its last axes (R2); zero outside it."""
    y = np.zeros((*full.shape[: full.ndim - len(size)], *size), full.dtype)
    source, target = [], []
    for first, count, length in zip(low, size, full.shape[full.ndim - len(size) :], strict=True):
        start, stop = max(first, 0), min(first + count, length)
        if stop <= start:
            return y
        source.append(slice(start, stop))
        target.append(slice(start - first, stop - first))
    y[at(target)] = full[at(source)]
    return y


def at(positions: Iterable[Any]) -> Any:
    """Index of the last axes; the axes before them are taken in full."""
    return (..., *positions)
