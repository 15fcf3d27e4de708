"""The upsampling methods that a transposed convolution contains, as executable identities.

Each relative turns an input into an example (a case and its tensors) whose output is, by an identity, what a
simpler method gives; ``expected`` is that method in plain NumPy. An adapter that runs the case can be held
to it, and so can a framework's own resize.

The bilinear kernel is that of fully convolutional networks (J. Long, E. Shelhamer and T. Darrell, 2015); resizing
before convolving as the way without a checkerboard is from A. Odena, V. Dumoulin and C. Olah, 2016.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.cases import Case
from conformance.cases.data import Tensors

__all__ = ["RELATIVES", "Example", "Relative", "bilinear_kernel", "unpooling_places"]


@dataclass(frozen=True)
class Example:
    """A case with its tensors, and what its output must be.

    Attributes
    ----------
    case : Case
        Geometry and channels; float32, channels_first.
    tensors : dict of numpy.ndarray
        ``x`` and ``w`` in the shapes of the case.
    expected : numpy.ndarray
        The output of the simpler method, in the shape of the output.
    valid : tuple of slice
        The part of the output the identity holds on: all of it, or what lies off the borders.
    """

    case: Case
    tensors: Tensors
    expected: np.ndarray
    valid: tuple[slice, ...]


@dataclass(frozen=True)
class Relative:
    """One upsampling method.

    Attributes
    ----------
    name, about : str
        What it is, and the identity.
    run : callable
        From an input (N, C, *i) and a factor of at least 2 to the example.
    exact : bool
        Whether the identity holds bit for bit on small integers.
    """

    name: str
    about: str
    run: Callable[[np.ndarray, int], Example]
    exact: bool = True


def _per_channel(kernel: np.ndarray, channels: int) -> np.ndarray:
    """Weights that apply one kernel to every channel by itself, without groups: (C, C, *k)."""
    identity = np.eye(channels).reshape(channels, channels, *(1,) * kernel.ndim)
    return (identity * kernel).astype(np.float32)


def _every(step: int, start: tuple[int, ...]) -> Any:
    """Index of every so many positions of the last axes."""
    return (..., *(slice(offset, None, step) for offset in start))


def _example(
    x: np.ndarray,
    w: np.ndarray,
    expected: np.ndarray,
    factor: int,
    crop: tuple[int, int] = (0, 0),
    border: int = 0,
) -> Example:
    rank = x.ndim - 2
    case = Case(
        rank=rank,
        batch=x.shape[0],
        in_channels=w.shape[0],
        out_channels=w.shape[1],
        input_size=x.shape[2:],
        kernel_size=w.shape[2:],
        stride=(factor,),
        padding=(crop,) * rank,
    )
    inside = slice(border, -border or None)
    return Example(
        case, {"x": x.astype(np.float32), "w": w}, expected, (slice(None), slice(None), *(inside,) * rank)
    )


def _repeated(x: np.ndarray, factor: int) -> np.ndarray:
    for axis in range(2, x.ndim):
        x = np.repeat(x, factor, axis)
    return x


def _nearest(x: np.ndarray, factor: int) -> Example:
    kernel = np.ones((factor,) * (x.ndim - 2))
    return _example(x, _per_channel(kernel, x.shape[1]), _repeated(x, factor), factor)


def _bed_of_nails(x: np.ndarray, factor: int) -> Example:
    rank = x.ndim - 2
    kernel = np.zeros((factor,) * rank)
    kernel[(0,) * rank] = 1
    expected = np.zeros((*x.shape[:2], *(n * factor for n in x.shape[2:])))
    expected[_every(factor, (0,) * rank)] = x
    return _example(x, _per_channel(kernel, x.shape[1]), expected, factor)


def bilinear_kernel(factor: int) -> np.ndarray:
    """One axis of the kernel that interpolates linearly, of length 2f - f mod 2."""
    size = 2 * factor - factor % 2
    centre = factor - 1 if size % 2 else factor - 0.5
    return 1 - np.abs(np.arange(size) - centre) / factor


def _bilinear(x: np.ndarray, factor: int) -> Example:
    """Linear interpolation at half-pixel centres; a border of one input element is extrapolated differently."""
    rank = x.ndim - 2
    line = bilinear_kernel(factor)
    kernel = np.ones(())
    for _ in range(rank):
        kernel = np.multiply.outer(kernel, line)
    expected = x.astype(float)
    for axis in range(2, x.ndim):
        expected = np.apply_along_axis(_interpolated, axis, expected, factor)
    # Cropping so that an output of i*f elements is centred: F - i*f = 2f - f mod 2 - f, split evenly.
    low = (len(line) - factor) // 2
    crop = (low, len(line) - factor - low)
    return _example(x, _per_channel(kernel, x.shape[1]), expected, factor, crop, border=factor)


def _interpolated(line: np.ndarray, factor: int) -> np.ndarray:
    places = (np.arange(len(line) * factor) + 0.5) / factor - 0.5
    return np.interp(places, np.arange(len(line)), line)


def _max_unpooling(x: np.ndarray, factor: int) -> Example:
    """Values put back where a maximum was: one input channel for each place in the window, one-hot.

    Every value belongs to the place ``position mod taps``, as if pooling had found it there.
    """
    rank, channels = x.ndim - 2, x.shape[1]
    places = list(itertools.product(range(factor), repeat=rank))
    at = unpooling_places(x.shape, len(places))
    spread = np.concatenate([np.where(at == n, x, 0) for n in range(len(places))], axis=1)
    w = np.zeros((channels * len(places), channels, *(factor,) * rank), np.float32)
    expected = np.zeros((*x.shape[:2], *(n * factor for n in x.shape[2:])))
    for n, place in enumerate(places):
        for c in range(channels):
            w[(n * channels + c, c, *place)] = 1
        expected[_every(factor, place)] = np.where(at == n, x, 0)
    return _example(spread, w, expected, factor)


def unpooling_places(shape: tuple[int, ...], count: int) -> np.ndarray:
    """Which place of its window each value goes to."""
    return (np.arange(np.prod(shape)) * 7 % count).reshape(shape)


def _resize_then_convolve(x: np.ndarray, factor: int) -> Example:
    """Nearest-neighbour upsampling followed by a convolution is one transposed convolution.

    Its kernel is the convolution's spread over the window: of length f + m - 1 for a convolution of length m. Its
    taps fall evenly on all phases where m is divisible by f, and the sums of its phases are always equal.
    """
    rank = x.ndim - 2
    line = np.array([1.0, 2.0, -1.0])
    w = np.ones(())
    expected = _repeated(x, factor).astype(float)
    for axis in range(rank):
        w = np.multiply.outer(w, np.convolve(np.ones(factor), line))
        expected = np.apply_along_axis(np.convolve, axis + 2, expected, line)
    return _example(x, _per_channel(w, x.shape[1]), expected, factor)


RELATIVES: dict[str, Relative] = {
    relative.name: relative
    for relative in (
        Relative("nearest", "a kernel of ones as long as the stride repeats every element", _nearest),
        Relative("bed_of_nails", "a kernel that is 1 at its first tap puts zeros between elements", _bed_of_nails),
        Relative(
            "bilinear", "the triangular kernel interpolates linearly off the borders", _bilinear, exact=False
        ),
        Relative("max_unpooling", "one-hot kernels put values back to given places", _max_unpooling),
        Relative(
            "resize_then_convolve",
            "repeating elements and convolving is a transposed convolution with the spread kernel",
            _resize_then_convolve,
        ),
    )
}
