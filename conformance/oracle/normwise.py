"""The error bound of algorithms that do not sum the products themselves: FFT, Strassen and Winograd.

They add and multiply numbers other than the products x w, so the error of an element grows with the largest
numbers of the tensors, not with the element's own terms. ``docs/error-bound.md`` has the proof of both bounds:

* *transforms* of N points (J. W. Cooley and J. W. Tukey's, in any mix of radices up to 11):
  ``gamma(48 log2(N) + 16 + n, u) * sum |x_c|_2 |w_c|_2`` over the channels c that are summed
  (after N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, theorem 24.2);
* *bilinear algorithms* of one level (Strassen, Winograd's F(2, 3)):
  ``growth * gamma(n + 5 rank + 5, u) * n * max|x| * max|w|`` (after Higham, section 23.2.2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case
from conformance.cases.directions import IMAGES
from conformance.cases.dtypes import DType
from conformance.oracle.error_bound import gamma

__all__ = ["Norms", "norms_of"]

_PER_BIT = 16
"""Roundings of a transform for each doubling of its length: at most sqrt(p) (p + 5.5) / log2(p), p to 11."""

_STRASSEN = 12
"""Sum of the coefficients of one level of Strassen's algorithm in its worst block."""

# For each output tensor: the two tensors whose product is summed, with the axis (channels_first) that each keeps.
# A gradient of gradients may be the sum of two such products.
_PAIRS: dict[str, tuple[tuple[str, int, str, int], ...]] = {
    "y": (("x", 0, "w", 1),),
    "dx": (("dy", 0, "w", 0),),
    "dw": (("x", 1, "dy", 1),),
    "ddy": (("vx", 0, "w", 1), ("x", 0, "vw", 1)),
    "ddx": (("dy", 0, "vw", 0),),
    "ddw": (("vx", 1, "dy", 1),),
}


@dataclass(frozen=True, kw_only=True)
class Norms:
    """What the normwise bounds of one output tensor need.

    Attributes
    ----------
    euclidean : float
        Product of the 2-norms of the slices that meet in an element, at its largest.
    largest : float
        Product of the largest magnitudes of both tensors.
    sizes : float
        Sum of the 2-norms and the largest magnitudes, for what underflow may lose.
    products : int
        Largest number of products of an element, zeros of the padding included.
    bits : int
        Binary logarithm of the number of points of a transform.
    rank : int
        Number of spatial axes.
    """

    euclidean: float
    largest: float
    sizes: float
    products: int
    bits: int
    rank: int

    def growth(self, unit_roundoff: float) -> float:
        """The error that the algorithms may make: the larger of the two bounds."""
        transforms = gamma(_PER_BIT * (3 * self.bits + 1) + self.products, unit_roundoff) * self.euclidean
        depth = self.products + 5 * self.rank + 5
        bilinear = self._coefficients * gamma(depth, unit_roundoff) * self.products * self.largest
        return float(np.maximum(transforms, bilinear))

    def overflows(self, accumulator: DType) -> bool:
        """Whether an intermediate result may leave the format, so that the bound does not hold."""
        highest = max(2.0**self.bits * self.euclidean, self._coefficients * self.products * self.largest)
        return not highest < 2.0**accumulator.max_exponent

    def underflow(self, accumulator: DType) -> float:
        """What intermediate results below the smallest normal number may lose."""
        lost = self._coefficients * self.products + _PER_BIT * self.bits * 2.0 ** (self.bits / 2)
        return lost * (1 + self.sizes) * accumulator.smallest_normal

    @property
    def _coefficients(self) -> int:
        return max(_STRASSEN, 3**self.rank)


def norms_of(
    case: Case, tensors: Mapping[str, np.ndarray], name: str, *, channels_last: bool | None = None
) -> Norms | None:
    """The norms for one output tensor; None for a plain sum such as db.

    Parameters
    ----------
    case : Case
        A valid case.
    tensors : mapping of numpy.ndarray
        Its input data.
    name : str
        The output tensor.
    channels_last : bool, optional
        The layout of the tensors, where it is not that of the case.
    """
    pairs = _PAIRS.get(name)
    if pairs is None:
        return None
    last = case.layout == "channels_last" if channels_last is None else channels_last
    euclidean = largest = sizes = 0.0
    for first, kept, second, other in pairs:
        norms, magnitudes = zip(
            _magnitudes(tensors[first], kept, last and first in IMAGES),
            _magnitudes(tensors[second], other, last and second in IMAGES),
            strict=True,
        )
        euclidean += math.prod(norms)
        largest += math.prod(magnitudes)
        sizes += sum(norms) + sum(magnitudes)
    geometry = case.geometry()
    full = [(a.input_size - 1) * a.stride + a.dilation * (a.kernel_size - 1) + 1 for a in geometry.axes]
    return Norms(
        euclidean=euclidean * len(geometry.windows),
        largest=largest,
        sizes=sizes,
        products=len(pairs) * _products(case, name) * len(geometry.windows),
        bits=sum(max(size - 1, 1).bit_length() + 2 for size in full),
        rank=case.rank,
    )


def _magnitudes(array: np.ndarray, kept: int, channels_last: bool) -> tuple[float, float]:
    """The largest 2-norm of a slice at one index of an axis, and the largest magnitude."""
    axis = array.ndim - 1 if channels_last and kept == 1 else kept
    if array.size == 0:
        return 0.0, 0.0
    magnitudes = np.abs(
        np.moveaxis(array, axis, 0).astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    )
    # Scaled, since the squares overflow before the norm does.
    most = float(np.max(magnitudes))
    if most == 0 or not np.isfinite(most):
        return most, most
    flat = magnitudes.reshape(magnitudes.shape[0], -1) / most
    return most * float(np.sqrt(np.max(np.sum(flat * flat, axis=1)))), most


def _products(case: Case, name: str) -> int:
    if name in ("dw", "ddw"):
        return case.batch * _tiled(case.input_size, case.geometry().output_size)
    channels = case.out_channels if name in ("dx", "ddx") else case.in_channels
    return channels // case.groups * math.prod(case.kernel_size)


def _tiled(inputs: Iterable[int], outputs: Iterable[int]) -> int:
    """Positions in a sum over an image that is padded to whole tiles of two."""
    return math.prod(max(pair) + 1 for pair in zip(inputs, outputs, strict=True))
