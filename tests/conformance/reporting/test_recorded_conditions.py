"""A recorded run says by itself when its findings happen."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.execution.check import run_case
from conformance.reporting.confirmed_conditions import confirm_conditions
from conformance.reporting.recorded_conditions import conditions
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results
from conformance.reports.summary.survey import survey
from tests.support.command import toy

DIAGNOSIS = Diagnosis(
    transform="flip", axes=("W",), text="equals the expected output with the kernel flipped along W"
)


def test_the_condition_of_a_finding_is_found_and_shown(tmp_path: Path) -> None:
    cases = [
        Case.parse(f"{rank}d-c{channels}-i4-k{kernel}-s{stride}-{padding}")
        for rank in (1, 2)
        for channels in ("1x1", "2x3")
        for kernel in (1, 2, 3)
        for stride in (1, 2, 3)
        for padding in ("same", "valid")
    ]
    with Results.create(tmp_path / "results.sqlite") as results:
        results.plan([("mine", case) for case in cases])
        for case in cases:
            wrong = case.stride[0] > case.kernel_size[0] and case.padding == "same"
            results.record(
                Outcome(str(case), "mine", "fail", "values", diagnosis=DIAGNOSIS)
                if wrong
                else Outcome(str(case), "mine", "pass")
            )
        found = conditions(results)
        assert len(found) == 1
        (condition,) = found.values()
        assert condition.text == "stride > kernel_size on some axis and padding = 'same'"
        assert (condition.failing, condition.passing) == (12, 60)
        results.set_meta("conditions", {name: asdict(each) for name, each in found.items()})
        (group,) = survey(results).groups
        assert group.title == f"mine: {DIAGNOSIS.text}, seen in 12 cases, all with {condition.text}"


# Both have a stride above the kernel, and much else in common that is not the cause.
SEEN_WRONG = ("2d-n2-c2x3-i4-k1x2-s3-f64", "2d-n2-c2x4-i4-k2-s3x4-f64")
SEEN_RIGHT = ("1d-i3-k3-s1-b1", "1d-c2x2-i5-k2-s2-same")


def test_what_a_run_leaves_open_is_settled_by_further_cases(tmp_path: Path) -> None:
    spec = resolve(toy("Shifted"))
    with Results.create(tmp_path / "results.sqlite") as results:
        cases = [Case.parse(text) for text in (*SEEN_WRONG, *SEEN_RIGHT)]
        results.plan([(spec.name, case) for case in cases])
        with AdapterProcess(spec) as host:
            outcomes = [run_case(case, host) for case in cases]
        results.record_all(outcomes)
        assert [outcome.gates for outcome in outcomes] == [True, True, False, False]
        guessed = conditions(results)
        assert all("stride > kernel_size" not in condition.text for condition in guessed.values())
        new = [outcome for outcome in outcomes if outcome.gates]
        found = confirm_conditions(new, results, lambda adapter: AdapterProcess(spec))
        assert {condition.text for condition in found.values()} == {
            "stride > kernel_size on some axis and direction = 'fwd'"
        }
        assert all(condition.exact for condition in found.values())
        assert confirm_conditions([], results, lambda adapter: AdapterProcess(spec)) == {}
