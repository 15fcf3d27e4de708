"""Input data: the same from the id everywhere, and integers whose sums stay exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from conformance.cases import Case
from conformance.cases.data import DATA_KINDS, make_tensors
from conformance.cases.design.strategies import valid_cases
from conformance.cases.directions import DIRECTIONS
from conformance.cases.dtypes import DTYPES, round_to
from conformance.cases.errors import DomainError
from conformance.oracle.expected_output import expected_output


@given(valid_cases())
def test_shapes_and_carriers(case: Case) -> None:
    tensors = make_tensors(case)
    assert tensors["x"].shape == case.input_shape
    assert tensors["w"].shape == case.weight_shape
    assert ("bias" in tensors) == case.bias
    given = dict(
        zip(("dy", "vx", "vw", "vb"), (case.output_shape, case.input_shape, case.weight_shape, None), strict=True)
    )
    assert tensors.keys() - {"x", "w", "bias"} == {
        name for name in DIRECTIONS[case.direction].given if name != "vb" or case.bias
    }
    assert all(tensors[name].shape == shape for name, shape in given.items() if name in tensors and shape)
    assert all(array.dtype == case.format.carrier for array in tensors.values())
    assert all(np.array_equal(array, round_to(case.format, array), equal_nan=True) for array in tensors.values())


@given(valid_cases())
def test_every_partial_sum_of_ints_is_exact(case: Case) -> None:
    """The sum of magnitudes bounds every partial sum in any order, so it must stay in the exact range."""
    if DATA_KINDS[case.data].judged != "exact":
        return
    magnitudes = {name: np.abs(np.real(a)) + np.abs(np.imag(a)) for name, a in make_tensors(case).items()}
    for name, sums in expected_output(case, magnitudes).items():
        assert sums.max(initial=0.0) <= case.format.largest_exact_integer, name


def test_deep_sums_stay_exact_in_bfloat16_and_are_not_all_zero() -> None:
    case = Case.parse("2d-n2-c64x3-i9x8-k3x3-s1-bf16-b1-ints.0-grad")
    tensors = make_tensors(case)
    magnitudes = {name: np.abs(array) for name, array in tensors.items()}
    assert max(sums.max() for sums in expected_output(case, magnitudes).values()) <= 256
    assert all(np.count_nonzero(array) > array.size // 20 for array in tensors.values())


def test_ints_hold_no_zero_while_the_budget_allows() -> None:
    tensors = make_tensors(Case.parse("2d-n2-c4x6-i5x7-k3-f32-b1"))
    assert all(np.all(array != 0) for array in tensors.values())
    assert np.unique(np.abs(tensors["w"])).size > 4


def test_layouts_hold_the_same_numbers() -> None:
    first = make_tensors(Case.parse("2d-n2-c2x3-i3x4-k2-cf-b1-normal.5-grad2"))
    last = make_tensors(Case.parse("2d-n2-c2x3-i3x4-k2-cl-b1-normal.5-grad2"))
    assert all(np.array_equal(first[name], last[name]) for name in ("w", "vw"))
    for name in ("x", "dy", "vx"):
        assert np.array_equal(np.moveaxis(first[name], 1, -1), last[name])


def test_directions_ask_with_the_same_numbers() -> None:
    forward = make_tensors(Case.parse("1d-i5-k3-b1-normal.3"))
    gradient = make_tensors(Case.parse("1d-i5-k3-b1-normal.3-grad"))
    second = make_tensors(Case.parse("1d-i5-k3-b1-normal.3-grad2"))
    assert all(np.array_equal(forward[name], gradient[name]) for name in forward)
    assert all(np.array_equal(gradient[name], second[name]) for name in gradient)
    assert list(second) == ["x", "w", "bias", "dy", "vx", "vw", "vb"]


@pytest.mark.parametrize("layout", ["cf", "cl"])
def test_unfit_tensors_differ_in_what_their_kind_says(layout: str) -> None:
    fit = {
        name: array.shape for name, array in make_tensors(Case.parse(f"2d-n2-c2x3-i3x4-k2-{layout}-b1")).items()
    }
    base = Case.parse(f"2d-n2-c2x3-i3x4-k2-{layout}-b1")
    unfit = {
        "wrongrank": ("x", (2, 2, 3, 4, 1) if layout == "cf" else (2, 3, 4, 1, 2)),
        "wrongchannels": ("x", (2, 3, 3, 4) if layout == "cf" else (2, 3, 4, 3)),
        "wrongbias": ("bias", (4,)),
        "shortbias": ("bias", (2,)),
        "fewchannels": ("x", (2, 1, 3, 4) if layout == "cf" else (2, 3, 4, 1)),
    }
    assert unfit.keys() == {name for name, kind in DATA_KINDS.items() if kind.misfit is not None}
    for kind, (name, shape) in unfit.items():
        case = replace(base, data=kind)
        assert {n: array.shape for n, array in make_tensors(case).items()} == fit | {name: shape}
        with pytest.raises(DomainError, match="R11"):
            case.geometry()
    assert replace(base, data="wrongbias", bias=False).geometry() == base.geometry()


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
@pytest.mark.parametrize("tail", ["fwd", "grad", "grad2"])
def test_ties_lie_halfway_and_have_one_term(dtype: str, tail: str) -> None:
    case = Case.parse(f"2d-n2-c2x3-i3x4-k2x3-s1x2-{dtype}-b1-ties.1-{tail}")
    tensors = make_tensors(case)
    outputs = expected_output(case, tensors)
    counted = expected_output(case, {name: (array != 0).astype(float) for name, array in tensors.items()})
    ties = 0
    for name, exact in outputs.items():
        assert counted[name].max() <= 1 or name == "db"
        nearest = round_to(case.format, exact).astype(float)
        ties += int(np.count_nonzero(round_to(case.format, 2 * exact - nearest) != nearest))
        distance = np.abs(nearest - exact)[exact != nearest]
        assert np.all(distance == 1), name  # the numbers about it are even, and differ by 2
    assert ties > 3


@pytest.mark.parametrize("dtype", ["f64", "f32", "f16", "bf16"])
def test_sums_of_four_overflow_and_sums_of_three_do_not(dtype: str) -> None:
    case = Case.parse(f"1d-n2-c2x3-i6-k3-{dtype}-overflow.2")
    with np.errstate(over="ignore"):
        tensors = make_tensors(case)
        counted = expected_output(case, {name: np.ones(array.shape) for name, array in tensors.items()})["y"]
        rounded = round_to(case.format, expected_output(case, tensors)["y"])
    assert np.array_equal(np.isinf(rounded), counted >= 4)
    assert {2, 4} <= set(counted.ravel())


@pytest.mark.parametrize("dtype", ["f64", "f32", "f16", "bf16"])
def test_nothing_tiny_is_subnormal(dtype: str) -> None:
    case = Case.parse(f"1d-n2-c2x3-i6-k3-{dtype}-b1-tiny.2-grad2")
    arrays = [*make_tensors(case).values(), *expected_output(case, make_tensors(case)).values()]
    assert all(np.all((array == 0) | (np.abs(array) >= case.format.smallest_normal)) for array in arrays)
    assert np.abs(make_tensors(case)["x"]).max() < 2**7 * case.format.smallest_normal


def test_draws_are_pinned() -> None:
    """The id is the case in any year: these numbers must never change."""
    tensors = make_tensors(Case.parse("1d-c1x2-i3-k2-b1"))
    assert {name: array.ravel().tolist() for name, array in tensors.items()} == PINNED


PINNED = {"x": [-85.0, -64.0, -51.0], "w": [8.0, 2.0, 18.0, 81.0], "bias": [97.0, 73.0]}


@pytest.mark.parametrize(
    "value", [1.0, 1 + 2**-8, 1 + 2**-9, 1 + 3 * 2**-9, -(1 + 2**-8 + 2**-30), 3e38, 1e-40, 0.1]
)
def test_rounding_to_bfloat16_is_to_nearest_even(value: float) -> None:
    rounded = float(round_to(DTYPES["bf16"], np.array(value)))
    spacing = 2.0 ** (max(np.floor(np.log2(abs(value))), -126) - 7)
    below = np.floor(value / spacing) * spacing
    candidates = [below, below + spacing]
    nearest = min(candidates, key=lambda c: (abs(c - value), round(c / spacing) % 2))
    assert rounded == nearest
