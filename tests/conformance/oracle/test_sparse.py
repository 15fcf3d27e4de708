"""The oracle of large cases: single elements, equal to those of the whole expected output."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.cases.design.strategies import valid_cases
from conformance.cases.large import cycles, is_large, large_tensors, memory_needed, sampled_positions
from conformance.cases.tiers import load_tier
from conformance.oracle.expected_output import reference
from conformance.oracle.sparse import sparse_reference

_REAL = ("f64", "f32", "f16", "bf16")
_MOST = 300


def _cycle(case: Case) -> Case:
    direction = "grad" if case.direction == "grad2" else case.direction
    return replace(case, data="cycle", direction=direction, dtype=case.dtype if case.dtype in _REAL else "f32")


def _is_small(case: Case) -> bool:
    return case.is_valid and sum(map(math.prod, case.output_shapes().values())) < _MOST


CASES = valid_cases().map(_cycle).filter(_is_small)


@settings(max_examples=40)
@given(CASES)
def test_every_element_is_that_of_the_whole_output(case: Case) -> None:
    tensors = make_tensors(case)
    whole = reference(case, tensors)
    everywhere = {name: np.array([*np.ndindex(s)]).reshape(-1, len(s)) for name, s in case.output_shapes().items()}
    for name, found in sparse_reference(case, everywhere).items():
        for attribute in ("exact", "magnitude", "terms"):
            assert np.array_equal(getattr(found, attribute), getattr(whole[name], attribute).ravel()), name


@settings(max_examples=40)
@given(CASES)
def test_tensors_of_large_cases_are_those_of_others(case: Case) -> None:
    made = large_tensors(case)
    for name, array in make_tensors(case).items():
        assert (made[name].dtype, made[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(made[name], array), name


@settings(max_examples=40)
@given(CASES)
def test_positions_lie_in_the_output_and_are_there_once(case: Case) -> None:
    for name, positions in sampled_positions(case).items():
        shape = case.output_shapes()[name]
        assert positions.shape[1:] == (len(shape),)
        assert np.all((positions >= 0) & (positions < np.array(shape)))
        assert len(np.unique(positions, axis=0)) == len(positions) >= min(math.prod(shape), 2)


@pytest.mark.parametrize("case", load_tier("large"), ids=str)
def test_a_large_case_is_sampled_where_32_bits_end(case: Case) -> None:
    assert memory_needed(case) > 2**30 or max(case.dilation) > 2**30
    for name, shape in case.output_shapes().items():
        flat = np.ravel_multi_index(tuple(sampled_positions(case)[name].T), shape)
        size = math.prod(shape)
        assert {0, size - 1} <= {int(n) for n in flat}
        if size > 2**31:
            assert {2**31 - 1, 2**31, 2**30 - 1, 2**30} <= {int(n) for n in flat}


def test_most_samples_of_a_large_stride_are_reached_by_a_tap() -> None:
    case = load_tier("large")[0]
    found = sparse_reference(case, sampled_positions(case))["y"]
    assert np.count_nonzero(found.terms > 1) > 60
    assert np.unique(found.exact).size > 10


def test_sums_of_the_tier_are_exact_in_their_formats() -> None:
    for case in load_tier("large"):
        if case.direction == "fwd":
            found = sparse_reference(case, {"y": sampled_positions(case)["y"][::9]})["y"]
            assert found.magnitude.max() <= case.format.largest_exact_integer, str(case)


def test_only_cases_of_their_kind_are_large() -> None:
    assert is_large(Case.parse("1d-i70000000-k1-cycle.0"))
    assert not is_large(Case.parse("1d-i70000000-k1"))
    assert not is_large(Case.parse("1d-i7000-k1-cycle.0"))


def test_an_element_is_known_from_its_index() -> None:
    case = Case.parse("1d-c1x1-i4294967311-k1-f16-cycle.3")
    x = cycles(case)["x"]
    at = [0, 2**31, 2**32, 4294967310]
    assert np.array_equal(x.at(np.array(0), np.array(0), np.array(at)), x.numbers[[n % 65521 for n in at]])
    assert len({n % 65521 for n in at}) == 4
