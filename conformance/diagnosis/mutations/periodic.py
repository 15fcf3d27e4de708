"""Mistakes of a periodic output (R15): the convention that was used in place of the right one.

These are tried before the transformations. For those, a periodic output is the full result folded to one period;
where the period starts is fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from conformance.adapters.host.client import Reply
from conformance.cases.case import Case
from conformance.cases.data import Tensors
from conformance.oracle.verdict import judge
from conformance.reports.record.diagnosis import Diagnosis

__all__ = ["diagnose_periodic", "folds"]

Change = Callable[[np.ndarray], np.ndarray]

# Simplest first: the same start without wrapping, wrapping with another start, neither.
_TAKEN_FOR = {
    "circular": ("same_upper", "circular_lower", "same_lower"),
    "circular_lower": ("same_lower", "circular", "same_upper"),
}


def diagnose_periodic(case: Case, tensors: Tensors, reply: Reply) -> Diagnosis | None:
    """Name the convention that gives the output of a case whose output should wrap around; None if none does."""
    for padding in _TAKEN_FOR[str(case.padding)]:
        other = replace(case, padding=padding)
        if judge(other, tensors, reply).status == "pass":
            wraps = padding.startswith("circular")
            how = f"started as in `{padding}`" if wraps else f"cut as in `{padding}`, not wrapped around"
            return Diagnosis(
                transform="another_period" if wraps else "not_wrapped",
                text=f"equals the expected output {how}",
            )
    return None


def folds(full_size: tuple[int, ...], low: tuple[int, ...], size: tuple[int, ...]) -> list[tuple[Change, Change]]:
    """For each axis the map from a full result to one period of it, and its adjoint.

    Parameters
    ----------
    full_size, low, size : tuple of int
        Lengths of the full result, where the output starts in it, and the output's lengths.
    """
    maps: list[tuple[Change, Change]] = []
    for axis, (full, start, period) in enumerate(zip(full_size, low, size, strict=True), start=2):
        places = (np.arange(full) - start) % period
        maps.append((partial(_add_at, places, period, axis), partial(np.take, indices=places, axis=axis)))
    return maps


def _add_at(places: np.ndarray, size: int, axis: int, array: np.ndarray) -> np.ndarray:
    """Add the entries of an axis at their places on an axis of a given size."""
    sums = np.zeros((*array.shape[:axis], size, *array.shape[axis + 1 :]), array.dtype)
    np.add.at(np.moveaxis(sums, axis, 0), places, np.moveaxis(array, axis, 0))
    return sums
