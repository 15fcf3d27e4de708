"""The derived bound against the worst that the model of rounding allows: every rounding as wrong as it can be."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from conformance.cases.dtypes import DTYPES
from conformance.oracle.error_bound import PROFILES, Profile, gamma, profiles_for, tolerance
from conformance.oracle.reference import Reference

COMBINATIONS = [
    pytest.param(dtype, profile, id=f"{dtype.name}-{profile.name}")
    for dtype in DTYPES.values()
    if not dtype.is_complex
    for profile in profiles_for(dtype)
]
TERMS = (1, 2, 17, 300, 2500)


def allowed(exact: int, terms: int, dtype, profile: Profile) -> float:
    """The bound on an element of so many terms whose magnitudes add up to 1."""
    numbers = (np.array([float(n)]) for n in (exact, 1, terms))
    return float(tolerance(Reference.of(*numbers), dtype, profile)[0])


def worst(exact: int, terms: int, dtype, profile: Profile) -> Fraction:
    """The largest error of such an element where each term is rounded so often, all against it.

    ``exact`` is 1 for terms of one sign and 0 for terms that cancel.
    """
    u = Fraction(DTYPES[profile.accumulator].unit_roundoff if profile.accumulator else dtype.unit_roundoff)
    u_out, v = Fraction(dtype.unit_roundoff), Fraction(profile.input_roundoff)
    above = (1 + v) ** 2 * (1 + u) ** terms
    if exact:
        return above * (1 + u_out) - 1
    return (above - (1 - v) ** 2 * (1 - u) ** terms) / 2 * (1 + u_out)


@pytest.mark.parametrize(("dtype", "profile"), COMBINATIONS)
@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("exact", [0, 1])
def test_the_worst_roundings_stay_within_it(exact: int, terms: int, dtype, profile: Profile) -> None:
    bound = allowed(exact, terms, dtype, profile)
    assert not np.isfinite(bound) or worst(exact, terms, dtype, profile) <= Fraction(bound)


@pytest.mark.parametrize(("dtype", "profile"), COMBINATIONS)
def test_it_is_not_much_wider_than_the_worst(dtype, profile: Profile) -> None:
    terms = 17
    # The oracle's own rounding is as large as the error of the output in fp64.
    slack = 2.2 if profile.name == "fp64" and dtype.name == "f64" else 1.2
    assert allowed(1, terms, dtype, profile) <= slack * float(worst(1, terms, dtype, profile))


def test_the_bound_is_infinite_where_a_sum_may_be_entirely_wrong() -> None:
    bf16 = DTYPES["bf16"]
    assert gamma(1 / bf16.unit_roundoff, bf16.unit_roundoff) == np.inf
    assert np.isfinite(allowed(1, 200, bf16, PROFILES["storage-acc"]))
    assert allowed(1, 255, bf16, PROFILES["storage-acc"]) == np.inf
    assert np.isfinite(allowed(1, 255, bf16, PROFILES["fp32-acc"]))
