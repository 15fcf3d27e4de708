"""Records put together and compared: shards, merges, differences from run to run."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.cli import main
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.schema import SCHEMA_VERSION
from conformance.reports.record.store import Results
from conformance.runner.plan import make_plan, read_shard, shards_of, turn
from tests.support.command import conformance, toy
from tests.support.records import recorded_file

CASES = [Case.parse(f"1d-i{size}-k3") for size in range(3, 60)]
KEYS = [("a", str(case)) for case in CASES]
SPECS = [AdapterSpec(name, name, "python") for name in ("a", "b")]


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out, printed.err


def test_every_case_is_in_one_shard_and_keeps_it() -> None:
    shards = shards_of(KEYS, 4, {})
    assert set(shards) == {0, 1, 2, 3}
    some = KEYS[::3]
    assert shards_of(some, 4, {}) == [shards[KEYS.index(key)] for key in some]


def test_durations_balance_the_shards() -> None:
    seconds = {key: float(number**2) for number, key in enumerate(KEYS)}
    shards = shards_of(KEYS, 3, seconds)
    load = [
        sum(seconds[key] for key, mine in zip(KEYS, shards, strict=True) if mine == shard) for shard in range(3)
    ]
    assert max(load) / min(load) < 1.05
    assert shards_of(KEYS[::-1], 3, seconds) == shards[::-1]


def test_what_failed_comes_first_then_what_took_longest_adapter_by_adapter() -> None:
    first, second, third, *_ = CASES
    previous = [
        Outcome(str(first), "a", "pass", seconds=1),
        Outcome(str(second), "a", "pass", seconds=9),
        Outcome(str(third), "a", "fail", "values", seconds=2),
    ]
    plan = make_plan(SPECS, CASES[:4], previous=previous)
    order = [(spec.name, case) for spec, case in map(plan.pair, plan.order)]
    assert order[:4] == [("a", third), ("a", second), ("a", first), ("a", CASES[3])]
    assert order[4:] == [("b", case) for case in sorted(CASES[:4], key=lambda case: turn(str(case)))]


def test_a_recorded_outcome_is_kept_and_a_failure_of_our_own_runs_again() -> None:
    recorded = [Outcome(str(CASES[0]), "a", "crash"), Outcome(str(CASES[1]), "a", "infra")]
    plan = make_plan(SPECS[:1], CASES[:3], recorded=recorded)
    assert sorted(plan.order) == [1, 2]
    assert list(plan.here) == [0, 1, 2]


@pytest.mark.parametrize(
    "text", ["", "1", "1/", "0/1", "2/1", "a/b", "1/2/3", "-1/2", "1/" + "9" * 30, "\u0661/2"]
)
def test_a_malformed_shard(text: str) -> None:
    with pytest.raises(ValueError, match="I/M"):
        read_shard(text)


FIRST, SECOND, THIRD = (str(case) for case in CASES[:3])


def ok(case_id: str, **more: object) -> Outcome:
    return Outcome(case_id, "a", "pass", **{"digest": "1", "profile": "fp32-acc", "budget": 0.03, **more})  # type: ignore[arg-type]


def test_shards_run_apart_are_one_run_again(tmp_path: Path) -> None:
    """Two of three shards, one of them merged twice, then all three."""
    cases = [word for case in CASES[:9] for word in ("--case", str(case))]
    run = ["run", "--adapter", toy("Right"), *cases]
    files = [str(tmp_path / str(n) / "results.sqlite") for n in (1, 2, 3)]
    for number in (1, 2, 3):
        done = conformance(*run, "--shard", f"{number}/3", "--out", str(tmp_path / str(number)))
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"shard {number}/3 of 9 outcomes" in done.stdout.strip().splitlines()[-1]
    out = tmp_path / "all" / "results.sqlite"
    done = conformance("merge", files[0], files[1], files[0], "--out", str(out))
    with Results.open(Path(files[2])) as third:
        lost = third.count()
    assert done.returncode == 1
    assert f"{lost} missing" in done.stdout.splitlines()[0]
    done = conformance("merge", *files, "--out", str(out), "--report")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 outcomes: 9 pass" in done.stdout.strip().splitlines()[-1]
    names = {path.name for path in out.parent.iterdir()}
    assert names == {"results.sqlite", "report", "summary.md", "junit.xml", "earlier"}
    whole = conformance(*run, "--out", str(tmp_path / "whole"))
    assert whole.stdout.strip().splitlines()[-1] == done.stdout.strip().splitlines()[-1]


def test_more_shards_than_cases(tmp_path: Path) -> None:
    codes = set()
    for number in (1, 2, 3):
        done = conformance("run", "--adapter", toy("Right"), "--case", FIRST, "--shard", f"{number}/3",
                           "--out", str(tmp_path / str(number)))  # fmt: skip
        codes.add(done.returncode)
        assert "Traceback" not in done.stdout + done.stderr
    assert codes == {0}


def test_merging_prefers_an_outcome_and_reports_contradictions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = recorded_file(tmp_path / "1.sqlite", ok(FIRST), Outcome(SECOND, "a", "infra"), missing=(THIRD,))
    two = recorded_file(tmp_path / "2.sqlite", ok(FIRST, digest="2"), ok(SECOND), missing=(THIRD,))
    out = tmp_path / "all.sqlite"
    code, printed, _ = call(capsys, "merge", str(one), str(two), "--out", str(out))
    assert code == 1
    assert "cases in two records: 1, with different outcomes: 1" in printed
    with Results.open(out) as results:
        assert [outcome.status for outcome in results.outcomes()] == ["pass", "pass", "missing"]
        assert results.count() == 3


def test_what_cannot_be_merged_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = recorded_file(tmp_path / "1.sqlite", ok(FIRST), version="1.0")
    two = recorded_file(tmp_path / "2.sqlite", ok(SECOND), version="2.0")
    for arguments, text in (
        ([str(one), str(two), "--out", str(tmp_path / "x.sqlite")], "1.0"),
        ([str(one), "--out", str(one)], "one of the files"),
        ([str(one), str(tmp_path / "no.sqlite"), "--out", str(tmp_path / "x.sqlite")], "no.sqlite"),
        ([str(one), "--out", "/dev/null/x.sqlite"], "/dev/null"),
    ):
        code, _, error = call(capsys, "merge", *arguments)
        assert code == 2
        assert text in error
        assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "x.sqlite").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.sqlite", "2.sqlite"]


def test_a_difference_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "<script>alert(1)</script>"
    old = recorded_file(
        tmp_path / "old.sqlite",
        ok(FIRST),
        Outcome(SECOND, "a", "fail", "values"),
        ok(THIRD, budget=0.02),
        version="1.0",
    )
    new = recorded_file(
        tmp_path / "new.sqlite",
        Outcome(FIRST, "a", "crash", detail=hostile),
        ok(SECOND, budget=0.02),
        ok(THIRD, budget=0.4),
        version="2.0",
    )  # fmt: skip
    code, printed, _ = call(capsys, "diff", str(old), str(new), "--html", str(tmp_path / "page"))
    assert code == 1
    assert "Gate red: 1 new, 1 drifted in a (1 fixed)." in printed
    assert "a f32: 2% of the bound of fp32-acc, now 40% of the bound of fp32-acc" in printed
    code, printed, _ = call(capsys, "diff", str(old), str(new), "--json")
    found = json.loads(printed)
    assert code == 1
    assert found["counts"] == {"new": 1, "fixed": 1}
    assert [(c["standing"], c["old"]["status"], c["new"]["status"]) for c in found["changes"]] == [
        ("new", "pass", "crash"), ("fixed", "fail", "pass")
    ]  # fmt: skip
    assert found["old"]["versions"] == {"a": {"numpy": "1.0"}}
    assert found["drift"][0]["case_id"] == THIRD
    page = (tmp_path / "page" / "index.html").read_text()
    assert hostile not in page
    assert "&lt;script&gt;" in page
    assert "now 40% of the bound of fp32-acc" in page


def test_a_run_does_not_differ_from_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recorded_file(tmp_path / "r.sqlite", ok(FIRST), Outcome(SECOND, "a", "fail", "values", digest="2"))
    code, printed, _ = call(capsys, "diff", str(path), str(path))
    assert code == 0
    assert "Gate green: nothing new (1 known)." in printed


def test_a_file_of_the_first_schema_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    path = recorded_file(tmp_path / "r.sqlite", ok(FIRST), missing=(SECOND,))
    with sqlite3.connect(path) as connection:  # what version 1 did not have
        connection.executescript(
            "CREATE TABLE p AS SELECT adapter, case_id FROM plan; DROP TABLE plan; ALTER TABLE p RENAME TO plan;"
            "ALTER TABLE cases DROP COLUMN output_max; ALTER TABLE outcomes DROP COLUMN source;"
            "PRAGMA user_version = 1;"
        )
    connection.close()
    before = path.read_bytes()
    with Results.open(path) as results:
        assert [outcome.status for outcome in results.outcomes()] == ["pass", "missing"]
        assert results.cases()[FIRST]["output_max"] == 5
    assert path.read_bytes() == before
    with Results.open(path, write=True) as results:
        assert results.count() == 2
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()
