"""Counting, grouping and the text of the result."""

from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.reports.formats.markdown import summary, totals_line, write_summary
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import StatusName
from conformance.reports.record.store import Results
from conformance.reports.summary.survey import sentence, survey
from tests.support.records import FIRST, hostile_run, recorded


@pytest.fixture
def results(tmp_path: Path):
    with hostile_run(tmp_path / "results.sqlite") as found:
        yield found


def _run(path: Path, *statuses: StatusName) -> Results:
    case_id = str(Case.parse("1d-i3-k2"))
    return recorded(path, *(Outcome(case_id, f"adapter{n}", status) for n, status in enumerate(statuses)))


def test_counts_keep_every_status_apart(results: Results) -> None:
    found = survey(results)
    assert found.counts["right"] == {"pass": 4}
    assert found.counts["wrong"] == {"fail": 2, "crash": 1, "unsupported": 1}
    assert found.counts["file.py:Odd name"] == {"inexpressible": 3, "missing": 1}


def test_groups_share_a_cause_and_start_with_the_worst(results: Results) -> None:
    crash, wrong, missing = survey(results).groups
    assert (crash.status, wrong.text, missing.status) == ("crash", "shifted by 1 along H", "missing")
    assert len(wrong.members) == 2
    assert wrong.smallest == str(Case.parse(FIRST))


def test_group_ids_do_not_depend_on_the_members(results: Results, tmp_path: Path) -> None:
    before = [item.id for item in survey(results).groups]
    with hostile_run(tmp_path / "again.sqlite") as again:
        again.record(Outcome(str(Case.parse("1d-i3-k2-f16-normal.0")), "wrong", "pass"))
        after = [item.id for item in survey(again).groups]
    assert after == before[1:]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((), "No case was selected."),
        (("pass", "pass"), "No discrepancy: 2 outputs of 2 adapters agree with the oracle."),
        (
            ("pass", "unsupported"),
            "No discrepancy: 1 output of 1 adapter agrees with the oracle; nothing was compared for adapter1.",
        ),
        (("unsupported",), "Nothing was compared: no adapter could run any selected case."),
        (
            ("infra",),
            "1 case was not judged, through no fault of a framework (infra 1); no output agrees with the oracle; "
            "nothing was compared for adapter0.",
        ),
    ],
)  # fmt: skip
def test_sentence(tmp_path: Path, statuses: tuple[StatusName, ...], expected: str) -> None:
    with _run(tmp_path / "r.sqlite", *statuses) as results:
        assert sentence(survey(results)) == expected


def test_sentence_names_the_wrong_adapters_and_blames_none_for_missing_outcomes(results: Results) -> None:
    text = sentence(survey(results))
    assert text.startswith("3 discrepancies in 1 of 3 adapters (wrong 3); 1 case was not judged, through no")


def test_totals_line(results: Results) -> None:
    assert totals_line(results) == (
        "12 outcomes: 4 pass, 2 fail, 1 crash, 1 unsupported, 3 inexpressible, 1 missing"
    )


def test_summary_says_first_what_is_wrong_and_lets_no_markup_through(results: Results, tmp_path: Path) -> None:
    path = write_summary(results, tmp_path / "deep" / "summary.md")
    text = path.read_text(encoding="utf-8")
    assert text == summary(survey(results))
    assert text.splitlines()[0].startswith("**3 discrepancies")
    assert "<script" not in text
    assert "<img" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5, 9}
