"""What is wrong with a periodic output (R15): the convention that it was taken for.

These are tried before the transformations, which know of a periodic output as the full result folded to one period
and not of the place where it begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from conformance.adapters.host.client import Reply
from conformance.cases.case import Case
from conformance.cases.data import Tensors
from conformance.oracle.verdict import judge

__all__ = ["diagnose_periodic", "folds"]

Change = Callable[[np.ndarray], np.ndarray]

# By simplicity: nothing wrapped and begun alike, wrapped and begun otherwise, neither.
_TAKEN_FOR = {
    "circular": ("same_upper", "circular_lower", "same_lower"),
    "circular_lower": ("same_lower", "circular", "same_upper"),
}


def diagnose_periodic(case: Case, tensors: Tensors, reply: Reply) -> dict[str, Any] | None:
    """Name the convention whose answer was given to a case whose output wraps around; None where it is another."""
    for padding in _TAKEN_FOR[str(case.padding)]:
        other = replace(case, padding=padding)
        if judge(other, tensors, reply)["status"] == "pass":
            wraps = padding.startswith("circular")
            what = "begun" if wraps else "cut, not wrapped around,"
            return {
                "transform": "another_period" if wraps else "not_wrapped",
                "axes": [],
                "text": f"equals the oracle with the output {what} as {padding} has it",
            }
    return None


def folds(full_size: tuple[int, ...], low: tuple[int, ...], size: tuple[int, ...]) -> list[tuple[Change, Change]]:
    """For each axis the map from a full result to one period of it, and its adjoint.

    Parameters
    ----------
    full_size, low, size : tuple of int
        Lengths of the full result, where the output begins in it, and its lengths.
    """
    found: list[tuple[Change, Change]] = []
    for axis, (full, begin, period) in enumerate(zip(full_size, low, size, strict=True), start=2):
        places = (np.arange(full) - begin) % period
        found.append((partial(_added_up, places, period, axis), partial(np.take, indices=places, axis=axis)))
    return found


def _added_up(places: np.ndarray, size: int, axis: int, array: np.ndarray) -> np.ndarray:
    """Entries of an axis added up at their places among so many."""
    sums = np.zeros((*array.shape[:axis], size, *array.shape[axis + 1 :]), array.dtype)
    np.add.at(np.moveaxis(sums, axis, 0), places, np.moveaxis(array, axis, 0))
    return sums
