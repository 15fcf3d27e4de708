"""How far an answer may be from the oracle: an a-priori bound for each element, and accuracy profiles.

For a sum of n products of numbers in the format, computed in any order in arithmetic of unit roundoff u,

    |computed - exact| <= gamma(n, u) * sum |x_i w_i|,   gamma(n, u) = n u / (1 - n u)

(N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, section 3.1, equation 3.5; it holds
for every order of summation, with and without fused multiply-add). A bias is one more term. Rounding the sum to
the output format adds u_out * |computed|. Nothing here is tuned: n is the true number of products at the element,
sum |x_i w_i| the oracle's answer to |x| and |w|. ``docs/error-bound.md`` has the proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cases.dtypes import DTYPES, DType

__all__ = ["PROFILES", "TIGHTEST_FIRST", "Profile", "Reference", "gamma", "profiles_for", "tolerance"]

_ORACLE_ROUNDOFF = DTYPES["f64"].unit_roundoff


@dataclass(frozen=True)
class Reference:
    """What the oracle says about one answer tensor, element by element.

    Attributes
    ----------
    exact : numpy.ndarray
        The right values in float64 (complex128).
    sums : callable
        Returns `magnitude` and `terms`. Most answers are right bit for bit and need neither.
    also : tuple of numpy.ndarray
        Other values each element may take, where the data kind leaves a choice.
    positive : numpy.ndarray or None
        Where a zero must be +0.
    """

    exact: np.ndarray
    sums: Callable[[], tuple[np.ndarray, np.ndarray]]
    also: tuple[np.ndarray, ...] = ()
    positive: np.ndarray | None = None

    def minus_zeros(self, values: np.ndarray) -> np.ndarray:
        """Which values are minus zero where plus zero is right; the two compare as equal."""
        if self.positive is None:
            return np.zeros(values.shape, bool)
        return self.positive & (values == 0) & np.signbit(values)

    @classmethod
    def of(cls, exact: np.ndarray, magnitude: np.ndarray, terms: np.ndarray) -> Reference:
        """A reference whose sums are known."""
        return cls(exact, lambda: (magnitude, terms))

    @property
    def magnitude(self) -> np.ndarray:
        """S: the sums of absolute values, the bias included."""
        return self.sums()[0]

    @property
    def terms(self) -> np.ndarray:
        """The number of products, and one more for a bias."""
        return self.sums()[1]


@dataclass(frozen=True)
class Profile:
    """A named way of computing, and the error it is entitled to.

    Attributes
    ----------
    name, about : str
        As reported, and in words.
    accumulator : str or None
        Format of the accumulator; None: the format of the question.
    input_roundoff : float
        Unit roundoff of the format the inputs are rounded to first; 0 for none.
    dtypes : tuple of str
        Formats of questions it makes sense for.
    """

    name: str
    about: str
    accumulator: str | None
    input_roundoff: float
    dtypes: tuple[str, ...]


_REAL = ("f64", "f32", "f16", "bf16")
_COMPLEX = ("c64", "c128")

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("fp64", "accumulates in float64, rounds once", "f64", 0.0, _REAL + _COMPLEX),
        Profile("fp32-acc", "accumulates in float32", "f32", 0.0, ("f32", "f16", "bf16", "c64")),
        Profile("storage-acc", "accumulates in the format of the question", None, 0.0, ("f16", "bf16")),
        # TF32 keeps 11 bits; hardware may ignore the others, so an input is off by one in the last, not by half.
        Profile("tf32", "cuts the inputs to TF32, accumulates in float32", "f32", 2.0**-10, ("f32", "c64")),
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


def profiles_for(dtype: DType) -> list[Profile]:
    """The profiles a dtype can meet, tightest first."""
    return [profile for profile in PROFILES.values() if dtype.name in profile.dtypes]


def tolerance(reference: Reference, dtype: DType, profile: Profile) -> np.ndarray:
    """Largest difference from the oracle that a profile allows.

    Parameters
    ----------
    reference : Reference
        The oracle's answer, with S and n.
    dtype : DType
        Format of the question and the answer.
    profile : Profile
        How the implementation says it computes.

    Returns
    -------
    numpy.ndarray
        One nonnegative number an element, in the shape of the answer:
        ``u_out |ref| + (1 + u_out) gamma(n + 1, u_acc) S + floor``. The floor is what underflow may lose: a term
        each at the smallest normal number of the accumulator (flushed subnormals) and half the spacing of
        subnormals of the output. The oracle's own float64 rounding is added for every profile; it matters for
        f64 only.

    Notes
    -----
    A complex product is two real products and a sum in each part, so n doubles; the modulus of the error is
    bounded by both parts together (Higham, section 3.6), hence the factor sqrt(2). An input rounded to unit
    roundoff v makes a product wrong by the factor (1 + v)^2 at most.
    """
    accumulator = DTYPES[profile.accumulator] if profile.accumulator else dtype
    terms = reference.terms * 2 + 1 if dtype.is_complex else reference.terms
    spread = np.sqrt(2.0) if dtype.is_complex else 1.0
    own = gamma(terms + 1, _ORACLE_ROUNDOFF)
    rounding = gamma(terms + 1, accumulator.unit_roundoff)
    inputs = (1 + profile.input_roundoff) ** 2 - 1
    growth = (1 + dtype.unit_roundoff) * (rounding * (1 + inputs) + inputs + own)
    floor = (terms + 1) * accumulator.smallest_normal + dtype.subnormal_spacing / 2
    with np.errstate(invalid="ignore", over="ignore"):
        bound = spread * (dtype.unit_roundoff * np.abs(reference.exact) + growth * reference.magnitude) + floor
    return np.where(np.isnan(bound), np.inf, bound)
