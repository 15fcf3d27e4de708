"""Mistakes of values: constants, factors, signs, saturation, special values, complex numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from cases.dtypes import DTYPES, DType, round_to
from conformance.diagnosis.bias import counts
from conformance.diagnosis.problem import (
    Change,
    Map,
    Problem,
    Solver,
    Tensors,
    at,
    changed,
    in_answer,
    in_every_answer,
    in_turn,
    on_input,
    on_linear,
    on_weights,
    times,
)
from conformance.diagnosis.transforms import Variation, transformation

__all__: list[str] = []


def _each(p: Problem) -> tuple[str, ...]:
    return ("y",) if p.case.direction == "fwd" else ("dx", "dw", "db")[: 2 + p.case.bias]


@transformation
def constant(p: Problem) -> Iterator[Variation]:
    """An answer that does not depend on the question, or is one of its tensors."""
    yield Variation("zero", (), "every element zero", in_every_answer(np.zeros_like))
    if p.bias is not None and p.case.direction == "fwd":
        mask = Map.symmetric(np.zeros_like)
        yield Variation("bias_only", (), "every product left out, only the bias there", on_linear(mask))
    values = {array.flat[0] for array in p.observed.values() if array.size and (array == array.flat[0]).all()}
    if len(values) == 1:
        value = values.pop()
        if value:
            words = f"every element {value:g}"
            yield Variation("constant", (), words, in_every_answer(lambda a: np.full_like(a, value)), cost=2)
    copies = {"input": p.x, "weights": p.w, "upstream gradient": p.dy}
    for noun, source in copies.items():
        for name in _each(p):
            if source is not None and name in p.observed and p.observed[name].shape == source.shape:
                yield Variation(
                    "copy",
                    (),
                    f"{name} a copy of the {noun}",
                    in_answer(name, partial(_instead, source=source)),
                )


def _instead(_: np.ndarray, source: np.ndarray) -> np.ndarray:
    return source


@transformation
def scaled(p: Problem) -> Iterator[Variation]:
    """Every element multiplied by one factor, or moved by one offset, read off the answer."""
    yield Variation("negated", (), "every sign changed", in_every_answer(np.negative), combines=True)
    numbers = {
        "the batch size": p.x.shape[0],
        "groups": p.groups,
        "in_channels": p.x.shape[1],
        "in_channels / groups": p.x.shape[1] // p.groups,
        "out_channels": p.out_channels,
        "the number of taps": math.prod(p.w.shape[2:]),
        "the product of the strides": math.prod(p.stride),
        "the number of input positions": math.prod(p.x.shape[2:]),
        "the number of output positions": math.prod(p.size),
    }
    factors: dict[float, str] = {2.0: "every element doubled", 0.5: "every element halved"}
    for words, count in numbers.items():
        if count > 1:
            factors.setdefault(float(count), f"every element multiplied by {words} ({count})")
            factors.setdefault(1 / count, f"every element divided by {words} ({count})")
    for factor, words in factors.items():
        yield Variation("scaled", (), words, in_every_answer(times(factor)))
    if p.case.direction == "fwd":
        yield Variation(
            "scaled",
            (),
            "every element divided by the number of taps that reach it",
            on_linear(Map.symmetric(lambda y: y / np.maximum(counts(p), 1))),
        )
    for name in _each(p):
        got = p.observed.get(name)
        expected = _expected(p).get(name)
        if got is None or expected is None or got.shape != expected.shape or not got.size:
            continue
        place = np.unravel_index(np.argmax(np.abs(expected)), expected.shape)
        if not np.isfinite(got).all() or not expected[place]:
            continue
        factor, offset = got[place] / expected[place], got[place] - expected[place]
        yield Variation(
            "scaled",
            (),
            f"every element multiplied by {factor:.9g}",
            in_every_answer(times(factor)),
            2,
        )
        yield Variation(
            "offset", (), f"{offset:.9g} added to every element", in_every_answer(partial(np.add, offset)), 2
        )
        yield from _saturated(got)


def _expected(p: Problem) -> Tensors:
    return Solver()(p)


def _saturated(got: np.ndarray) -> Iterator[Variation]:
    if got.dtype.kind == "c":
        return
    low, high = float(got.min()), float(got.max())
    changes: dict[str, tuple[str, Change, int]] = {
        "relu": ("negative values set to zero", lambda a: np.maximum(a, 0), 1),
        "absolute": ("absolute values in place of the values", np.abs, 1),
        "clipped": (f"values clipped to [{low:g}, {high:g}]", lambda a: np.clip(a, low, high), 2),
        "clipped_above": (f"values clipped at {high:g}", lambda a: np.minimum(a, high), 2),
        "clipped_below": (f"values clipped at {low:g}", lambda a: np.maximum(a, low), 2),
    }
    for name, (words, change, cost) in changes.items():
        yield Variation(name.partition("_")[0], (), words, in_every_answer(change), cost)


@transformation
def special_values(p: Problem) -> Iterator[Variation]:
    """NaN, infinity and subnormal numbers treated as something else."""
    finite = all(np.isfinite(a).all() for a in (p.x, p.w))
    changes = {
        ("nan_replaced", "NaN replaced by 0"): lambda a: np.where(np.isnan(a), 0, a),
        ("inf_replaced", "infinity replaced by the largest number"): lambda a: np.nan_to_num(
            a, nan=np.nan, posinf=_largest(p), neginf=-_largest(p)
        ),
        ("subnormals_flushed", "subnormal numbers flushed to 0"): lambda a: np.where(
            np.abs(a) < p.case.format.smallest_normal, 0, a
        ),
        ("nonfinite_replaced", "NaN and infinity replaced by 0"): lambda a: np.where(np.isfinite(a), a, 0),
    }
    if p.case.format.is_complex:
        return
    for (transform, words), change in changes.items():
        if not finite or transform == "subnormals_flushed":
            yield Variation(transform, (), f"{words} in the output", in_every_answer(change))
            both = Map.symmetric(change)
            yield Variation(transform, (), f"{words} in the input", on_input(both))
            yield Variation(transform, (), f"{words} in the weights", on_weights(both))
            yield Variation(
                transform, (), f"{words} in input and weights", in_turn(on_input(both), on_weights(both))
            )
    if not finite:
        yield Variation(
            "zeros_multiplied",
            (),
            "infinity and NaN multiplied by the zeros inserted between the inputs",
            changed(compute=_multiplying_zeros),
        )


def _largest(p: Problem) -> float:
    kind = DTYPES[p.case.dtype]
    top = {"f16": 65504.0, "f64": float(np.finfo(np.float64).max), "bf16": 2.0**127 * (2 - 2.0**-7)}
    return top.get(kind.name, float(np.finfo(np.float32).max))


def _multiplying_zeros(p: Problem) -> np.ndarray:
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
            begin = [r - d * n for r, d, n in zip(reach, p.dilation, tap, strict=True)]
            view = padded[(slice(None), c, *(slice(b, b + n) for b, n in zip(begin, p.full_size, strict=True)))]
            full[:, c // share * per_group + f] += view * p.w[(c, f, *tap)]
    return full


@transformation
def complex_numbers(p: Problem) -> Iterator[Variation]:
    """Conjugates and lost parts."""
    if not p.case.format.is_complex:
        return
    for noun, apply in (("input", on_input), ("weights", on_weights)):
        yield Variation("conjugated", (), f"the {noun} conjugated", apply(Map.symmetric(np.conj)))
        real = Map.symmetric(lambda a: a.real.astype(a.dtype))
        yield Variation("imaginary_lost", (), f"the imaginary part of the {noun} lost", apply(real))
    yield Variation("conjugated", (), "every element conjugated", in_every_answer(np.conj))
    for name in _each(p):
        if name != "y":
            yield Variation("conjugated", (), f"{name} conjugated", in_answer(name, np.conj))
    yield Variation(
        "imaginary_lost", (), "the imaginary part lost", in_every_answer(lambda a: a.real.astype(a.dtype))
    )
    yield Variation(
        "imaginary_lost",
        (),
        "real and imaginary part exchanged",
        in_every_answer(lambda a: a.imag + 1j * a.real),
    )


def _rounded(array: np.ndarray, dtype: DType) -> np.ndarray:
    return round_to(dtype, array).astype(np.float64)


@transformation
def rounded(p: Problem) -> Iterator[Variation]:
    """Values that went through a narrower format or an integer one."""
    narrower = [n for n in ("f32", "f16", "bf16") if DTYPES[n].precision < p.case.format.precision]
    if p.case.format.is_complex:
        return
    for name in narrower:
        label, dtype = DTYPES[name].label, DTYPES[name]
        change = Map.symmetric(partial(_rounded, dtype=dtype))
        yield Variation(f"{label}_output", (), f"the output rounded to {label}", in_every_answer(change.forward))
        yield Variation(f"{label}_inputs", (), f"the input rounded to {label}", on_input(change))
        yield Variation(f"{label}_inputs", (), f"the weights rounded to {label}", on_weights(change))
        yield Variation(
            f"{label}_inputs",
            (),
            f"input and weights rounded to {label}",
            in_turn(on_input(change), on_weights(change)),
        )
    for bits in (8, 16, 32):

        def wrap(a: np.ndarray, bits: int = bits) -> np.ndarray:
            half = 2.0 ** (bits - 1)
            return np.mod(np.trunc(a) + half, 2 * half) - half

        yield Variation("wrapped", (), f"the output wrapped to int{bits}", in_every_answer(wrap), cost=2)
