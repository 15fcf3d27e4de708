"""Limits that several implementations share, and what of a case an adapter says by its own arithmetic.

Each function takes the documentation that states the limit and returns the `Limit`.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.adapters.base import Limit
from conformance.adapters.frameworks.padding import geometry, named
from conformance.cases.case import Case
from conformance.cases.geometry import CONVENTIONS

__all__ = [
    "no_complex",
    "no_crop_for_invalid_cases",
    "no_crop_outside",
    "no_dtype",
    "no_gradient",
    "no_groups",
    "no_output_padding_for_invalid_cases",
    "no_periodic",
    "wraps",
]


def wraps(case: Case) -> bool:
    """Whether the output is periodic (R15)."""
    return isinstance(case.padding, str) and CONVENTIONS[case.padding].wraps


def no_periodic(source: str) -> Limit:
    """No words for the periodic conventions."""
    return Limit("inexpressible", "padding", wraps, "the interface has no periodic padding", source)


def no_groups(source: str) -> Limit:
    """No argument for groups."""
    return Limit(
        "inexpressible",
        "groups",
        lambda case: case.groups != 1,
        "the interface has no argument for groups",
        source,
    )


def no_dtype(source: str, *names: str, status: str = "unsupported") -> Limit:
    """Some number formats are not among those documented."""
    return Limit(
        status, "dtype", lambda case: case.dtype in names, f"{', '.join(names)} are not supported", source
    )


def no_complex(source: str) -> Limit:
    """Real formats only."""
    return Limit(
        "unsupported", "dtype", lambda case: case.format.is_complex, "takes real floating-point dtypes", source
    )


def no_gradient(source: str) -> Limit:
    """Forward only."""
    return Limit(
        "inexpressible", "direction", lambda case: case.direction != "fwd", "it computes no gradients", source
    )


def no_crop_outside(source: str) -> Limit:
    """Explicit crops are cut from the result by the adapter, which has nothing to cut beyond it."""

    def applies(case: Case) -> bool:
        found = geometry(case)
        return not named(case) and found is not None and any(low < 0 or high < 0 for low, high in found.crop)

    return Limit("inexpressible", "padding", applies, "zeros beyond the full result cannot be asked for", source)


def _returns_uncropped(case: Case) -> bool:
    return geometry(replace(case, padding="valid", output_padding=None)) is not None


def no_crop_for_invalid_cases(source: str) -> Limit:
    """A crop longer than the result, where cropping is the adapter's own slicing: nobody is there to refuse it."""

    def applies(case: Case) -> bool:
        return not named(case) and geometry(case) is None and _returns_uncropped(case)

    return Limit("inexpressible", "padding", applies, "the interface has no words for this crop", source)


def no_output_padding_for_invalid_cases(source: str) -> Limit:
    """A negative output_padding, where the interface has no such argument."""

    def applies(case: Case) -> bool:
        return case.output_padding is not None and geometry(case) is None and _returns_uncropped(case)

    return Limit(
        "inexpressible", "output_padding", applies, "the interface has no argument output_padding", source
    )
