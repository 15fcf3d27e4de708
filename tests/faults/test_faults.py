"""Every planted fault is noticed by ``gate`` on every rank where it can be said, and nothing else is."""

from __future__ import annotations

import pytest

from cases.tiers import load_tier
from tests.faults.catalogue import FAULTS, RIGHT
from tests.faults.matrix import answerable, notices


@pytest.fixture(scope="module")
def gate():
    return list(answerable(load_tier("gate")))


def test_there_are_enough_faults_to_mean_something():
    assert len(FAULTS) >= 120
    assert all(fault.ranks for fault in FAULTS.values())


def test_the_implementation_without_a_fault_passes_every_case(gate):
    assert [str(case) for case, expected in gate if notices(case, expected, RIGHT)] == []


@pytest.mark.parametrize("name", FAULTS)
def test_gate_notices(name, gate):
    fault = FAULTS[name]
    for rank in fault.ranks:
        assert any(case.rank == rank and notices(case, expected, fault) for case, expected in gate), rank
