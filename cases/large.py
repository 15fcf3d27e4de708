"""Large cases: tensors of gigabytes, whose outputs are judged at some positions only.

The data kind ``cycle`` repeats a few integers, so that any element of a tensor is known from its index. A case of
this kind with more than ``MOST_ELEMENTS`` elements in one tensor, the uncropped output included, is *large*: its
tensors are made in the adapter's process, and only the sampled elements of its outputs leave that process.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from conformance.cases.data import drawn_shapes, integer_budget, term_counts, within_format
from conformance.cases.directions import IMAGES
from conformance.cases.dtypes import DType
from conformance.cases.kinds import DATA_KINDS, PERIOD, Budget

if TYPE_CHECKING:
    from conformance.cases.case import Case

__all__ = [
    "MOST_ELEMENTS", "Cycle", "cycles", "is_large", "large_tensors", "memory_needed", "positions_in",
    "sampled_positions",
]  # fmt: skip

MOST_ELEMENTS = 1 << 26
"""More elements in one tensor make a case of the kind ``cycle`` large."""

_CHUNK = 1 << 20
_RANDOM = 96
_MOST_PRODUCTS = 1 << 27  # of all sampled elements of an output together
_LAST = 16
_TILES = tuple(2**n for n in range(3, 16))
# Bytes at which signed and unsigned 16-bit and 32-bit numbers end, and elements at which they do.
_LIMITS = tuple(2**n for n in (15, 16, 31, 32, 33))


@dataclass(frozen=True)
class Cycle:
    """A tensor of the kind ``cycle``: its numbers, and the shape in which they are counted.

    Attributes
    ----------
    numbers : numpy.ndarray
        The numbers of one period, in the carrier of ``form``.
    shape : tuple of int
        The shape in whose C order they repeat; of images it is channels_first.
    form : DType
        The number format.
    """

    numbers: np.ndarray
    shape: tuple[int, ...]
    form: DType

    def at(self, *index: np.ndarray) -> np.ndarray:
        """The elements at some indices along each axis, which are broadcast, in float64."""
        flat = np.zeros((), np.int64)
        for size, along in zip(self.shape, index, strict=True):
            flat = flat * size + along
        return self.numbers[flat % PERIOD].astype(np.float64)

    def fill(self, *, channels_last: bool) -> np.ndarray:
        """The whole tensor; it needs no memory besides the result."""
        if not channels_last:
            return np.resize(self.numbers, self.shape)
        shape = (self.shape[0], *self.shape[2:], self.shape[1])
        channels, positions = self.shape[1], math.prod(self.shape[2:])
        filled = np.empty((self.shape[0], positions, channels), self.numbers.dtype)
        twice = np.concatenate([self.numbers, self.numbers])
        of_channel = (np.arange(channels) * positions % PERIOD).astype(np.int32)
        rows = max(_CHUNK // channels, 1)
        for item, start in itertools.product(range(self.shape[0]), range(0, positions, rows)):
            row = np.arange(start, min(start + rows, positions))
            of_row = ((item * channels * positions + row) % PERIOD).astype(np.int32)
            filled[item, start : start + len(row)] = twice[of_row[:, None] + of_channel]
        return filled.reshape(shape)


def is_large(case: Case) -> bool:
    """Whether a case is judged at some positions only."""
    if case.data != "cycle" or case.format.is_complex or case.direction == "grad2" or not case.is_valid:
        return False
    full = (case.batch, case.out_channels, *case.geometry().full_size)
    shapes = (case.input_shape, case.weight_shape, case.output_shape, full)
    return max(map(math.prod, shapes)) > MOST_ELEMENTS


def cycles(case: Case) -> dict[str, Cycle]:
    """The input tensors of a case of the kind ``cycle``, without making them."""
    draw, rng, budget = DATA_KINDS[case.data].draw, np.random.default_rng(case.seed), integer_budget(case)
    found = {}
    for name, shape in drawn_shapes(case, case.geometry().output_size).items():
        numbers = draw(rng, (PERIOD,), Budget(budget.amplitude, 1.0) if name == "bias" else budget)
        form = case.format_of(name)
        found[name] = Cycle(within_format(form, numbers), shape, form)
    return found


def large_tensors(case: Case) -> dict[str, np.ndarray]:
    """The input tensors of a large case: those of `make_tensors`, made without larger temporaries."""
    last = case.layout == "channels_last"
    return {name: cycle.fill(channels_last=last and name in IMAGES) for name, cycle in cycles(case).items()}


def memory_needed(case: Case) -> int:
    """Bytes that a case needs at least: its tensors, and one matrix of the products of an image.

    A framework that copies its input, or inserts zeros into it, needs more.
    """
    inputs = {"x": case.input_shape, "w": case.weight_shape}
    if case.direction != "fwd":
        inputs["dy"] = case.output_shape
    needed = math.prod(case.output_shape) * _bytes(case.format)
    for name, shape in inputs.items():
        form = case.format_of(name)
        # A carrier of another width stays beside the framework's tensor.
        carrier = np.dtype(form.carrier).itemsize
        needed += math.prod(shape) * (carrier + (0 if carrier == _bytes(form) else _bytes(form)))
    if case.direction != "fwd":
        needed += (math.prod(case.input_shape) + math.prod(case.weight_shape)) * _bytes(case.format)
    columns = case.out_channels // case.groups * math.prod((*case.kernel_size, *case.input_size))
    return needed + columns * _bytes(case.format)


def _bytes(form: DType) -> int:
    return 2 if form.name == "bf16" else np.dtype(form.carrier).itemsize


def sampled_positions(case: Case) -> dict[str, np.ndarray]:
    """The positions at which each output is judged: the same for every adapter and on every machine.

    Returns
    -------
    dict of numpy.ndarray
        By output, int64 of shape (positions, axes), in the layout of the case: the corners, both sides of every
        tile's edge along each axis, both sides of every limit of an index or of an offset in bytes, the last
        elements, and random ones; fewer where an element is a sum of millions of products.
    """
    rng = np.random.default_rng(case.seed)
    width, terms = _bytes(case.format), term_counts(case)
    found = {}
    for name, shape in case.output_shapes().items():
        every = positions_in(shape, width, rng)
        if name == "y" and every.size:
            every = np.unique(np.concatenate([every, _reached(case, width, rng)]), axis=0)
        most = max(_MOST_PRODUCTS // max(terms[name], 1), 2)
        found[name] = every if len(every) <= most else every[np.linspace(0, len(every) - 1, most).astype(int)]
    return found


def _reached(case: Case, width: int, rng: np.random.Generator) -> np.ndarray:
    """Output positions that a tap reaches from a sampled input position: few others have one at a large stride."""
    starts = positions_in((case.batch, case.in_channels, *case.input_size), width, rng)
    share_in, share_out = case.in_channels // case.groups, case.out_channels // case.groups
    channels = starts[:, 1] // share_in * share_out + rng.integers(share_out, size=len(starts))
    taps = np.stack([rng.integers(size, size=len(starts)) for size in case.kernel_size], axis=1)
    geometry = case.geometry()
    low = np.array([pair[0] for pair in geometry.crop])
    places = starts[:, 2:] * np.array(case.stride) + taps * np.array(case.dilation) - low
    inside = ((places >= 0) & (places < np.array(geometry.output_size))).all(axis=1)
    found = np.column_stack([starts[:, 0], channels, places])[inside]
    return found[:, [0, *range(2, found.shape[1]), 1]] if case.layout == "channels_last" else found


def positions_in(shape: tuple[int, ...], width: int, rng: np.random.Generator) -> np.ndarray:
    """Positions in a tensor whose elements take ``width`` bytes, as for `sampled_positions`."""
    if 0 in shape:
        return np.zeros((0, len(shape)), np.int64)
    size = math.prod(shape)
    limits = {limit // divisor for limit in _LIMITS for divisor in (1, width)}
    flat = [limit + step for limit in sorted(limits) for step in (-1, 0, 1)]
    flat += range(size - _LAST, size)
    inside = np.array([n for n in flat if 0 <= n < size], np.int64)
    corners = np.array(list(np.ndindex(*(2,) * len(shape)))) * (np.array(shape) - 1)
    random = np.stack([rng.integers(n, size=_RANDOM) for n in shape], axis=1)
    found = [np.stack(np.unravel_index(inside, shape), axis=1), corners, random, *_edges(shape, rng)]
    return np.unique(np.concatenate(found).astype(np.int64), axis=0)


def _edges(shape: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
    """Random positions at the edges of tiles, one pair for each axis and width of a tile that fits."""
    found = []
    for axis, size in enumerate(shape):
        for edge in (n for n in _TILES if n < size):
            tile = int(rng.integers(1, size // edge + 1)) * edge
            for place in (tile - 1, min(tile, size - 1)):
                position = [int(rng.integers(n)) for n in shape]
                position[axis] = place
                found.append(np.array([position]))
    return found
