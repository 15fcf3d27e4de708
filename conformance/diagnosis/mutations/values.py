"""Mistakes of values: constants, factors, signs, limits, complex numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from conformance.cases.data import DATA_KINDS
from conformance.diagnosis.mutations.bias import tap_counts
from conformance.diagnosis.mutations.problem import (
    Map,
    Problem,
    Solver,
    Tensors,
    in_every_output,
    in_output,
    on_input,
    on_linear,
    on_weights,
    times,
)
from conformance.diagnosis.mutations.registry import Variation, transformation

__all__: list[str] = []


def _each(p: Problem) -> tuple[str, ...]:
    return p.case.outputs


@transformation("bias_only", "constant", "copy", "zero")
def constant(p: Problem) -> Iterator[Variation]:
    """An output that does not depend on the data, or is a copy of one of the tensors."""
    yield Variation("zero", (), "every element zero", in_every_output(np.zeros_like))
    if p.bias is not None and p.case.direction == "fwd":
        mask = Map.symmetric(np.zeros_like)
        yield Variation("bias_only", (), "every product left out, only the bias added", on_linear(mask))
    values = {array.flat[0] for array in p.observed.values() if array.size and (array == array.flat[0]).all()}
    if len(values) == 1:
        value = values.pop()
        if value:
            text = f"every element {value:g}"
            yield Variation("constant", (), text, in_every_output(lambda a: np.full_like(a, value)), cost=2)
    copies = {"input": p.x, "weights": p.w, "upstream gradient": p.dy}
    for noun, source in copies.items():
        for name in _each(p):
            if (
                source is not None
                and source.size
                and name in p.observed
                and p.observed[name].shape == source.shape
            ):
                yield Variation(
                    "copy",
                    (),
                    f"{name} a copy of the {noun}",
                    in_output(name, partial(_replacement, source=source)),
                )


def _replacement(_: np.ndarray, source: np.ndarray) -> np.ndarray:
    return source


@transformation("negated", "offset", "scaled")
def scaled(p: Problem) -> Iterator[Variation]:
    """Every element multiplied by one factor, or moved by one offset, read off the output."""
    yield Variation("negated", (), "every sign changed", in_every_output(np.negative), combines=True)
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
    for text, count in numbers.items():
        if count > 1:
            factors.setdefault(float(count), f"every element multiplied by {text} ({count})")
            factors.setdefault(1 / count, f"every element divided by {text} ({count})")
    for factor, text in factors.items():
        yield Variation("scaled", (), text, in_every_output(times(factor)))
    if p.case.direction == "fwd":
        yield Variation(
            "scaled",
            (),
            "every element divided by the number of taps that reach it",
            on_linear(Map.symmetric(lambda y: y / np.maximum(tap_counts(p), 1))),
        )
    # On data that are not exact, a number read off one element must not be a mere rounding error.
    least = 0.0 if DATA_KINDS[p.case.data].exact else 64 * p.case.format.unit_roundoff
    right = _expected(p)
    for name in _each(p):
        got = p.observed.get(name)
        expected = right.get(name)
        if got is None or expected is None or got.shape != expected.shape or not got.size:
            continue
        place = np.unravel_index(np.argmax(np.abs(expected)), expected.shape)
        if not np.isfinite(got).all() or not expected[place]:
            continue
        factor, offset = got[place] / expected[place], got[place] - expected[place]
        if abs(factor - 1) > least:
            text = f"every element multiplied by {factor:.9g}"
            yield Variation("scaled", (), text, in_every_output(times(factor)), cost=2)
            text = f"{offset:.9g} added to every element"
            yield Variation("offset", (), text, in_every_output(partial(np.add, offset)), cost=2)


def _expected(p: Problem) -> Tensors:
    return Solver()(p)


@transformation("absolute", "clipped", "relu", "small_flushed")
def saturated(p: Problem) -> Iterator[Variation]:
    """Values limited above or below; the limits are read off the output."""
    if p.case.format.is_complex:
        return
    yield Variation("relu", (), "negative values set to zero", in_every_output(lambda a: np.maximum(a, 0)))
    yield Variation("absolute", (), "absolute values in place of the values", in_every_output(np.abs))
    right = _expected(p)
    for name in _each(p):
        got, expected = p.observed.get(name), right.get(name)
        if got is None or expected is None or got.shape != expected.shape or not np.isfinite(got).any():
            continue
        finite = got[np.isfinite(got)]
        low, high = float(finite.min()), float(finite.max())
        # One element at the limit says nothing: every output has a largest element.
        below, above = (np.count_nonzero(got == limit) > 1 for limit in (low, high))
        if name == "y" and p.bias is not None:
            yield from _products_clipped(p, got - p.bias)
        if below and above:
            text = f"values clipped to [{low:g}, {high:g}]"
            yield Variation("clipped", (), text, in_every_output(partial(_clip, low=low, high=high)), cost=2)
        if above:
            change = partial(_clip, low=-np.inf, high=high)
            yield Variation("clipped", (), f"values clipped at {high:g}", in_every_output(change), cost=2)
        if below:
            change = partial(_clip, low=low, high=np.inf)
            yield Variation("clipped", (), f"values clipped at {low:g}", in_every_output(change), cost=2)
        lost = np.abs(expected[(got == 0) & (expected != 0)])
        kept = np.abs(finite[finite != 0])
        if lost.size > 1 and kept.size > 1 and lost.max() < kept.min():
            text = f"values below {kept.min():.3g} flushed to zero"
            change = partial(_flush, limit=float(lost.max()))
            yield Variation("small_flushed", (), text, in_every_output(change), cost=2)


def _products_clipped(p: Problem, products: np.ndarray) -> Iterator[Variation]:
    """Sums of products beyond a limit, before the bias is added."""
    low, high = float(products.min()), float(products.max())
    if low < high and all(np.count_nonzero(products == limit) > 1 for limit in (low, high)):
        change = Map.symmetric(partial(_clip, low=low, high=high))
        text = f"sums of products clipped to [{low:g}, {high:g}] before the bias is added"
        yield Variation("clipped", (), text, on_linear(change), cost=2, travels=True)


def _clip(array: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip(array, low, high)


def _flush(array: np.ndarray, limit: float) -> np.ndarray:
    return np.where(np.abs(array) <= limit, 0, array)


@transformation("conjugated", "imaginary_lost")
def complex_numbers(p: Problem) -> Iterator[Variation]:
    """Conjugates and lost parts."""
    if not p.case.format.is_complex:
        return
    for noun, apply in (("input", on_input), ("weights", on_weights)):
        yield Variation("conjugated", (), f"the {noun} conjugated", apply(Map.symmetric(np.conj)))
        real = Map.symmetric(lambda a: a.real.astype(a.dtype))
        yield Variation("imaginary_lost", (), f"the imaginary part of the {noun} lost", apply(real))
    yield Variation("conjugated", (), "every element conjugated", in_every_output(np.conj))
    for name in _each(p):
        if name != "y":
            yield Variation("conjugated", (), f"{name} conjugated", in_output(name, np.conj))
    yield Variation(
        "imaginary_lost", (), "the imaginary part lost", in_every_output(lambda a: a.real.astype(a.dtype))
    )
    yield Variation(
        "imaginary_lost",
        (),
        "real and imaginary part swapped",
        in_every_output(lambda a: a.imag + 1j * a.real),
    )
