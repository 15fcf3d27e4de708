"""A recorded run says by itself when its findings happen."""

from __future__ import annotations

from pathlib import Path

from cases import Case
from conformance.predicate import conditions
from reports.outcome import Outcome
from reports.store import Results
from reports.survey import survey

DIAGNOSIS = {"transform": "flip", "axes": ["W"], "text": "equals the oracle with the kernel flipped along W"}


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
        assert condition["text"] == "stride > kernel_size on some axis and padding = 'same'"
        assert (condition["failing"], condition["passing"]) == (12, 60)
        results.set_meta("conditions", found)
        (group,) = survey(results).groups
        assert group.title == f"mine: {DIAGNOSIS['text']}, when {condition['text']}"
