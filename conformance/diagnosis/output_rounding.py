"""Sums that are right to float32, and an output whose elements are rounded to a half format in a wrong way.

Such an output looks like sums kept in the half format: it is off by less than one unit in the last place. The rule
distinguishes them: it determines for each element which of its two neighbours in the format is the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.cases.dtypes import DTYPES, DType, round_to
from conformance.diagnosis.match import Match
from conformance.diagnosis.precision import truncated
from conformance.oracle.error_bound import PROFILES, tolerance

__all__ = ["OutputRounding", "explain_output_rounding"]

_FORMATS = ("f16", "bf16")
# A rule determines the set of misrounded elements. It fits by chance once in the number of sets of that size, so
# there must be at least so many.
_FEWEST_SETS = 1000


@dataclass(frozen=True)
class OutputRounding:
    """A rule by which numbers are rounded to a format, other than to the nearest number.

    Attributes
    ----------
    text : str
        Completes "equals the expected output with every element of the output ...".
    is_up : callable
        Takes whether each number is negative, the fraction of a unit in the last place (0 to 1) by which it lies
        beyond its neighbour towards zero, and whether that neighbour's last bit is 1. Returns where the result is
        the neighbour away from zero.
    """

    text: str
    is_up: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

    def round(self, values: np.ndarray, dtype: DType) -> np.ndarray:
        """Round values to a format by this rule."""
        low = truncated(values, dtype)
        unit = _unit(low, dtype)
        fraction = np.abs(values - low) / unit
        odd = np.abs(low) / unit % 2 == 1
        up = self.is_up(np.signbit(values), fraction, odd) & (fraction > 0)
        return np.where(up, low + np.copysign(unit, values), low)


def _unit(values: np.ndarray, dtype: DType) -> np.ndarray:
    """Distance from each number of a format to the next one away from zero."""
    exponent = np.frexp(values)[1] - dtype.precision
    return np.maximum(np.ldexp(1.0, exponent), dtype.subnormal_spacing)


RULES = (
    OutputRounding("rounded away from zero", lambda negative, fraction, odd: np.ones_like(odd)),
    OutputRounding("rounded down", lambda negative, fraction, odd: negative),
    OutputRounding("rounded up", lambda negative, fraction, odd: ~negative),
    # As by a faulty rounding to nearest that adds half a unit to odd numbers only.
    OutputRounding(
        "rounded away from zero only where its last bit is 1",
        lambda negative, fraction, odd: odd & (fraction >= 0.5),
    ),
)


def explain_output_rounding(match: Match) -> OutputRounding | None:
    """The wrong rule by which every element of an output in a half format was rounded, if there is one.

    An element may be the rounded exact sum, or the rounded smallest or largest sum that accumulation in float32
    allows (`conformance.oracle.error_bound`).
    """
    dtype = match.case.format
    if match.exact or match.case.dtype not in _FORMATS:
        return None
    tensors = []
    for name, reference in match.references().items():
        got = match.observed[name]
        if got.shape != reference.exact.shape or not np.isfinite(got).all():
            return None
        tensors.append((got, reference.exact, tolerance(reference, DTYPES["f32"], PROFILES["fp32-acc"])))
    rounded = sum(np.count_nonzero(round_to(dtype, right) != right) for _, right, _ in tensors)
    misrounded = sum(np.count_nonzero(round_to(dtype, right) != got) for got, right, _ in tensors)
    if math.comb(rounded, min(rounded, misrounded)) < _FEWEST_SETS:
        return None
    return next((rule for rule in RULES if all(_follows(rule, dtype, *each) for each in tensors)), None)


def _follows(rule: OutputRounding, dtype: DType, got: np.ndarray, right: np.ndarray, error: np.ndarray) -> bool:
    may_be = [rule.round(right + side, dtype) for side in (-error, 0.0, error)]
    return bool(np.all(np.any([got == each for each in may_be], axis=0)))
