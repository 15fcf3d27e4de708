"""Faults planted by another hand: each is named, with its axes, on one of the ranks where it can be shown.

All ranks of each with ``CONFORMANCE_TEST_ALL=1`` in the environment.
"""

from __future__ import annotations

import pytest

from tests.conformance.diagnosis.independent import axes_of, expectations, question
from tests.faults.catalogue import FAULTS, RIGHT
from tests.faults.numbers import CONDITIONS
from tests.support.diagnosing import diagnosis_of_fault
from tests.support.frameworks import every_variant_wanted


def planted() -> list[pytest.param]:
    return [
        pytest.param(name, rank, id=f"{rank}d {name}".replace(" ", "_"))
        for number, (name, fault) in enumerate(FAULTS.items())
        if name.removeprefix("wrong only ") not in CONDITIONS
        for rank in (fault.ranks if every_variant_wanted() else [fault.ranks[number % len(fault.ranks)]])
    ]


def test_every_fault_has_one_expectation() -> None:
    assert [
        name for name, fault in FAULTS.items() for rank in fault.ranks if len(expectations(name, rank)) != 1
    ] == []


@pytest.mark.parametrize(("name", "rank"), planted())
def test_fault_is_named_with_its_axes(name: str, rank: int) -> None:
    case = question(name, rank)
    found = diagnosis_of_fault(FAULTS[name], case)
    assert found is not None, f"the question does not show the fault: {case}"
    wanted = expectations(name, rank)[0]
    assert found["transform"] == wanted, found
    if wanted not in ("unexplained", "not_computed", "nondeterministic"):
        assert found["axes"] == axes_of(name, rank), found


def test_the_same_questions_are_silent_without_a_fault() -> None:
    asked = {question(name, rank) for name, fault in FAULTS.items() for rank in fault.ranks}
    assert len(asked) > 100
    assert [str(case) for case in asked if diagnosis_of_fault(RIGHT, case) is not None] == []
