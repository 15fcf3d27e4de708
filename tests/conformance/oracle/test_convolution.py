"""The oracle is proven: three algorithms that share no code agree, and exact arithmetic agrees with them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import oracle
from conformance.oracle.second_order import conv_transpose_second_order
from tests.support.definition import by_definition, gradients_by_definition


@dataclass(frozen=True)
class Problem:
    """Tensors and arguments of one call, channels_first."""

    x: np.ndarray
    w: np.ndarray
    bias: np.ndarray
    dy: np.ndarray
    arguments: dict[str, Any]


@st.composite
def problems(draw: st.DrawFn, *, largest: int = 5) -> Problem:
    """Integer tensors with any crop that leaves a size: negative, and beyond the full result, included."""
    rank = draw(st.integers(1, 3))
    groups, share_in, share_out = (draw(st.integers(1, 3)) for _ in range(3))
    batch = draw(st.integers(0, 2))

    def axes(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank))

    i, k, s, d = axes(0, largest), axes(1, 3), axes(1, 4), axes(1, 3)
    low, size = axes(-3, 5), axes(0, 2 * largest)
    full = [(a - 1) * b + c * (e - 1) + 1 for a, b, c, e in zip(i, s, d, k, strict=True)]
    crop = [(a, f - a - n) for a, f, n in zip(low, full, size, strict=True)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))

    def numbers(*shape: int) -> np.ndarray:
        return rng.integers(-9, 10, shape)

    return Problem(
        x=numbers(batch, groups * share_in, *i),
        w=numbers(groups * share_in, share_out, *k),
        bias=numbers(groups * share_out),
        dy=numbers(batch, groups * share_out, *size),
        arguments={"stride": s, "dilation": d, "groups": groups, "crop": crop},
    )


@settings(max_examples=300)
@given(problems(largest=3), st.integers(0, 2**32))
def test_second_order_is_what_the_gradients_change_by(p: Problem, seed: int) -> None:
    """R16: g is linear in x, in w and in dy, so that a step along u changes it by <u, gradient>, exactly."""
    rng = np.random.default_rng(seed)
    vx, vw, vb, ux, uw, uy = (rng.integers(-9, 10, a.shape) for a in (p.x, p.w, p.bias, p.x, p.w, p.dy))

    def g(x: np.ndarray, w: np.ndarray, dy: np.ndarray) -> int:
        dx, dw, db = gradients_by_definition(x, w, dy, **p.arguments)
        return int((vx * dx).sum() + (vw * dw).sum() + (vb * db).sum())

    found = conv_transpose_second_order(p.x, p.w, p.dy, vx, vw, vb, **p.arguments)
    start = g(p.x, p.w, p.dy)
    assert g(p.x + ux, p.w, p.dy) - start == (ux * found.ddx).sum()
    assert g(p.x, p.w + uw, p.dy) - start == (uw * found.ddw).sum()
    assert g(p.x, p.w, p.dy + uy) - start == (uy * found.ddy).sum()


@settings(max_examples=2000)
@given(problems())
def test_three_algorithms_agree(p: Problem) -> None:
    y = oracle.conv_transpose(p.x, p.w, p.bias, **p.arguments)
    assert y.dtype == np.float64
    assert np.array_equal(y, oracle.by_zero_insertion(p.x, p.w, p.bias, **p.arguments))
    assert np.array_equal(y, oracle.by_forward_matrix(p.x, p.w, p.bias, **p.arguments))


@settings(max_examples=1500)
@given(problems())
def test_three_algorithms_agree_on_gradients(p: Problem) -> None:
    gradients = oracle.conv_transpose_gradients(p.x, p.w, p.dy, **p.arguments)
    for peer in (oracle.gradients_by_correlation, oracle.gradients_by_forward_matrix):
        for ours, theirs in zip(gradients, peer(p.x, p.w, p.dy, **p.arguments), strict=True):
            assert np.array_equal(ours, theirs)


@settings(max_examples=150)
@given(problems(largest=3))
def test_exact_arithmetic_settles_small_problems(p: Problem) -> None:
    """Thirds are not binary fractions, so the exact output is compared after scaling back to integers."""
    third = np.vectorize(lambda value: Fraction(int(value), 3), otypes=[object])
    exact = by_definition(third(p.x), third(p.w), [Fraction(int(b), 9) for b in p.bias], **p.arguments)
    y = oracle.conv_transpose(p.x, p.w, p.bias, **p.arguments)
    assert np.array_equal((exact * 9).astype(np.float64), y)
    exact_gradients = gradients_by_definition(third(p.x), third(p.w), third(p.dy), **p.arguments)
    gradients = oracle.conv_transpose_gradients(p.x, p.w, p.dy, **p.arguments)
    for ours, exact_one, scale in zip(gradients, exact_gradients, (9, 9, 3), strict=True):
        assert np.array_equal((exact_one * scale).astype(np.float64), ours)


@settings(max_examples=300)
@given(problems())
def test_gradients_are_adjoint(p: Problem) -> None:
    """<dy, convT(x, w)> = <dx, x> = <dw, w>, exact on integers."""
    y = oracle.conv_transpose(p.x, p.w, **p.arguments)
    gradients = oracle.conv_transpose_gradients(p.x, p.w, p.dy, **p.arguments)
    paired = (p.dy * y).sum()
    assert paired == (gradients.dx * p.x).sum() == (gradients.dw * p.w).sum()
    assert np.array_equal(gradients.db, p.dy.sum(axis=(0, *range(2, p.dy.ndim))))


@settings(max_examples=200)
@given(problems())
def test_layouts_agree(p: Problem) -> None:
    first = oracle.conv_transpose(p.x, p.w, p.bias, **p.arguments)
    last = oracle.conv_transpose(np.moveaxis(p.x, 1, -1), p.w, p.bias, layout="channels_last", **p.arguments)
    assert np.array_equal(np.moveaxis(first, 1, -1), last)
    first_gradients = oracle.conv_transpose_gradients(p.x, p.w, p.dy, **p.arguments)
    last_gradients = oracle.conv_transpose_gradients(
        np.moveaxis(p.x, 1, -1), p.w, np.moveaxis(p.dy, 1, -1), layout="channels_last", **p.arguments
    )
    assert np.array_equal(np.moveaxis(first_gradients.dx, 1, -1), last_gradients.dx)
    assert np.array_equal(first_gradients.dw, last_gradients.dw)


def test_complex_numbers_are_not_conjugated() -> None:
    x, w = np.array([[[1 + 2j]]]), np.array([[[3 - 1j]]])
    assert oracle.conv_transpose(x, w)[0, 0, 0] == (1 + 2j) * (3 - 1j)
    assert oracle.conv_transpose_gradients(x, w, np.array([[[1j]]])).dx[0, 0, 0] == 1j * (3 - 1j)


def test_defaults_are_stride_dilation_and_groups_of_one() -> None:
    y = oracle.conv_transpose([[[1, 2]]], [[[1, 1]]])
    assert y.tolist() == [[[1.0, 3.0, 2.0]]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"stride": 0}, "stride"),
        ({"dilation": (1, 1, 1)}, "dilation has 3 entries"),
        ({"groups": 2}, "groups 2"),
        ({"crop": [(9, 9), (0, 0)]}, "R11"),
        ({"crop": [(0, 0)]}, "crop has 1 entries"),
        ({"layout": "NCHW"}, "layout"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: dict[str, Any], words: str) -> None:
    x, w = np.ones((1, 3, 4, 4)), np.ones((3, 2, 3, 3))
    with pytest.raises(ValueError, match=words):
        oracle.conv_transpose(x, w, **arguments)


def test_an_upstream_gradient_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="dy has shape"):
        oracle.conv_transpose_gradients(np.ones((1, 1, 4)), np.ones((1, 1, 3)), np.ones((1, 1, 7)))


def test_infinities_meet_in_silence() -> None:
    x, w = np.array([[[np.inf, 0.0]]]), np.array([[[0.0, 1.0]]])
    y = oracle.conv_transpose(x, w)
    np.testing.assert_array_equal(y, [[[np.nan, np.inf, 0.0]]])
    gradients = oracle.conv_transpose_gradients(x, w, np.array([[[1.0, 0.0, 0.0]]]))
    np.testing.assert_array_equal(gradients.dw, [[[np.inf, np.nan]]])
