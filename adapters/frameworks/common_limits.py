"""Limits that several implementations share.

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
    return isinstance(case.padding, str) and case.padding in CONVENTIONS and CONVENTIONS[case.padding].wraps


def no_periodic(source: str) -> Limit:
    """The interface cannot express the periodic conventions."""
    return Limit("inexpressible", "padding", wraps, "the interface has no periodic padding", source)


def no_groups(source: str) -> Limit:
    """The interface has no parameter for groups."""
    return Limit(
        "inexpressible",
        "groups",
        lambda case: case.groups != 1,
        "the interface has no parameter for groups",
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
    """The adapter slices explicit crops from the full output, and has nothing to slice beyond it."""

    def applies(case: Case) -> bool:
        solved = geometry(case)
        return not named(case) and solved is not None and any(low < 0 or high < 0 for low, high in solved.crop)

    reason = "the interface cannot express zeros beyond the full output"
    return Limit("inexpressible", "padding", applies, reason, source)


def _returns_uncropped(case: Case) -> bool:
    return geometry(replace(case, padding="valid", output_padding=None)) is not None


def no_crop_for_invalid_cases(source: str) -> Limit:
    """A crop longer than the full output, where the adapter itself slices it: the framework cannot refuse it."""

    def applies(case: Case) -> bool:
        return not named(case) and geometry(case) is None and _returns_uncropped(case)

    return Limit("inexpressible", "padding", applies, "the interface cannot express this crop", source)


def no_output_padding_for_invalid_cases(source: str) -> Limit:
    """A negative output_padding, where the interface has no such parameter."""

    def applies(case: Case) -> bool:
        return case.output_padding is not None and geometry(case) is None and _returns_uncropped(case)

    return Limit(
        "inexpressible", "output_padding", applies, "the interface has no parameter output_padding", source
    )


def gradients_only(source: str) -> Limit:
    """An adapter that differs from another one in the way it takes gradients."""
    return Limit(
        "inexpressible", "direction", lambda case: case.direction != "grad", "it computes gradients", source
    )
