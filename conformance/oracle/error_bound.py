"""How far an output may be from the oracle: an a-priori bound for each element, and accuracy profiles.

For a sum of n products of numbers in the format, computed in any order in arithmetic of unit roundoff u,

    |computed - exact| <= gamma(n, u) * sum |x_i w_i|,   gamma(n, u) = n u / (1 - n u)

(N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, section 3.1, equation 3.5; it holds
for every order of summation, with and without fused multiply-add). A bias is one more term. Rounding the sum to
the output format adds u_out * |computed|. Nothing here is tuned: n is the true number of products at the element,
sum |x_i w_i| the oracle's output for |x| and |w|. ``docs/error-bound.md`` has the proof.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np

from conformance.cases.dtypes import DTYPES, DType
from conformance.oracle.reference import Reference

if TYPE_CHECKING:
    pass

__all__ = [
    "PROFILES",
    "TIGHTEST_FIRST",
    "Profile",
    "gamma",
    "is_normwise",
    "profiles_for",
    "says_nothing",
    "tolerance",
]

_ORACLE_ROUNDOFF = DTYPES["f64"].unit_roundoff


@dataclass(frozen=True)
class Profile:
    """A named way to compute, and the error that it may make.

    Attributes
    ----------
    name, about : str
        The name in reports, and a description.
    accumulator : str or None
        Format of the accumulator; None: the format of the case.
    dtypes : tuple of str
        Formats of the cases that it applies to.
    input_roundoff : float
        Unit roundoff of the format the inputs are rounded to first; 0 for none.
    normwise : bool
        Whether the implementation sums other numbers than the products (FFT, Strassen, Winograd), so that its
        errors are bounded by norms of the tensors, for exact data too. Only an adapter that promises
        such a profile is judged by it.
    """

    name: str
    about: str
    _: KW_ONLY
    accumulator: str | None
    dtypes: tuple[str, ...]
    input_roundoff: float = 0.0
    normwise: bool = False


_REAL = ("f64", "f32", "f16", "bf16")
_COMPLEX = ("c64", "c128")

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("fp64", "accumulates in float64, rounds once", accumulator="f64", dtypes=_REAL + _COMPLEX),
        Profile(
            "normwise-fp64",
            "FFT, Strassen or Winograd in float64",
            accumulator="f64",
            dtypes=_REAL + _COMPLEX,
            normwise=True,
        ),
        Profile("fp32-acc", "accumulates in float32", accumulator="f32", dtypes=("f32", "f16", "bf16", "c64")),
        Profile(
            "normwise-fp32",
            "FFT, Strassen or Winograd in float32",
            accumulator="f32",
            dtypes=("f32", "f16", "bf16", "c64"),
            normwise=True,
        ),
        Profile("storage-acc", "accumulates in the format of the case", accumulator=None, dtypes=("f16", "bf16")),
        Profile(
            "tf32",
            "cuts the inputs to TF32, accumulates in float32",
            accumulator="f32",
            # TF32 keeps 11 bits. Hardware may truncate the others, so an input is off by a unit in the last place,
            # not by half of one.
            input_roundoff=2.0**-10,
            dtypes=("f32", "c64"),
        ),
    )
}
"""From tightest to loosest."""

TIGHTEST_FIRST = ("exact", *PROFILES)
"""The names of all profiles; ``exact`` needs no bound."""


def gamma(terms: np.ndarray | float, unit_roundoff: float) -> np.ndarray:
    """Higham's gamma(n, u) = n u / (1 - n u); infinite where n u reaches 1."""
    product = np.asarray(terms, dtype=np.float64) * unit_roundoff
    with np.errstate(divide="ignore"):
        return np.where(product < 1, product / np.maximum(1 - product, 0), np.inf)


def is_normwise(promise: str) -> bool:
    """Whether a promised profile judges exact data within a bound, too."""
    return promise in PROFILES and PROFILES[promise].normwise


def profiles_for(dtype: DType, promise: str = "") -> list[Profile]:
    """The profiles for a dtype, tightest first; normwise ones only for an adapter that promises one."""
    offered = (p for p in PROFILES.values() if is_normwise(promise) or not p.normwise)
    return [profile for profile in offered if dtype.name in profile.dtypes]


def tolerance(reference: Reference, dtype: DType, profile: Profile) -> np.ndarray:
    """Largest difference from the oracle that a profile allows.

    Parameters
    ----------
    reference : Reference
        The oracle's output, with S and n.
    dtype : DType
        Format of the case and the output.
    profile : Profile
        How the implementation computes, by its own promise.

    Returns
    -------
    numpy.ndarray
        One nonnegative number per element, in the shape of the output:
        ``u_out |ref| + (1 + u_out) gamma(n + 1, u_acc) S + floor``. The floor is what underflow may lose:
        for each term the smallest normal number of the accumulator (flushed subnormals), and half the spacing of
        the subnormal numbers of the output. The oracle's own float64 rounding is added for every profile; it
        matters for f64 only. Where all numbers are whole and their sums exact in the accumulator, only the
        rounding of the output is allowed. A normwise profile adds the bound of `conformance.oracle.normwise`.

    Notes
    -----
    A complex product is two real products and a sum in each part, so n doubles; the modulus of the error is
    bounded by both parts together (Higham, section 3.6), hence the factor sqrt(2). An input rounded to unit
    roundoff v makes a product wrong by the factor (1 + v)^2 at most.
    """
    accumulator = _accumulator(dtype, profile)
    spread = np.sqrt(2.0) if dtype.is_complex else 1.0
    floor = (_terms(reference, dtype) + 1) * accumulator.smallest_normal + dtype.subnormal_spacing / 2
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = dtype.unit_roundoff * np.abs(reference.exact)
        bound = spread * (rounded + _growth(reference, dtype, profile) * reference.magnitude) + floor
        if profile.normwise:
            bound = bound + _beyond_the_sums(reference, dtype, accumulator)
        else:
            exact = _summed_exactly(reference, dtype, profile)
            bound = np.where(exact, rounded * (reference.magnitude > dtype.largest_exact_integer), bound)
    return np.where(np.isnan(bound), np.inf, bound)


def says_nothing(reference: Reference, dtype: DType, profile: Profile) -> np.ndarray:
    """Where a profile's bound checks nothing: where an output of zeros meets it, whatever the data.

    A bound for each element says nothing about an element where it allows an error of all its terms together. A
    normwise bound says nothing about a tensor where it does so for each of its elements.
    """
    summed = reference.magnitude > 0
    if profile.normwise:
        blind = tolerance(reference, dtype, profile) >= np.where(summed, reference.magnitude, np.inf)
        return summed & bool(np.all(blind | ~summed))
    growth = _growth(reference, dtype, profile)
    return (growth >= 1) & summed & ~_summed_exactly(reference, dtype, profile)


def _accumulator(dtype: DType, profile: Profile) -> DType:
    return DTYPES[profile.accumulator] if profile.accumulator else dtype


def _terms(reference: Reference, dtype: DType) -> np.ndarray:
    return reference.terms * 2 + 1 if dtype.is_complex else reference.terms


def _growth(reference: Reference, dtype: DType, profile: Profile) -> np.ndarray:
    """The largest error of a sum, before it is rounded to the output, as a share of S."""
    terms = _terms(reference, dtype)
    own = gamma(terms + 1, _ORACLE_ROUNDOFF)
    rounding = gamma(terms + 1, _accumulator(dtype, profile).unit_roundoff)
    inputs = (1 + profile.input_roundoff) ** 2 - 1
    return np.asarray((1 + dtype.unit_roundoff) * (rounding * (1 + inputs) + inputs + own))


def _summed_exactly(reference: Reference, dtype: DType, profile: Profile) -> np.ndarray:
    """Where every partial sum is a whole number that the accumulator represents, so that none is rounded."""
    if not reference.whole:
        return np.zeros(reference.exact.shape, bool)
    most = float(_accumulator(dtype, profile).largest_exact_integer)
    if profile.input_roundoff:  # a factor is no larger than its product
        most = min(most, 1 / profile.input_roundoff)
    return np.asarray(reference.magnitude <= most)


def _beyond_the_sums(reference: Reference, dtype: DType, accumulator: DType) -> float:
    """What a normwise profile allows in addition to the errors of a sum of the products."""
    norms = reference.norms() if reference.norms is not None else None
    if norms is None:
        return 0.0
    if norms.overflows(accumulator):
        return np.inf
    spread = np.sqrt(2.0) if dtype.is_complex else 1.0
    added = (1 + dtype.unit_roundoff) * norms.growth(accumulator.unit_roundoff)
    return float(spread * added + norms.underflow(accumulator))
