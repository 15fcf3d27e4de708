"""What is new in a run: expectations, an earlier run, and lost precision."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from conformance.cases import Case
from conformance.reports.gate.accept import Narrow, append, propose
from conformance.reports.gate.assess import Gate, assess
from conformance.reports.gate.diff import compare, gate_of
from conformance.reports.gate.drift import drifts
from conformance.reports.gate.expectations import load_all, read
from conformance.reports.gate.standings import STANDINGS, standing
from conformance.reports.gate.text import headline, lines, markdown
from conformance.reports.record.conditions import Condition
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.findings import findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import STATUSES, StatusName
from conformance.reports.record.store import Results
from tests.support.records import recorded

SAME, VALID, OTHER = (str(Case.parse(text)) for text in ("1d-i5-k3-s2-same", "1d-i5-k3-s2", "1d-i5-k2-s2-same"))
PASS = Outcome(SAME, "a", "pass", digest="1")
FAIL = Outcome(SAME, "a", "fail", "values", detail="wrong", digest="2")
ENTRY = """[[expectation]]
finding = "same-is-off"
where = "padding = 'same'"
kind = "values"
reason = "documented"
upstream = "https://example.org/1"
"""


def gate(tmp_path: Path, text: str, *outcomes: Outcome, missing: tuple[str, ...] = ()) -> Gate:
    (tmp_path / "a.toml").write_text(text)
    with recorded(tmp_path / "r.sqlite", *outcomes, missing=missing) as results:
        return assess(results, load_all(["a"], [tmp_path]))


def test_without_an_entry_it_is_new(tmp_path: Path) -> None:
    found = gate(tmp_path, "", FAIL)
    assert found.fails
    assert found.standings == {"new": 1}
    assert headline(found).startswith("Gate red: 1 new")


def test_with_an_entry_it_is_known(tmp_path: Path) -> None:
    found = gate(tmp_path, ENTRY, FAIL, replace(PASS, case_id=VALID))
    assert not found.fails
    assert found.standings == {"known": 1}
    assert not found.stale


@pytest.mark.parametrize(
    "outcome",
    [
        replace(FAIL, kind="shape"),
        replace(FAIL, case_id=VALID),
        Outcome(SAME, "a", "crash", detail="SIGSEGV"),
    ],
)
def test_a_different_kind_or_case_is_new(tmp_path: Path, outcome: Outcome) -> None:
    assert gate(tmp_path, ENTRY, outcome).standings["new"] == 1


def test_an_entry_whose_cases_pass_is_stale_and_its_lines_are_named(tmp_path: Path) -> None:
    found = gate(tmp_path, f"# why\n\n{ENTRY}", PASS)
    assert found.fails
    line = lines(found, {})[0]
    assert (line.standing, line.fails) == ("stale", True)
    assert f"remove lines 3 to 8 of {tmp_path / 'a.toml'}" in line.text


@pytest.mark.parametrize(
    ("text", "outcome", "missing"),
    [
        (ENTRY, replace(PASS, case_id=VALID), ()),  # none of its cases was run
        (ENTRY, replace(PASS, case_id=VALID), (SAME,)),  # planned, but without an outcome
        (ENTRY, replace(PASS, status="flaky"), ()),
        (f'{ENTRY}evidence = ["{OTHER}"]', PASS, ()),  # the case that shows it was not run
        (f'{ENTRY}versions = {{ numpy = "<2" }}', PASS, ()),  # for a different version
        (f"{ENTRY}intermittent = true", PASS, ()),  # its cases sometimes pass
    ],
)
def test_an_entry_is_stale_only_if_a_case_was_run_that_shows_it(
    tmp_path: Path, text: str, outcome: Outcome, missing: tuple[str, ...]
) -> None:
    assert not gate(tmp_path, text, outcome, missing=missing).stale


def test_an_entry_over_the_diagnosis_is_judged_by_its_evidence(tmp_path: Path) -> None:
    text = ENTRY.replace("padding = 'same'", "transform = 'shift'") + f'evidence = ["{SAME}"]'
    shifted = replace(FAIL, diagnosis=Diagnosis(transform="shift", axes=("W",), text="shifted by 1"))
    assert gate(tmp_path, text, shifted).standings == {"known": 1}
    assert gate(tmp_path, text, FAIL).standings == {"new": 1}
    assert len(gate(tmp_path, text, PASS).stale) == 1


def test_overlapping_entries_are_named_and_do_not_fail(tmp_path: Path) -> None:
    second = ENTRY.replace("same-is-off", "stride").replace("padding = 'same'", "stride_max = 2")
    found = gate(tmp_path, ENTRY + second, FAIL)
    assert not found.fails
    assert "remove lines 7 to 12" in next(line.text for line in lines(found, {}) if line.standing == "overlap")


def test_missing_and_infra_are_not_discrepancies(tmp_path: Path) -> None:
    found = gate(tmp_path, ENTRY, Outcome(VALID, "a", "infra", detail="no space"), missing=(SAME,))
    assert found.fails
    assert found.broken
    assert found.standings == {"missing": 1, "infra": 1}


def test_a_line_counts_by_kind(tmp_path: Path) -> None:
    refused = replace(FAIL, case_id=OTHER, kind="rejected")
    entry = ENTRY.replace('"values"', '["values", "rejected"]')
    found = gate(tmp_path, entry, FAIL, refused)
    (line,) = [line for line in lines(found, {}) if line.standing == "known"]
    assert line.text.startswith("a 2 cases: 1 rejected, 1 values: expectation same-is-off: documented")
    (tmp_path / "other").mkdir()
    found = gate(tmp_path / "other", entry, FAIL)
    (line,) = [line for line in lines(found, {}) if line.standing == "known"]
    assert line.text.startswith("a fail: values, 1 case: expectation same-is-off: documented")


def test_a_new_cause_is_one_line_with_its_kinds_and_dtypes(tmp_path: Path) -> None:
    cause = Diagnosis(transform="flip", axes=("W",), text="the kernel flipped")
    half = str(Case.parse("1d-i5-k3-s2-same-f16-grad"))
    outcomes = [replace(FAIL, diagnosis=cause), replace(FAIL, case_id=half, kind="gradient", diagnosis=cause)]
    with recorded(tmp_path / "r.sqlite", *outcomes) as results:
        (line,) = lines(assess(results, {}), results.cases())
    assert line.text.startswith("a 2 cases: 1 gradient, 1 values (1 f16, 1 f32; 1 fwd, 1 grad), smallest ")


def test_foreign_text_is_escaped_in_markdown(tmp_path: Path) -> None:
    with recorded(
        tmp_path / "r.sqlite", replace(FAIL, detail="<img src=x> | [a](javascript:x) @all `x`\n## h")
    ) as results:
        page = markdown(assess(results, {}), results.cases())
    assert "<img" not in page
    assert "[a](" not in page
    assert page.count("\n|") == 3


CRASH = Outcome(SAME, "a", "crash")
REFUSED = Outcome(SAME, "a", "unsupported")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (PASS, PASS, None),
        (PASS, FAIL, "new"),
        (None, FAIL, "new"),
        (None, PASS, None),
        (FAIL, FAIL, "known"),
        (FAIL, replace(FAIL, digest="3"), "changed"),
        (FAIL, replace(FAIL, kind="shape"), "changed"),
        (FAIL, PASS, "fixed"),
        (FAIL, CRASH, "worse"),
        (CRASH, FAIL, "better"),
        (CRASH, CRASH, "known"),
        (PASS, REFUSED, "worse"),
        (REFUSED, PASS, "fixed"),
        (REFUSED, FAIL, "new"),
        (FAIL, REFUSED, "better"),
        (PASS, replace(PASS, digest="3"), "rounding"),
        (PASS, Outcome(SAME, "a", "flaky", "values"), "flaky"),
        (PASS, Outcome(SAME, "a", "missing"), "missing"),
        (PASS, Outcome(SAME, "a", "infra"), "infra"),
        (Outcome(SAME, "a", "missing"), FAIL, "new"),
        (FAIL, None, None),
    ],
)
def test_the_algebra(old: Outcome | None, new: Outcome | None, expected: str | None) -> None:
    assert standing(old, new) == expected


def test_the_algebra_covers_every_pair_of_statuses() -> None:
    assert set(get_args(StatusName)) == set(STATUSES)
    for before, after in itertools.product(get_args(StatusName), repeat=2):
        found = standing(Outcome(SAME, "a", before), Outcome(SAME, "a", after))
        assert found is None or found in STANDINGS
        if STATUSES[after].gates:
            assert found is not None, f"{before} to {after} is not noticed"


PROFILES = ("exact", "fp64", "fp32-acc", "storage-acc")


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        (("fp32-acc", 0.03), ("fp32-acc", 0.40), True),
        (("fp32-acc", 0.03), ("fp32-acc", 0.05), False),
        (("fp32-acc", 0.03), ("fp32-acc", 0.09), False),
        (("fp32-acc", 0.30), ("fp32-acc", 0.60), False),
        (("fp32-acc", 0.40), ("fp32-acc", 0.03), False),
        (("fp32-acc", 0.40), ("storage-acc", 0.15), True),
        (("storage-acc", 0.15), ("fp32-acc", 0.90), False),
        (("exact", 0.0), ("fp32-acc", 0.40), True),
        (("exact", 0.0), ("exact", 0.0), False),
    ],
)
def test_lost_precision(before: tuple[str, float], after: tuple[str, float], lost: bool) -> None:
    def outcome(profile: str, budget: float) -> Outcome:
        return replace(PASS, profile=profile, budget=budget)

    found = drifts([(outcome(*before), outcome(*after))], PROFILES)
    assert bool(found) is lost
    assert all(item.dtype == "f32" and item.case_id == SAME for item in found)


@pytest.mark.parametrize("narrow", [lambda failing, others: "", lambda failing, others: "stride_max = 2"])
def test_accepted_discrepancies_are_known_afterwards(tmp_path: Path, narrow: Narrow) -> None:
    outcomes = [
        FAIL,
        replace(PASS, case_id=VALID),
        Outcome(OTHER, "a", "crash", detail="SIGSEGV \x7f \" ''' \U0001f600"),
    ]
    with recorded(tmp_path / "r.sqlite", *outcomes) as results:
        before = assess(results, {})
        environments = results.meta()["environments"]
        proposals = propose(
            before, outcomes, results.cases(), environments, narrow, reason='said "so" \x7f \U0001f600'
        )
        written = append(proposals, tmp_path / "expectations")
        after = assess(results, load_all(["a"], [tmp_path / "expectations"]))
    assert before.standings == {"new": 2}
    assert written == {tmp_path / "expectations" / "a.toml": 2}
    assert after.standings == {"known": 2}
    assert (after.fails, after.overlaps, after.unused) == (False, [], [])
    assert {str(entry.versions["numpy"]) for entry in read(tmp_path / "expectations" / "a.toml")} == {">=2.0"}


FACTS = {"tensorflow.onednn": False, "threads": 2}


def on_a_machine(folder: Path, entry: str, facts: dict[str, Any], *outcomes: Outcome) -> Gate:
    with Results.create(folder / "facts.sqlite") as results:
        results.plan([(o.adapter, Case.parse(o.case_id)) for o in outcomes])
        results.record_all(outcomes)
        results.set_meta("environments", {"a": {"versions": {"numpy": "2.0"}, "facts": facts}})
        (folder / "a.toml").write_text(entry)
        return assess(results, load_all(["a"], [folder]))


@pytest.mark.parametrize(
    ("extra", "where"),
    [("environment = { facts = { threads = 2 } }", "rank = 1"), ("", "rank = 1 and fact_threads = 2")],
)
def test_an_entry_is_for_the_machines_whose_facts_it_names(tmp_path: Path, extra: str, where: str) -> None:
    entry = f"{ENTRY}{extra}\n".replace("where =", "#", 1)
    entry = entry.replace("[[expectation]]", f'[[expectation]]\nwhere = "{where}"')
    here = on_a_machine(tmp_path, entry, FACTS, FAIL)
    assert not here.fails
    assert here.standings == {"known": 1}
    # On a different machine it explains nothing, and is neither stale nor unused there.
    (tmp_path / "there").mkdir()
    there = on_a_machine(tmp_path / "there", entry, FACTS | {"threads": 1}, FAIL)
    assert there.standings == {"new": 1}
    assert (there.stale, there.unused) == ([], [])
    (tmp_path / "right").mkdir()
    right = on_a_machine(
        tmp_path / "right", entry, FACTS | {"threads": 1}, replace(FAIL, status="pass", kind=None)
    )
    assert (right.fails, right.stale, right.unused) == (False, [], [])
    # Where the facts hold and the cases pass, it is stale.
    (tmp_path / "stale").mkdir()
    stale = on_a_machine(tmp_path / "stale", entry, FACTS, PASS)
    assert len(stale.stale) == 1


def test_accept_takes_the_condition_that_the_run_confirmed(tmp_path: Path) -> None:
    shift = Diagnosis(transform="shift", axes=("W",), text="equals the expected output shifted by +1")
    refused = replace(FAIL, case_id=OTHER, kind="rejected")
    outcomes = [replace(FAIL, diagnosis=shift), refused, replace(PASS, case_id=VALID)]
    with recorded(tmp_path / "r.sqlite", *outcomes) as results:
        cases, found = results.cases(), assess(results, {})
        (wanted,) = (item for item in findings([outcomes[0]], cases))
        sure = Condition(
            text="crop uneven", sql="axes_crop_uneven > 0 and padding = 'same'", failing=1, passing=1, exact=True
        )

        def narrow(failing: object, others: Sequence[dict[str, object]]) -> str:
            assert [row["case_id"] for row in others] == [VALID], "a different failure is not a counterexample"
            return "kernel_max = 2"

        proposals = propose(found, outcomes, cases, {}, narrow, reason="x", conditions={wanted.id: sure})
    by_kind = {tuple(item.kinds): item for item in proposals}
    assert by_kind["values",].where == "axes_crop_uneven > 0 and padding = 'same'"
    assert by_kind["values",].note == ""
    assert by_kind["rejected",].where == "kernel_max = 2"
    assert "# Seen in 1 case; no further cases confirmed the condition." in by_kind["rejected",].to_toml()
    assert append(proposals, tmp_path / "expectations") == {tmp_path / "expectations" / "a.toml": 2}


def test_an_adapter_that_the_earlier_run_does_not_have_is_not_new(tmp_path: Path) -> None:
    with recorded(tmp_path / "old.sqlite", PASS) as old, recorded(tmp_path / "new.sqlite", PASS) as new:
        new.plan([("b", Case.parse(SAME))])
        new.record(replace(FAIL, adapter="b"))
        found = gate_of(old, new, PROFILES)
        assert not found.fails
        assert compare(old, new, found)["not_asked_before"] == {"b": 1}
        new.record(FAIL)
        assert gate_of(old, new, PROFILES).standings == {"new": 1}
