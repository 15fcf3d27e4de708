"""A cause that was found before on an adapter is tried first: the same diagnosis, without further runs."""

from __future__ import annotations

import pytest

from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import Tensors, make_tensors
from conformance.diagnosis.mutations.problem import Problem
from tests.faults.catalogue import FAULTS
from tests.support.diagnosing import FaultyHost, diagnosis_of
from tests.support.planted import Planted, forward

SHAPE = "2d-n2-c4x6-i3x5-k4x3-s2x3-d1x1-g1-p1.0x1.1-op0x0-cf-f32-b1"


class Counting(FaultyHost):
    """Counts the cases it runs."""

    runs = 0

    def run(self, case: Case, tensors: Tensors) -> Reply:
        """Run one case."""
        self.runs += 1
        return super().run(case, tensors)


def host_of(fault: str) -> Counting:
    return Counting(FAULTS[fault])


@pytest.mark.parametrize("data", ["ints.1", "normal.1", "naninput.0"])
def test_other_numbers_of_the_same_case_need_no_further_runs(data: str) -> None:
    host, case = host_of("kernel flipped on W"), f"{SHAPE}-{data}"
    diagnosis_of(f"{SHAPE}-ints.0", host)
    assert host.runs > 1
    host.runs = 0
    again = diagnosis_of(case, host)
    assert host.runs == 1
    alone = host_of("kernel flipped on W")
    assert again == diagnosis_of(case, alone)
    assert alone.runs > 1


def test_another_cause_on_the_same_adapter_is_found() -> None:
    host = host_of("kernel flipped on W")
    diagnosis_of(f"{SHAPE}-ints.0", host)
    other = host_of("input mirrored on H")
    host.fault = other.fault
    assert diagnosis_of(f"{SHAPE}-ints.1", host) == diagnosis_of(f"{SHAPE}-ints.1", other)


def test_a_refusal_with_the_same_message_needs_one_further_run() -> None:
    def refuse(case: Case, tensors: Tensors) -> Tensors:
        runs.append(case)
        if max(case.dilation) > 1:
            raise ValueError("dilation is not available")
        return {"y": forward(case, tensors)}

    runs: list[Case] = []
    host = Planted(refuse)
    first = diagnosis_of("2d-i4-k3-s2-d2-p1-b1", host)
    assert first is not None
    assert first.relief == ("with dilation 1",)
    runs.clear()
    again = diagnosis_of("2d-n2-i5-k3-d2", host)
    assert len(set(runs)) == 2
    assert again == diagnosis_of("2d-n2-i5-k3-d2", Planted(refuse))


def test_a_changed_problem_has_sizes_of_its_own() -> None:
    case = Case.parse("1d-i4-k3-s2")
    problem = Problem.of(case, make_tensors(case))
    assert problem.full_size == (9,)
    assert problem.but(stride=(1,)).full_size == (6,)
    assert problem.full_size == (9,)
