"""Outcomes of one cause are one finding, whose id survives another run."""

from __future__ import annotations

from typing import Any

from cases import Case
from cases.columns import columns
from reports.findings import Condition, findings
from reports.outcome import Outcome

CASES = {
    str(case): columns(case) for case in map(Case.parse, ["2d-i4x6-k3-s2", "1d-i4-k3", "2d-i5-k3-s2", "1d-i7-k3"])
}
IDS = list(CASES)


def outcome(case_id: str, **changes: Any) -> Outcome:
    diagnosis = {
        "transform": "shift",
        "axes": ["W"],
        "text": "the output shifted by +1 along W",
    }
    return Outcome(case_id, "mine", "fail", "values", **({"diagnosis": diagnosis} | changes))


def test_one_cause_is_one_finding_whatever_the_axis_and_amount() -> None:
    other = {
        "transform": "shift",
        "axes": ["H"],
        "text": "the output shifted by -2 along H",
    }
    found = findings([outcome(IDS[0]), outcome(IDS[2], diagnosis=other), outcome(IDS[1])], CASES)
    assert len(found) == 1
    assert found[0].count == 3
    assert found[0].smallest == IDS[1]
    assert found[0].title == "mine: the output shifted by +1 along W"


def test_causes_are_kept_apart() -> None:
    flip = {"transform": "flip", "axes": ["W"], "text": "equals the oracle with the kernel flipped along W"}
    signal = {"transform": "crash", "axes": [], "text": "the process ended with SIGFPE", "signal": "SIGFPE"}
    other = {**signal, "text": "the process ended with SIGSEGV", "signal": "SIGSEGV"}
    crashes = [
        Outcome(case_id, "mine", "crash", diagnosis=diagnosis)
        for case_id, diagnosis in ((IDS[2], signal), (IDS[3], other))
    ]
    found = findings([outcome(IDS[0]), outcome(IDS[1], diagnosis=flip), *crashes], CASES)
    assert len(found) == 4
    assert [finding.status for finding in found] == ["crash", "crash", "fail", "fail"]


def test_the_id_does_not_depend_on_which_cases_were_asked() -> None:
    first = findings([outcome(IDS[0]), outcome(IDS[1])], CASES)[0]
    second = findings([outcome(IDS[2])], CASES)[0]
    assert first.id == second.id


def test_a_known_condition_is_part_of_the_title() -> None:
    found = findings([outcome(IDS[0])], CASES)[0]
    condition = Condition("stride > kernel_size on some axis", "axes_stride_over_kernel > 0", 1, 3)
    again = findings([outcome(IDS[0])], CASES, {found.id: condition})[0]
    assert again.title.endswith(", when stride > kernel_size on some axis")
