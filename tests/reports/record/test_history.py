"""Runs in one file: when an outcome changed, and under which versions."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.cli import main
from conformance.reports.record.history import History
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results
from tests.support.records import recorded_file

FIRST, SECOND = (str(Case.parse(text)) for text in ("1d-i5-k3", "1d-i5-k2"))


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    right, wrong = Outcome(FIRST, "a", "pass", digest="1"), Outcome(FIRST, "a", "fail", "values", digest="2")
    other = Outcome(SECOND, "a", "pass", digest="3")
    outcomes = [("1.0", right), ("1.1", right), ("2.0", wrong), ("2.1", None), ("2.2", wrong), ("3.0", right)]
    return [
        str(
            recorded_file(
                tmp_path / f"{version}.sqlite",
                *([outcome, other] if outcome else [other]),
                missing=() if outcome else (FIRST,),
                version=version,
            )
        )
        for version, outcome in outcomes
    ]


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["history", *arguments])
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out, printed.err


def test_it_shows_when_an_outcome_changed_and_under_which_versions(
    tmp_path: Path, runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "history.sqlite")
    added = [word for path in runs for word in ("--add", path)]
    code, printed, _ = call(capsys, file, *added, "--json")
    found = json.loads(printed)
    assert code == 0
    assert [(item["label"], item["first_run"], item["last_run"]) for item in found["answers"]] == [
        ("pass", 1, 2), ("fail: values", 3, 5), ("pass", 6, 6)
    ]  # fmt: skip
    assert [item["since"]["numpy"] for item in found["answers"]] == ["1.0", "2.0", "3.0"]
    assert [item["changed"] for item in found["runs"]] == [0, 0, 1, 0, 0, 1]
    _, printed, _ = call(capsys, file)
    assert "runs 3 to 5: fail: values 2 (numpy 2.0 to 2.2)" in printed
    assert SECOND not in printed
    _, printed, _ = call(capsys, file, "--case", SECOND)
    assert "runs 1 to 6: pass 3 (numpy 1.0 to 3.0)" in printed


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_runs_are_added_does_not_matter(tmp_path: Path, runs: list[str], seed: int) -> None:
    del runs[3]  # it does not have the case, and a history does not keep in which runs a case was
    for number, path in enumerate(runs):
        with Results.open(Path(path), write=True) as results:
            results.set_meta("started", 1_000_000_000.0 + number)
    shuffled = random.Random(seed).sample(runs, len(runs))
    seen = []
    for name, order in (("sorted", runs), ("shuffled", shuffled)):
        with History(tmp_path / f"{name}.sqlite") as history:
            for path in order:
                with Results.open(Path(path)) as results:
                    history.add(results)
            seen.append((history.streaks(), history.streaks(case_id=SECOND), history.runs()))
    assert seen[0] == seen[1]
    assert [streak.label for streak in seen[0][0]] == ["pass", "fail: values", "pass"]


def test_a_run_counts_once(tmp_path: Path, runs: list[str]) -> None:
    with History(tmp_path / "h.sqlite") as history, Results.open(Path(runs[0])) as results:
        assert history.add(results) == 2
        assert history.add(results) == 0
        assert len(history.runs()) == 1


def test_runs_are_listed_by_time_and_an_unknown_adapter_is_an_error(
    tmp_path: Path, runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "history.sqlite")
    for path, started in ((runs[2], 2_000_000_000.0), (runs[0], 1_000_000_000.0)):
        with Results.open(Path(path), write=True) as results:
            results.set_meta("started", started)
    code, printed, _ = call(capsys, file, "--add", runs[2], "--add", runs[0], "--json")
    found = json.loads(printed)
    assert (code, [run["started"] for run in found["runs"]]) == (0, [1_000_000_000.0, 2_000_000_000.0])
    assert [item["label"] for item in found["answers"]] == ["pass", "fail: values"]
    code, printed, error = call(capsys, file, "--adapter", "foo")
    assert (code, printed) == (2, "")
    assert "unknown adapter 'foo'" in error
    assert call(capsys, file, "--adapter", "a")[0] == 0


def test_other_files_are_refused_in_one_line(
    tmp_path: Path, runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    for arguments in (
        [str(tmp_path / "none.sqlite")],
        [runs[0]],
        [str(tmp_path / "text")],
        [str(tmp_path / "new.sqlite"), "--add", str(tmp_path / "text")],
        [str(tmp_path / "new.sqlite"), "--add", runs[0], "--case", "5d"],
        ["/dev/null/x", "--add", runs[0]],
    ):
        code, _, error = call(capsys, *arguments)
        assert code == 2, arguments
        assert len(error.strip().splitlines()) == 1, error
    assert not (tmp_path / "new.sqlite").exists()
