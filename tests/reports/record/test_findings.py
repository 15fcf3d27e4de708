"""Outcomes of one cause are one finding, whose id is the same in a later run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.cases import Case
from conformance.cases.columns import columns
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.findings import Condition, findings
from conformance.reports.record.outcome import Outcome

CASES = {
    str(case): columns(case) for case in map(Case.parse, ["2d-i4x6-k3-s2", "1d-i4-k3", "2d-i5-k3-s2", "1d-i7-k3"])
}
IDS = list(CASES)


def outcome(case_id: str, **changes: Any) -> Outcome:
    diagnosis = Diagnosis(transform="shift", axes=("W",), text="the output shifted by +1 along W")
    return replace(Outcome(case_id, "mine", "fail", "values", diagnosis=diagnosis), **changes)


def test_one_cause_is_one_finding_whatever_the_axis_and_amount() -> None:
    other = Diagnosis(transform="shift", axes=("H",), text="the output shifted by -2 along H")
    found = findings([outcome(IDS[0]), outcome(IDS[2], diagnosis=other), outcome(IDS[1])], CASES)
    assert len(found) == 1
    assert found[0].count == 3
    assert found[0].smallest == IDS[1]
    assert found[0].title == "mine: the output shifted by +1 along W"


def test_causes_are_kept_apart() -> None:
    flip = Diagnosis(
        transform="flip", axes=("W",), text="equals the expected output with the kernel flipped along W"
    )
    signal = Diagnosis(transform="crash", text="the process ended with SIGFPE", signal="SIGFPE")
    other = replace(signal, text="the process ended with SIGSEGV", signal="SIGSEGV")
    crashes = [
        Outcome(case_id, "mine", "crash", diagnosis=diagnosis)
        for case_id, diagnosis in ((IDS[2], signal), (IDS[3], other))
    ]
    found = findings([outcome(IDS[0]), outcome(IDS[1], diagnosis=flip), *crashes], CASES)
    assert len(found) == 4
    assert [finding.status for finding in found] == ["crash", "crash", "fail", "fail"]


def test_the_id_does_not_depend_on_which_cases_were_run() -> None:
    first = findings([outcome(IDS[0]), outcome(IDS[1])], CASES)[0]
    second = findings([outcome(IDS[2])], CASES)[0]
    assert first.id == second.id


def test_a_condition_is_part_of_the_title_as_sure_as_it_is() -> None:
    found = findings([outcome(IDS[0])], CASES)[0]
    condition = Condition(
        text="stride > kernel_size on some axis", sql="axes_stride_over_kernel > 0", failing=1, passing=3
    )
    (again,) = findings([outcome(IDS[0])], CASES, {found.id: condition})
    assert again.title.endswith(", seen in 1 case, with stride > kernel_size on some axis")
    (again,) = findings([outcome(IDS[0])], CASES, {found.id: replace(condition, exact=True)})
    assert again.title.endswith(", when stride > kernel_size on some axis")


def test_the_text_of_a_condition_has_its_counts() -> None:
    condition = Condition(
        text="rank = 2",
        sql="rank = 2",
        failing=49,
        passing=43,
        exact=True,
        others=6,
        further_failing=12,
        further_passing=9,
        further_others=1,
    )
    assert condition.counted == (
        "In this run, 49 cases meet it and show this cause; 6 more meet it and fail with a different cause; "
        "none of the 43 cases that pass meets it. "
        "To test it, the suite ran 22 cases more: 12 meet it and show the same cause, 9 do not meet it and pass "
        "(not counted: 1 with a different cause). This confirms it."
    )
    alone = Condition(text="rank = 2", sql="rank = 2", failing=1, passing=2)
    assert alone.counted == (
        "In this run, 1 case meets it and shows this cause; none of the 2 cases that pass meets it. "
        "No further cases were run to confirm it."
    )


def test_one_cause_in_several_dtypes_directions_and_kinds_is_one_finding_with_a_breakdown() -> None:
    texts = ("1d-i4-k3", "1d-i4-k3-f16", "1d-i4-k3-f16-normal.1", "1d-i4-k3-grad")
    cases = {str(case): columns(case) for case in map(Case.parse, texts)}
    kinds = ("shape", "values", "precision", "gradient")
    members = [outcome(case_id, kind=kind) for case_id, kind in zip(cases, kinds, strict=True)]
    (found,) = findings(members, cases)
    assert found.breakdown == {
        "kind": {"gradient": 1, "precision": 1, "shape": 1, "values": 1},
        "dtype": {"f16": 2, "f32": 2},
        "direction": {"fwd": 3, "grad": 1},
        "data": {"ints": 3, "normal": 1},
    }
    assert found.counted == "4 cases: 1 gradient, 1 precision, 1 shape, 1 values"
    assert found.spread == "2 f16, 2 f32; 3 fwd, 1 grad; 3 ints, 1 normal"
    assert found.label == "fail: gradient, precision, shape, values"
    unexplained = [outcome(case_id, kind=kind, diagnosis=None) for case_id, kind in zip(cases, kinds, strict=True)]
    assert len(findings(unexplained, cases)) == 4, "without a diagnosis, their causes may differ"


def named(*names: str) -> Diagnosis:
    first, *others = (Diagnosis(transform=name, axes=("W",), text=f"with {name}") for name in names)
    return replace(first, also=tuple(others))


def test_an_outcome_with_several_explanations_counts_under_the_one_that_fits_the_most() -> None:
    """One mistake, which has a second explanation in some cases."""
    outcomes = [
        outcome(IDS[0], diagnosis=named("zeros_in_front", "crop_exchanged")),
        outcome(IDS[1], diagnosis=named("shift", "crop_exchanged")),
        outcome(IDS[2], diagnosis=named("crop_exchanged")),
    ]
    (found,) = findings(outcomes, CASES)
    assert (found.transform, found.text, found.count) == ("crop_exchanged", "with crop_exchanged", 3)
    assert found.id == findings(outcomes[2:], CASES)[0].id


def test_two_causes_stay_two_findings_beside_one_that_may_be_either() -> None:
    outcomes = [
        outcome(IDS[0], diagnosis=named("flip")),
        outcome(IDS[1], diagnosis=named("crop_exchanged")),
        outcome(IDS[2], diagnosis=named("flip", "crop_exchanged")),
        outcome(IDS[3], diagnosis=named("flip")),
    ]
    assert [(each.transform, each.count) for each in findings(outcomes, CASES)] == [
        ("flip", 3),
        ("crop_exchanged", 1),
    ]


def test_the_order_and_the_format_of_mistakes_make_no_cause_of_their_own() -> None:
    both = [outcome(IDS[0], diagnosis=named("flip+shift")), outcome(IDS[1], diagnosis=named("shift+flip"))]
    sums = [outcome(IDS[2], diagnosis=named("float16_accumulation"))]
    sums += [outcome(IDS[3], diagnosis=named("bfloat16_accumulation"))]
    assert [each.count for each in findings([*both, *sums], CASES)] == [2, 2]
