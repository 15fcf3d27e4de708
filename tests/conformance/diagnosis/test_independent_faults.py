"""Faults planted by another hand: each is named, with its axes, on one of the ranks where it can be shown.

All ranks of each with ``CONFORMANCE_TEST_ALL=1`` in the environment.
"""

from __future__ import annotations

import numpy as np
import pytest

from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import Tensors, make_tensors
from conformance.diagnosis import Diagnosis, diagnose
from conformance.oracle.verdict import judge
from tests.conformance.diagnosis.independent import axes_of, expectations, question
from tests.faults.catalogue import FAULTS, RIGHT, Fault
from tests.faults.numbers import CONDITIONS
from tests.frameworks import every_variant_wanted


class Planted:
    """The faulty implementation as what the diagnosis asks."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def run(self, case: Case, tensors: Tensors) -> Reply:
        with np.errstate(all="ignore"):
            return self.fault.reply(case, tensors)


def diagnosis(fault: Fault, case: Case) -> Diagnosis | None:
    """What a fault is called on a case; None where the verdict does not fail it."""
    host, tensors = Planted(fault), make_tensors(case)
    reply = host.run(case, tensors)
    verdict = judge(case, tensors, reply)
    return diagnose(case, tensors, reply, verdict, host) if verdict.status == "fail" else None


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
    found = diagnosis(FAULTS[name], case)
    assert found is not None, f"the question does not show the fault: {case}"
    wanted = expectations(name, rank)[0]
    assert found.transform == wanted, found
    if wanted not in ("unexplained", "not_computed", "nondeterministic"):
        assert list(found.axes) == axes_of(name, rank), found


def test_the_same_questions_are_silent_without_a_fault() -> None:
    asked = {question(name, rank) for name, fault in FAULTS.items() for rank in fault.ranks}
    assert len(asked) > 100
    assert [str(case) for case in asked if diagnosis(RIGHT, case) is not None] == []
