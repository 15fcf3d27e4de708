"""Size classes: the gate has each, on the ranks that it names, and every case is there for one of them."""

from __future__ import annotations

import pytest

from conformance.cases import Case
from conformance.cases.design.sizes import SIZES, WIDTHS, size_cases
from conformance.cases.design.statistics import special_classes
from conformance.cases.errors import DomainError
from conformance.cases.policy import policies
from conformance.cases.tiers import load_tier


def valid(cases: list[Case]) -> list[Case]:
    found = []
    for case in cases:
        try:
            case.geometry()
        except DomainError:
            continue
        found.append(case)
    return found


@pytest.fixture(scope="module")
def gate() -> list[Case]:
    return valid(load_tier("gate"))


@pytest.mark.parametrize("name", SIZES)
def test_gate_has_every_class_on_its_ranks(name: str, gate: list[Case]) -> None:
    assert {case.rank for case in gate if SIZES[name].applies(case)} >= set(SIZES[name].ranks)


def test_every_case_is_in_gate_requires_an_output_and_lies_in_a_class() -> None:
    cases = size_cases()
    assert len(set(cases)) == len(cases)
    assert set(cases) <= set(load_tier("gate"))
    for case in cases:
        assert policies(case) == []
        assert any(size.applies(case) for size in SIZES.values()), str(case)


def test_each_width_and_its_neighbours_are_there_in_every_dimension() -> None:
    required = {width + step for width in WIDTHS for step in (-1, 0, 1)}
    cases = [case for case in size_cases() if case.rank == 2]
    assert required <= {case.batch for case in cases}
    assert required <= {case.in_channels for case in cases}
    assert required <= {case.out_channels for case in cases}
    assert required <= {case.input_size[-1] for case in cases}
    assert required <= {case.geometry().output_size[-1] for case in cases}


def test_a_small_ordinary_case_lies_in_no_class() -> None:
    case = Case.parse("2d-n2-c4x6-i5x3-k4x3-s3x2-p1")
    assert [name for name, applies in special_classes().items() if applies(case)] == []
