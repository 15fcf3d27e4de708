"""Explanations of an output that is right except for its precision: what was rounded, and to which format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np

from conformance.cases.dtypes import DTYPES, DType, round_to
from conformance.diagnosis.match import Match
from conformance.diagnosis.mutations.problem import Problem, Solver
from conformance.oracle.counted import is_count, kept_in
from conformance.oracle.error_bound import Profile
from conformance.oracle.reference import Reference

__all__ = ["ROUNDED", "Rounding", "explain_precision", "to_bits", "truncated"]

Round = Callable[[np.ndarray], np.ndarray]


def to_bits(bits: int, *, truncate: bool = False) -> Round:
    """Round (or truncate) to a significand of so many bits."""

    def change(array: np.ndarray) -> np.ndarray:
        significand, exponent = np.frexp(array)
        scaled = significand * 2.0**bits
        return np.ldexp(np.trunc(scaled) if truncate else np.round(scaled), exponent - bits)

    return change


def truncated(array: np.ndarray, dtype: DType) -> np.ndarray:
    """Truncate values to the nearest numbers of a format towards zero."""
    rounded = round_to(dtype, array).astype(np.float64)
    spacing = np.ldexp(1.0, np.frexp(rounded)[1] - dtype.precision)
    below = round_to(dtype, rounded - np.copysign(spacing, rounded) / 2 * 1.001).astype(np.float64)
    return np.where(np.abs(rounded) > np.abs(array), below, rounded)


def _misrounded(match: Match) -> int:
    """How many elements are not the numbers nearest to the right ones."""
    right = Solver()(match.problem)
    wrong = (round_to(match.case.format, right[name]) != match.observed[name] for name in match.names)
    return sum(int(np.count_nonzero(each)) for each in wrong)


def _to(name: str) -> Round:
    return lambda array: round_to(DTYPES[name], array).astype(np.float64)


@dataclass(frozen=True)
class Rounding:
    """A way to lose precision.

    Attributes
    ----------
    transform, text : str
        Its name, and text that completes "equals the expected output with ...".
    dtypes : tuple of str
        Formats of the cases in which it loses precision.
    x, w : callable or None
        What the input and the weights are rounded to first.
    accumulator : str
        Format of the sums.
    output : str or None
        A format, narrower than the case's, that contains every element of the output.
    """

    transform: str
    text: str
    dtypes: tuple[str, ...]
    _: KW_ONLY
    x: Round | None = None
    w: Round | None = None
    accumulator: str = "f32"
    output: str | None = None

    def apply(self, p: Problem) -> Problem:
        """Round the tensors of a problem."""
        narrowed = p.but(x=self.x(p.x) if self.x else p.x, w=self.w(p.w) if self.w else p.w)
        return narrowed.but(dy=self.x(p.dy)) if p.dy is not None and self.x is not None else narrowed


def _inputs(
    transform: str, label: str, dtypes: tuple[str, ...], change: Round, accumulator: str
) -> list[Rounding]:
    return [
        Rounding(transform, f"input and weights {label}", dtypes, x=change, w=change, accumulator=accumulator),
        Rounding(transform, f"the input {label}", dtypes, x=change, accumulator=accumulator),
        Rounding(transform, f"the weights {label}", dtypes, w=change, accumulator=accumulator),
    ]


_SINGLE = ("f32",)
_WIDE = ("f32", "f64")
ROUNDINGS: tuple[Rounding, ...] = (
    *_inputs("float32_inputs", "rounded to float32", ("f64",), _to("f32"), "f64"),
    Rounding("float32_output", "the output rounded to float32", ("f64",), accumulator="f64", output="f32"),
    Rounding(
        "float32_computation", "everything computed in float32", ("f64",), x=_to("f32"), w=_to("f32"), output="f32"
    ),
    Rounding("float32_computation", "all but the bias computed in float32", ("f64",), x=_to("f32"), w=_to("f32")),
    *_inputs("tf32", "rounded to TF32 (10 fraction bits)", _SINGLE, to_bits(11), "f32"),
    *_inputs("tf32", "truncated to TF32 (10 fraction bits)", _SINGLE, to_bits(11, truncate=True), "f32"),
    *_inputs("float16_inputs", "rounded to float16", _WIDE, _to("f16"), "f32"),
    *_inputs("bfloat16_inputs", "rounded to bfloat16", (*_WIDE, "f16"), _to("bf16"), "f32"),
    *_inputs("bfloat16_inputs", "truncated to bfloat16", (*_WIDE, "f16"), to_bits(8, truncate=True), "f32"),
    Rounding("float16_output", "the output rounded to float16", _WIDE, output="f16"),
    Rounding("bfloat16_output", "the output rounded to bfloat16", (*_WIDE, "f16"), output="bf16"),
    Rounding("float16_output", "every result kept in float16", _WIDE, accumulator="f16", output="f16"),
    Rounding(
        "bfloat16_output", "every result kept in bfloat16", (*_WIDE, "f16"), accumulator="bf16", output="bf16"
    ),
    Rounding("float16_accumulation", "sums kept in f16", ("f16",), accumulator="f16"),
    Rounding("bfloat16_accumulation", "sums kept in bf16", ("bf16",), accumulator="bf16"),
)
"""From the tightest bound to the loosest, so that the first that fits says the most."""

ROUNDED = frozenset(way.transform for way in ROUNDINGS if way.x is not None or way.w is not None)
"""Names of the ways that round the input tensors."""


def explain_precision(match: Match) -> list[Rounding]:
    """The tightest way of rounding whose own error bound contains the output; for data that are not exact.

    With it come the ways that round this case's tensors to the same numbers.
    """
    # Rounding changes no shape, that of a gradient included.
    if match.exact or match.case.format.is_complex or not _has_right_shapes(match):
        return []
    ways = [way for way in ROUNDINGS if match.case.dtype in way.dtypes]
    first = next((way for way in ways if _fits(match, way)), None)
    if first is None:
        return []
    if first.x is None and first.w is None:
        return [first]
    return [way for way in ways if way is first or _round_alike(match.problem, first, way)]


def _round_alike(p: Problem, first: Rounding, second: Rounding) -> bool:
    if (first.x is None, first.w is None, first.accumulator, first.output) != (
        second.x is None, second.w is None, second.accumulator, second.output,
    ):  # fmt: skip
        return False
    one, other = first.apply(p), second.apply(p)
    return np.array_equal(one.x, other.x) and np.array_equal(one.w, other.w)


def _has_right_shapes(match: Match) -> bool:
    right = Solver()(match.problem)
    return all(right[name].shape == match.observed[name].shape for name in match.names)


def _fits(match: Match, way: Rounding) -> bool:
    if way.x is None and way.w is None and way.output is None and _misrounded(match) < 2 and not match.whole:
        return False  # sums that lose bits do so in more than one element, unless they are counts
    if way.output and not all(
        np.array_equal(round_to(DTYPES[way.output], got), got, equal_nan=True)
        for got in (match.observed[name] for name in match.names)
    ):
        return False
    profile = Profile(way.transform, way.text, accumulator=way.accumulator, dtypes=(match.case.dtype,))
    with np.errstate(all="ignore"):
        references = match.references(way.apply)
    return all(
        reference.exact.shape == match.observed[name].shape
        and _bound_contains(match, reference, name, way, profile)
        for name, reference in references.items()
    )


def _bound_contains(match: Match, reference: Reference, name: str, way: Rounding, profile: Profile) -> bool:
    """Whether a way's own bound contains an output; counts too large for the format have their own range."""
    observed, form = match.observed[name], DTYPES[way.accumulator]
    if way.x is None and way.w is None and is_count(reference).all() and form.name == match.case.dtype:
        return bool(kept_in(form, observed, reference).all())
    return match.within(reference, observed, profile, way.output)
