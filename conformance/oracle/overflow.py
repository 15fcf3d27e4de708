"""Where a sum may overflow: infinities and NaN that are possible results in some order of summation.

``docs/error-bound.md`` has the proof.
"""

from __future__ import annotations

import numpy as np

from conformance.cases.dtypes import DTYPES, DType
from conformance.oracle.error_bound import Profile, gamma, tolerance
from conformance.oracle.reference import Reference

__all__ = ["within"]

_ORACLE_ROUNDOFF = DTYPES["f64"].unit_roundoff


def _may_overflow(reference: Reference, form: DType, profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    """Where some partial sum may reach plus infinity, and where minus infinity, in the accumulator."""
    terms, magnitude = reference.terms, reference.magnitude
    # The positive terms add up to (S + ref) / 2, the negative ones to (S - ref) / 2.
    own = gamma(terms + 1, _ORACLE_ROUNDOFF) * magnitude
    growth = (1 + form.unit_roundoff) * (1 + np.maximum(terms - 1, 0) * form.unit_roundoff)
    growth = growth * (1 + profile.input_roundoff) ** 2
    limit = 2.0**form.max_exponent
    plus, minus = ((magnitude + sign * reference.exact + own) * growth / 4 >= limit for sign in (1, -1))
    return plus, minus


def within(values: np.ndarray, reference: Reference, dtype: DType, profile: Profile) -> np.ndarray:
    """Where an output may be the result of a profile: within its bound, or what overflow leaves.

    Parameters
    ----------
    values : numpy.ndarray
        The output, in the shape of the reference.
    reference : Reference
        The expected values.
    dtype : DType
        Format of the output.
    profile : Profile
        How the implementation computes.
    """
    allowed = tolerance(reference, dtype, profile)
    with np.errstate(invalid="ignore"):
        beyond = np.abs(values - reference.exact) > allowed
    if np.isfinite(values).all() or dtype.is_complex or profile.normwise:
        return np.asarray(~beyond)
    plus, minus = _may_overflow(reference, DTYPES[profile.accumulator] if profile.accumulator else dtype, profile)
    # The sum itself is finite, and rounding to the output is what overflows.
    largest = (1 - dtype.unit_roundoff / 2) * 2.0**dtype.max_exponent
    above = (reference.exact + allowed) / 2 >= largest
    below = (reference.exact - allowed) / 2 <= -largest
    return np.asarray(
        np.where(np.isposinf(values), plus | above, np.where(np.isneginf(values), minus | below, ~beyond))
        & (~np.isnan(values) | ((plus | minus) & (reference.terms > 1)))
    )
