"""Each fault of the catalogue is diagnosed as declared, on one of the ranks where it can be shown.

All ranks of each with ``CONFORMANCE_TEST_ALL=1`` in the environment.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.catalogue import FAULTS, RIGHT
from tests.support.diagnosing import diagnosis_of_fault
from tests.support.frameworks import every_variant_wanted

# A fault that some cases show is diagnosed on one of them; when it happens is for the search for conditions.
DIAGNOSED = [fault for fault in FAULTS.values() if fault.where is None]


def planted() -> list[Any]:
    return [
        pytest.param(fault.name, rank, id=f"{rank}d {fault.name}".replace(" ", "_"))
        for number, fault in enumerate(DIAGNOSED)
        for rank in (fault.ranks if every_variant_wanted() else [fault.ranks[number % len(fault.ranks)]])
    ]


@pytest.mark.parametrize(("name", "rank"), planted())
def test_fault_is_named_with_its_axes(name: str, rank: int) -> None:
    fault = FAULTS[name]
    case = fault.case(rank)
    found = diagnosis_of_fault(fault, case)
    assert found is not None, f"the case does not show the fault: {case}"
    assert found.transform == fault.diagnosed_as[rank], found
    if found.transform not in ("unexplained", "not_computed", "nondeterministic"):
        assert list(found.axes) == fault.axes[rank], found


def test_the_same_cases_are_silent_without_a_fault() -> None:
    cases = {fault.case(rank) for fault in DIAGNOSED for rank in fault.ranks}
    assert len(cases) > 100
    assert [str(case) for case in cases if diagnosis_of_fault(RIGHT, case) is not None] == []
