"""How many taps reach each output element, and how uneven that is: the checkerboard of transposed convolutions.

Where the kernel is not divisible by the stride, neighbouring outputs get different numbers of products, and an
even input leaves a checkerboard (A. Odena, V. Dumoulin and C. Olah, Deconvolution and Checkerboard Artifacts,
Distill, 2016). With dilation, the phases modulo the stride of the taps t * d decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.cases.case import Case

__all__ = ["Overlap", "overlap", "reaches"]


@dataclass(frozen=True)
class Overlap:
    """Counts of taps.

    Attributes
    ----------
    counts : numpy.ndarray
        Taps of one input channel that reach each output element, in the shape of the output size.
    phases : tuple of tuple of int
        For each axis, the number of taps on each phase of the output modulo the stride: away from the borders,
        each output gets one of these.
    """

    counts: np.ndarray
    phases: tuple[tuple[int, ...], ...]

    @property
    def measure(self) -> float:
        """Unevenness away from the borders: (most - fewest) / most, of the taps per output; 0 for even."""
        most = float(np.prod([max(axis) for axis in self.phases]))
        fewest = float(np.prod([min(axis) for axis in self.phases]))
        return (most - fewest) / most if most else 0.0


def reaches(case: Case, axis: int) -> np.ndarray:
    """For one axis, which tap of which input reaches which output: (i, k, O) booleans.

    Raises
    ------
    DomainError
        The case is invalid (R11).
    """
    geometry = case.geometry()
    numbers, low = geometry.axes[axis], geometry.crop[axis][0]
    j, t, o = np.ogrid[: numbers.input_size, : numbers.kernel_size, : geometry.output_size[axis]]
    hit: np.ndarray = j * numbers.stride + t * numbers.dilation - low == o
    return hit


def overlap(case: Case) -> Overlap:
    """Count the taps of a case; raises DomainError for an invalid case (R11)."""
    counts = np.ones(())
    for axis in range(case.rank):
        counts = np.multiply.outer(counts, reaches(case, axis).sum(axis=(0, 1)))
    phases = tuple(
        tuple(int(n) for n in np.bincount(np.arange(k) * d % s, minlength=s))
        for k, d, s in zip(case.kernel_size, case.dilation, case.stride, strict=True)
    )
    return Overlap(counts.astype(int), phases)
