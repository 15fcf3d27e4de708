"""The possible results of a sum of positive whole numbers in a format that cannot count that far.

With p bits, whole numbers up to 2**p are exact, and so are their sums. Beyond it, whatever the order of the terms,
the computed sum s^ of terms that add up to S > 2**p is

    2**p <= s^ <= S (1 + (m - 1) u):

rounding is monotone and 2**p is a number of the format, so no sum falls below 2**p once its terms reach it. The
upper limit is the bound of C.-P. Jeannerod and S. M. Rump (Improved error bounds for inner products in
floating-point arithmetic, SIAM J. Matrix Anal. Appl. 34(2), 2013), which holds for every number of terms m.
"""

from __future__ import annotations

import numpy as np

from conformance.cases.dtypes import DType, round_to
from conformance.oracle.reference import Reference

__all__ = ["is_count", "kept_in", "smallest"]


def is_count(reference: Reference) -> np.ndarray:
    """Where an element is a sum of positive whole numbers."""
    if not reference.whole:
        return np.zeros(reference.exact.shape, bool)
    return np.asarray((reference.exact == reference.magnitude) & (reference.magnitude > 0))


def kept_in(dtype: DType, values: np.ndarray, reference: Reference) -> np.ndarray:
    """Where a count may be the result of a sum kept in a format, in some order.

    Parameters
    ----------
    dtype : DType
        The format.
    values : numpy.ndarray
        The output, in the shape of the reference.
    reference : Reference
        The right counts.
    """
    right = round_to(dtype, reference.exact)
    exact = reference.magnitude <= dtype.largest_exact_integer
    highest = reference.magnitude * (1 + np.maximum(reference.terms - 1, 0) * dtype.unit_roundoff)
    # The sum may be rounded once more, for instance by a bias that is added afterwards.
    reachable = (values >= dtype.largest_exact_integer) & (values <= highest * (1 + dtype.unit_roundoff))
    return np.asarray(is_count(reference) & np.where(exact, values == right, reachable))


def smallest(dtype: DType, values: np.ndarray, reference: Reference, wrong: np.ndarray) -> str:
    """Describe the wrong count with the fewest terms."""
    terms = np.where(wrong, reference.terms, np.inf)
    at = tuple(int(n) for n in np.unravel_index(int(np.argmin(terms)), terms.shape))
    right = float(round_to(dtype, reference.exact)[at])
    return (
        f"the smallest sum that shows it has {int(terms[at])} terms, at {list(at)}: "
        f"expected {right:.9g}, got {values[at]:.9g}"
    )
