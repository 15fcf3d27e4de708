"""Single elements of an output, by R1 to R3, R8 and R10 term by term: the oracle of large cases.

An element is a sum of products of elements that are known from their indices, so that no tensor is ever made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.cases.directions import IMAGES
from conformance.cases.large import Cycle, cycles
from conformance.oracle.reference import Reference

__all__ = ["sparse_reference"]

Window = tuple[tuple[int, int], ...]


@dataclass
class _Sum:
    """One element as it is summed: the exact value, the sum of magnitudes and the number of terms."""

    exact: float = 0.0
    magnitude: float = 0.0
    terms: int = 0

    def add(self, products: np.ndarray) -> None:
        self.exact += float(products.sum())
        self.magnitude += float(np.abs(products).sum())
        self.terms += products.size


def sparse_reference(case: Case, positions: Mapping[str, np.ndarray]) -> dict[str, Reference]:
    """The expected values of a case of the kind ``cycle`` at some positions.

    Parameters
    ----------
    case : Case
        The case, forward or for gradients, in real numbers.
    positions : mapping of numpy.ndarray
        By output, as `conformance.cases.large.sampled_positions` gives them.

    Returns
    -------
    dict of Reference
        One entry per position, in float64. Integers and their sums are exact there.
    """
    tensors = cycles(case)
    found = {}
    for name, wanted in positions.items():
        sums = [_ELEMENTS[name](case, tensors, _channels_first(case, name, position)) for position in wanted]
        found[name] = Reference.of(
            np.array([one.exact for one in sums]),
            np.array([one.magnitude for one in sums]),
            np.array([one.terms for one in sums], np.float64),
            whole=True,
            places=wanted,
        )
    return found


def _channels_first(case: Case, name: str, position: np.ndarray) -> tuple[int, ...]:
    index = tuple(map(int, position))
    if case.layout == "channels_last" and name in IMAGES:
        return (index[0], index[-1], *index[1:-1])
    return index


def _taps_to(case: Case, window: Window, reached: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per axis, the input positions j and the taps t that reach an output position: j s + t d - lo (R1, R2)."""
    pairs = []
    for axis, place in enumerate(reached):
        t = np.arange(case.kernel_size[axis], dtype=np.int64)
        j, rest = np.divmod(place + window[axis][0] - t * case.dilation[axis], case.stride[axis])
        meets = (rest == 0) & (j >= 0) & (j < case.input_size[axis])
        pairs.append((j[meets], t[meets]))
    return pairs


def _taps_from(case: Case, window: Window, start: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per axis, the output positions that an input position reaches, and the taps by which it does."""
    pairs = []
    for axis, place in enumerate(start):
        t = np.arange(case.kernel_size[axis], dtype=np.int64)
        pairs.append(_inside(case, axis, place * case.stride[axis] + t * case.dilation[axis] - window[axis][0], t))
    return pairs


def _starts_of(case: Case, window: Window, taps: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per axis, the output positions that a tap reaches, and the input positions from which it does."""
    pairs = []
    for axis, tap in enumerate(taps):
        j = np.arange(case.input_size[axis], dtype=np.int64)
        pairs.append(_inside(case, axis, j * case.stride[axis] + tap * case.dilation[axis] - window[axis][0], j))
    return pairs


def _inside(case: Case, axis: int, reached: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    meets = (reached >= 0) & (reached < case.geometry().output_size[axis])
    return reached[meets], other[meets]


def _open(arrays: list[np.ndarray], before: int) -> list[np.ndarray]:
    """The arrays along axes of their own, after ``before`` others."""
    rank = len(arrays)
    return [
        array.reshape((1,) * (before + axis) + (-1,) + (1,) * (rank - axis - 1))
        for axis, array in enumerate(arrays)
    ]


def _products(
    first: Cycle, second: Cycle, channels: tuple[np.ndarray, ...], pairs: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Products of elements of two tensors whose channels and spatial indices go together."""
    left, right = (_open([pair[side] for pair in pairs], 1) for side in (0, 1))
    lead = [c.reshape((-1,) + (1,) * len(pairs)) for c in channels]
    return first.at(lead[0], lead[1], *left) * second.at(lead[2], lead[3], *right)


def _y(case: Case, tensors: Mapping[str, Cycle], index: tuple[int, ...]) -> _Sum:
    item, channel, *reached = index
    total = _Sum()
    share_in, share_out = case.in_channels // case.groups, case.out_channels // case.groups
    ins = channel // share_out * share_in + np.arange(share_in)
    along = (np.array([item]), ins, ins, np.array([channel % share_out]))
    for window in case.geometry().windows:
        total.add(_products(tensors["x"], tensors["w"], along, _taps_to(case, window, tuple(reached))))
    if case.bias:
        total.add(tensors["bias"].at(np.array([channel])))
    return total


def _dx(case: Case, tensors: Mapping[str, Cycle], index: tuple[int, ...]) -> _Sum:
    item, channel, *start = index
    total = _Sum()
    share_in, share_out = case.in_channels // case.groups, case.out_channels // case.groups
    outs = np.arange(share_out)
    along = (np.array([item]), channel // share_in * share_out + outs, np.array([channel]), outs)
    for window in case.geometry().windows:
        total.add(_products(tensors["dy"], tensors["w"], along, _taps_from(case, window, tuple(start))))
    return total


def _dw(case: Case, tensors: Mapping[str, Cycle], index: tuple[int, ...]) -> _Sum:
    channel, own, *taps = index
    total = _Sum()
    share_in, share_out = case.in_channels // case.groups, case.out_channels // case.groups
    items, out = np.arange(case.batch), np.array([channel // share_in * share_out + own])
    for window in case.geometry().windows:
        pairs = _starts_of(case, window, tuple(taps))
        total.add(_products(tensors["dy"], tensors["x"], (items, out, items, np.array([channel])), pairs))
    return total


def _db(case: Case, tensors: Mapping[str, Cycle], index: tuple[int, ...]) -> _Sum:
    total = _Sum()
    every = _open([np.arange(n) for n in (case.batch, *case.geometry().output_size)], 0)
    total.add(tensors["dy"].at(every[0], np.array(index), *every[1:]))
    return total


_ELEMENTS: Mapping[str, Callable[[Case, Mapping[str, Cycle], tuple[int, ...]], _Sum]] = {
    "y": _y,
    "dx": _dx,
    "dw": _dw,
    "db": _db,
}
