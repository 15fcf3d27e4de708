"""The number formats of cases, and their limits.

A tensor travels in a NumPy *carrier* dtype that holds every value of the format exactly: NumPy has no
bfloat16 of its own, so bfloat16 values travel as float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["DTYPES", "DType", "promoted", "round_to", "spacing"]


@dataclass(frozen=True, kw_only=True)
class DType:
    """A binary floating-point format (IEEE 754-2019, section 3; bfloat16 as published by Google).

    Attributes
    ----------
    name : str
        Short name used in case ids, such as ``f32``.
    label : str
        The name frameworks use, such as ``float32``.
    carrier : str
        NumPy dtype that holds every value exactly.
    precision : int
        Bits of the significand, the implicit one included.
    min_exponent : int
        Exponent of the smallest positive normal number, as a power of two.
    is_complex : bool
        Whether a value is a pair of such numbers.
    """

    name: str
    label: str
    carrier: str
    precision: int
    min_exponent: int
    is_complex: bool = False

    @property
    def unit_roundoff(self) -> float:
        """Largest relative error of rounding to nearest, ``2**-precision``."""
        return 2.0**-self.precision

    @property
    def smallest_normal(self) -> float:
        """The smallest positive normal number."""
        return 2.0**self.min_exponent

    @property
    def subnormal_spacing(self) -> float:
        """The smallest positive number, and the distance between subnormal ones."""
        return self.smallest_normal * (2 * self.unit_roundoff)

    @property
    def max_exponent(self) -> int:
        """Exponent of the largest finite number, as a power of two."""
        return 1 - self.min_exponent

    @property
    def largest_exact_integer(self) -> int:
        """All integers up to this magnitude are exact, and so are their sums up to it."""
        return 1 << self.precision


DTYPES: dict[str, DType] = {
    dtype.name: dtype
    for dtype in (
        DType(name="f64", label="float64", carrier="float64", precision=53, min_exponent=-1022),
        DType(name="f32", label="float32", carrier="float32", precision=24, min_exponent=-126),
        DType(name="f16", label="float16", carrier="float16", precision=11, min_exponent=-14),
        DType(name="bf16", label="bfloat16", carrier="float32", precision=8, min_exponent=-126),
        DType(
            name="c64", label="complex64", carrier="complex64", precision=24, min_exponent=-126, is_complex=True
        ),
        DType(
            name="c128",
            label="complex128",
            carrier="complex128",
            precision=53,
            min_exponent=-1022,
            is_complex=True,
        ),
    )
}


def promoted(first: str, second: str) -> str:
    """The smallest real format that holds the values of both."""
    both = (DTYPES[first], DTYPES[second])
    precision, exponent = max(form.precision for form in both), min(form.min_exponent for form in both)
    return next(
        form.name
        for form in sorted(DTYPES.values(), key=lambda form: form.precision)
        if not form.is_complex and form.precision >= precision and form.min_exponent <= exponent
    )


def round_to(dtype: DType, values: np.ndarray) -> np.ndarray:
    """Round to the nearest value of a format, ties to even.

    Parameters
    ----------
    dtype : DType
        The target format.
    values : numpy.ndarray
        Numbers of any shape, in a format at least as wide.

    Returns
    -------
    numpy.ndarray
        The same shape in ``dtype.carrier``.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if dtype.name != "bf16":
            return np.asarray(values).astype(dtype.carrier)
        return _round_to_bfloat16(np.asarray(values))


def _round_to_bfloat16(values: np.ndarray) -> np.ndarray:
    # Rounding float64 -> float32 -> bfloat16 would round twice, so the first step rounds to odd: the last bit of
    # an inexact float32 is set, which keeps it away from the ties of the second step.
    single = values.astype(np.float32)
    bits = single.view(np.uint32).copy()
    inexact = np.isfinite(single) & (single.astype(values.dtype) != values)
    grew = np.abs(single.astype(np.float64)) > np.abs(values.astype(np.float64))
    bits = np.where(inexact & grew, bits - np.uint32(1), bits)
    bits = np.where(inexact, bits | np.uint32(1), bits).astype(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)
    quiet_nan = np.uint32(0x7FC00000)
    return np.where(np.isnan(values), quiet_nan, rounded).astype(np.uint32).view(np.float32)


def spacing(dtype: DType, values: np.ndarray) -> np.ndarray:
    """The distance between neighbours of a format around some numbers: one unit in the last place.

    Parameters
    ----------
    dtype : DType
        The format.
    values : numpy.ndarray
        Numbers of any shape; of complex ones, the modulus counts.

    Returns
    -------
    numpy.ndarray
        float64 of the same shape, never below the distance between subnormal numbers.
    """
    _, exponents = np.frexp(np.abs(values))
    return np.maximum(np.ldexp((values != 0) * 1.0, exponents - dtype.precision), dtype.subnormal_spacing)
