"""Mistakes of special values and of formats: NaN, infinity, subnormal numbers, and losses in conversions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from conformance.cases.dtypes import DTYPES, DType, round_to
from conformance.diagnosis.mutations.problem import (
    Change,
    Map,
    Mutation,
    Problem,
    at,
    changed,
    in_every_output,
    in_turn,
    on_input,
    on_weights,
)
from conformance.diagnosis.mutations.registry import Variation, transformation
from conformance.diagnosis.precision import to_bits, truncated

__all__ = ["clamped", "multiplying_zeros"]


def clamped(p: Problem) -> Variation | None:
    """The largest number in place of infinity and NaN; None where the output does not look like that."""
    largest, got = _largest(p.case.format), p.observed.values()
    shown = any((np.abs(array) == largest).any() for array in got)
    if p.case.format.is_complex or not shown or not all(np.isfinite(array).all() for array in got):
        return None
    change = partial(_clamped, largest=largest)
    return Variation(
        "nonfinite_clamped",
        (),
        "infinity and NaN replaced by the largest number",
        in_every_output(change),
        travels=True,
    )


def _clamped(a: np.ndarray, largest: float) -> np.ndarray:
    return np.clip(np.where(np.isnan(a), largest, a), -largest, largest)


@transformation(
    "inf_replaced",
    "inf_sign_lost",
    "inf_to_nan",
    "nan_replaced",
    "nan_to_inf",
    "nonfinite_clamped",
    "nonfinite_replaced",
    "subnormals_flushed",
    "subnormals_raised",
)
def replaced(p: Problem) -> Iterator[Variation]:
    """NaN, infinity and subnormal numbers replaced by something else, in a tensor or in the output."""
    if p.case.format.is_complex:
        return
    given = [array for array in (p.x, p.w, p.bias, p.dy) if array is not None]
    finite = all(np.isfinite(array).all() for array in given)
    smallest = p.case.format.smallest_normal
    largest, power = _largest(p.case.format), 2.0 ** (p.case.format.max_exponent)
    changes: dict[tuple[str, str], Change] = {
        ("subnormals_flushed", "subnormal numbers flushed to 0"): partial(_subnormals, smallest=smallest, to=0.0),
        ("subnormals_raised", "subnormal numbers rounded up to the smallest normal one"): partial(
            _subnormals, smallest=smallest, to=smallest
        ),
    }
    if not finite:
        changes |= {
            ("nan_replaced", "NaN replaced by 0"): lambda a: np.where(np.isnan(a), 0, a),
            ("inf_replaced", "infinity replaced by the largest number"): partial(_infinities, to=largest),
            ("inf_replaced", "infinity replaced by the largest power of two"): partial(_infinities, to=power),
            ("nonfinite_replaced", "NaN and infinity replaced by 0"): lambda a: np.where(np.isfinite(a), a, 0),
            ("inf_to_nan", "infinity turned into NaN"): lambda a: np.where(np.isinf(a), np.nan, a),
            ("nan_to_inf", "NaN turned into infinity"): lambda a: np.where(np.isnan(a), np.inf, a),
            ("inf_sign_lost", "every infinity positive"): lambda a: np.where(np.isinf(a), np.inf, a),
        }
    for (transform, text), change in changes.items():
        yield Variation(transform, (), f"{text} in the output", in_every_output(change))
        for where, step in _tensors(change).items():
            yield Variation(transform, (), f"{text} in {where}", step)
    clamp = clamped(p)
    if clamp is not None:
        yield clamp


def _tensors(change: Change) -> dict[str, Mutation]:
    """The tensors in which a change may be made."""
    both = Map.symmetric(change)
    bias = partial(_in_bias, change=change)
    return {
        "the input": on_input(both),
        "the weights": on_weights(both),
        "the bias": bias,
        "every tensor": in_turn(on_input(both), on_weights(both), bias, partial(_in_upstream, change=change)),
    }


def _in_bias(p: Problem, change: Change) -> Problem:
    return p if p.bias is None else p.but(bias=change(p.bias))


def _in_upstream(p: Problem, change: Change) -> Problem:
    return p if p.dy is None else p.but(dy=change(p.dy))


def _subnormals(a: np.ndarray, smallest: float, to: float) -> np.ndarray:
    return np.where((a != 0) & (np.abs(a) < smallest), np.copysign(to, a), a)


def _infinities(a: np.ndarray, to: float) -> np.ndarray:
    return np.where(np.isinf(a), np.copysign(to, a), a)


def _largest(dtype: DType) -> float:
    return math.ldexp(2 - 2.0 ** (1 - dtype.precision), dtype.max_exponent)


@transformation("nan_spread", "zeros_multiplied")
def spread(p: Problem) -> Iterator[Variation]:
    """A NaN in more elements than its products reach, or inserted zeros multiplied with it."""
    given = [array for array in (p.x, p.w, p.bias, p.dy) if array is not None]
    if p.case.format.is_complex or all(np.isfinite(array).all() for array in given):
        return
    if p.bias is not None and np.isnan(p.bias).any():
        text = "a NaN of the bias in every channel"
        yield Variation("nan_spread", (), text, lambda q: q.but(bias=_all_nan(q.bias)))
    reach: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "every element NaN once there is one": _all_nan,
        "a NaN in the next batch item as well": lambda a: _and_next(a, 0),
        "a NaN in the next channel as well": lambda a: _and_next(a, 1),
        "a NaN in every channel at its place": lambda a: _and_all(a, 1),
        "a NaN in every batch item at its place": lambda a: _and_all(a, 0),
    }
    for text, change in reach.items():
        yield Variation("nan_spread", (), text, in_every_output(change))
    text = "infinity and NaN multiplied by the zeros inserted between the inputs"
    yield Variation("zeros_multiplied", (), text, changed(compute=multiplying_zeros))


def _all_nan(a: np.ndarray | None) -> np.ndarray:
    if a is None:
        raise ValueError("there is no bias")
    return np.full_like(a, np.nan) if np.isnan(a).any() else a


def _and_next(a: np.ndarray, axis: int) -> np.ndarray:
    return np.where(np.isnan(a) | np.roll(np.isnan(a), 1, axis), np.nan, a)


def _and_all(a: np.ndarray, axis: int) -> np.ndarray:
    return np.where(np.isnan(a).any(axis, keepdims=True), np.nan, a)


def multiplying_zeros(p: Problem) -> np.ndarray:
    """The full result by zero insertion in real floating-point arithmetic, where 0 * inf is NaN."""
    stuffed = np.zeros(
        (*p.x.shape[:2], *(max((i - 1) * s + 1, 0) for i, s in zip(p.x.shape[2:], p.stride, strict=True)))
    )
    stuffed[at(slice(None, None, s) for s in p.stride)] = p.x
    reach = [d * (k - 1) for d, k in zip(p.dilation, p.w.shape[2:], strict=True)]
    padded = np.pad(stuffed, [(0, 0), (0, 0), *((r, r) for r in reach)])
    share, per_group = p.x.shape[1] // p.groups, p.w.shape[1]
    full = np.zeros((p.x.shape[0], p.out_channels, *p.full_size))
    with np.errstate(invalid="ignore", over="ignore"):
        for c, f, t in np.ndindex(p.x.shape[1], per_group, math.prod(p.w.shape[2:])):
            tap = np.unravel_index(t, p.w.shape[2:])
            starts = [r - d * n for r, d, n in zip(reach, p.dilation, tap, strict=True)]
            view = padded[(slice(None), c, *(slice(b, b + n) for b, n in zip(starts, p.full_size, strict=True)))]
            full[:, c // share * per_group + f] += view * p.w[(c, f, *tap)]
    return full


def _rounded(array: np.ndarray, dtype: DType) -> np.ndarray:
    return round_to(dtype, array).astype(np.float64)


@transformation(
    "bfloat16_inputs",
    "bfloat16_output",
    "bias_rounded",
    "float16_inputs",
    "float16_output",
    "float32_inputs",
    "float32_output",
    "tf32",
    "truncated",
)
def rounded(p: Problem) -> Iterator[Variation]:
    """Values converted to another format and back."""
    own = p.case.format
    if own.is_complex:
        return
    formats: dict[str, tuple[str, Change]] = {
        # float16 and TF32 keep as many bits; for float32 TF32 is likelier, since hardware uses it by default.
        "tf32": ("TF32 (10 fraction bits)", to_bits(11)),
        **{DTYPES[n].label: (DTYPES[n].label, partial(_rounded, dtype=DTYPES[n])) for n in ("f32", "f16", "bf16")},
    }
    # float16 keeps more bits than bfloat16, but has a smaller range and adds a second rounding.
    narrower = [DTYPES[n].label for n in ("f32", "f16", "bf16")
                if DTYPES[n].precision < own.precision or (n, own.name) == ("f16", "bf16")]  # fmt: skip
    for name in (*(["tf32"] if own.name == "f32" else []), *narrower):
        label, change = formats[name]
        both = Map.symmetric(change)
        if name != "tf32":
            yield Variation(f"{name}_output", (), f"the output rounded to {label}", in_every_output(change))
        transform = name if name == "tf32" else f"{name}_inputs"
        yield Variation(transform, (), f"the input rounded to {label}", on_input(both))
        yield Variation(transform, (), f"the weights rounded to {label}", on_weights(both))
        if p.bias is not None and p.case.direction == "fwd":
            text = f"the bias rounded to {label}"
            yield Variation("bias_rounded", (), text, partial(_in_bias, change=change))
        text = f"input and weights rounded to {label}"
        yield Variation(
            transform,
            (),
            text,
            in_turn(on_input(both), on_weights(both), partial(_in_upstream, change=change)),
        )
    if own.name in ("f16", "bf16"):
        change = partial(truncated, dtype=own)
        yield Variation("truncated", (), "the output truncated, not rounded", in_every_output(change))


@transformation("wrapped")
def wrapped(p: Problem) -> Iterator[Variation]:
    """Values converted to an integer format and back."""
    if p.case.format.is_complex:
        return
    for bits in (8, 16, 32):
        change = partial(_wrap, half=2.0 ** (bits - 1))
        yield Variation("wrapped", (), f"the output wrapped to int{bits}", in_every_output(change), cost=2)


def _wrap(a: np.ndarray, half: float) -> np.ndarray:
    finite = np.where(np.isfinite(a), a, 0)
    return np.where(np.isfinite(a), np.mod(np.trunc(finite) + half, 2 * half) - half, a)
