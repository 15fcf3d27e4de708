"""No record of a finished run is lost: by a wrong argument, by another run, by an end in the middle."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.cli import main
from conformance.porting.store import Ported, PortsRecord
from conformance.reports.record.earlier import keep_earlier
from conformance.reports.record.merge import merge
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results
from conformance.runner.plan import Plan, make_plan
from conformance.runner.replacing import relation
from conformance.runner.run_folder import Folder
from tests.support.command import HEALTHY, conformance, one_line, start, toy, wait_for
from tests.support.records import FIRST, SECOND, recorded_file, statuses

CASES = [word for case in HEALTHY for word in ("--case", case)]


def run_into(out: Path, *more: str, adapter: str = "Slow") -> list[str]:
    return ["run", "--adapter", toy(adapter), *CASES, "--out", str(out), *more]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_relative_to(folder / ".pytest_cache") and path.name != ".lock"
    }


@pytest.fixture(scope="module")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    assert conformance(*run_into(out)).returncode == 0
    return out


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Path:
    """The folder of a run that has finished, to be changed by one test."""
    return Path(shutil.copytree(finished_once, tmp_path / "out"))


@pytest.mark.parametrize(("arguments", "text"), [
    (["--", "-k", "nomatch"], "no case is selected"),
    (["--", "torch"], "not found: torch"),
    (["--case", "1d-i9-k3"], "the record of a different selection (3 outcomes of"),
])  # fmt: skip
def test_a_wrong_argument_changes_nothing(arguments: list[str], text: str, finished: Path) -> None:
    before = contents(finished)
    done = conformance(*run_into(finished, *arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    one_line(done, text)
    assert contents(finished) == before


def test_a_stray_word_changes_nothing(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(finished)
    with pytest.raises(SystemExit, match="2"):
        main(run_into(finished, "torch"))
    assert "unexpected argument 'torch'; adapters follow --adapter" in capsys.readouterr().err
    assert contents(finished) == before


def test_selections_are_compared(tmp_path: Path) -> None:
    cases = [Case.parse(text) for text in (FIRST, SECOND)]
    outcomes = [Outcome(str(case), name, "pass") for case in cases for name in "ab"]
    specs = [AdapterSpec(name, name, "python") for name in "ab"]
    empty = recorded_file(tmp_path / "empty.sqlite", missing=[FIRST])
    with Results.open(recorded_file(tmp_path / "r.sqlite", *outcomes)) as record, Results.open(empty) as nothing:

        def compare(
            plan: Plan, *keys: tuple[str, Case], shard: str | None = None, record: Results = record
        ) -> str:
            collected = [(name, str(case)) for name, case in keys] or None
            return relation(record, plan, shard=shard, collected=collected)

        whole = make_plan(specs, cases)
        assert compare(whole) == "same"
        assert compare(whole, ("a", cases[1])) == "part"
        assert compare(whole, shard="1/2") == "different"
        assert compare(make_plan(specs[:1], cases)) == "different"
        assert compare(make_plan(specs, cases[:1])) == "different"
        assert compare(whole, ("a", Case.parse("1d-i9-k3"))) == "different"
        assert compare(whole, record=nothing) == "same", "it has no outcome to lose"


def test_a_part_of_the_selection_runs_again_within_the_record(finished: Path) -> None:
    before = (finished / "results.sqlite").read_bytes()
    done = conformance(*run_into(finished, "--", "-k", "2d", "--no-report"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "running 1 case" in done.stdout
    assert statuses(finished) == dict.fromkeys(HEALTHY, "pass")
    (earlier,) = (finished / "earlier").iterdir()
    assert str(earlier) in done.stdout
    assert earlier.read_bytes() == before
    with Results.open(earlier) as old, Results.open(finished / "results.sqlite") as new:
        assert old.meta()["run_id"] != new.meta()["run_id"]


def test_nothing_to_resume_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = run_into(tmp_path / "none", "--resume")
    for given in (arguments, [word for word in arguments if word not in ("--out", str(tmp_path / "none"))]):
        with pytest.raises(SystemExit, match="2"):
            main(given)
        error = capsys.readouterr().err
        assert "there is no run to resume in" in error
        assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_run_without_a_folder_gets_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = conformance("run", "--adapter", toy("Slow"), "--case", HEALTHY[0], cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    latest = tmp_path / "conformance-out" / "latest"
    first = latest.resolve()
    assert first.parent == latest.parent
    assert {path.name for path in first.iterdir()} >= {"results.sqlite", "report", "summary.md", "junit.xml"}
    monkeypatch.chdir(tmp_path)
    for name in ("created", "not created"):  # a run of which nothing came leaves no folder
        folder = Folder(None)
        if name == "created":
            folder.create().close()
            assert latest.resolve() == folder.path.resolve() != first
        folder.close()
        assert folder.path.exists() == (name == "created")
    folder = Folder(None, resume=True)
    assert folder.path.resolve() == latest.resolve()
    folder.close()


def _has(path: Path, count: int) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM outcomes").fetchone()[0]) >= count
    except sqlite3.Error:
        return False


def test_a_killed_run_leaves_the_record_and_is_resumed(finished: Path, tmp_path: Path) -> None:
    before = contents(finished)
    with Results.open(finished / "results.sqlite") as results:
        run_id = results.meta()["run_id"]
    go, draft = tmp_path / "go", finished / "unfinished.sqlite"
    arguments = run_into(finished, "--overwrite", adapter="Waits")
    process = start(*arguments, env={"GO": str(go), "CALLS": str(tmp_path / "calls")})
    wait_for(lambda: _has(draft, 0) and (tmp_path / "calls").exists())
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    left = contents(finished)
    assert {name: left[name] for name in before} == before
    go.touch()
    done = conformance(*arguments, "--resume", env={"GO": str(go), "CALLS": str(tmp_path / "calls")})
    assert done.returncode == 0, done.stdout + done.stderr
    assert not draft.exists()
    with Results.open(finished / "results.sqlite") as results:
        assert results.meta()["run_id"] != run_id
    assert [path.read_bytes() for path in (finished / "earlier").iterdir()] == [before["results.sqlite"]]


def test_a_merge_keeps_what_was_there(tmp_path: Path) -> None:
    one, two = (recorded_file(tmp_path / f"{name}.sqlite", missing=[name]) for name in (FIRST, SECOND))
    target = tmp_path / "all.sqlite"
    assert merge([one], target).earlier is None
    before = target.read_bytes()
    earlier = merge([one, two], target).earlier
    assert earlier is not None
    assert earlier.read_bytes() == before


def test_a_new_table_of_ports_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "ports.sqlite"
    case = Case.parse(FIRST)
    with PortsRecord(path) as record:
        record.add("a", case, Ported("direct"))
    with PortsRecord(path, resume=True) as record:
        assert record.ports("a")
    with PortsRecord(path) as record:
        assert not record.ports("a")
    (earlier,) = (tmp_path / "earlier").iterdir()
    with PortsRecord(earlier, resume=True) as record:
        assert record.ports("a") == {case: Ported("direct")}


def test_records_of_one_second_get_different_names(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    path.write_text("x")
    assert len({keep_earlier(path) for _ in range(3)}) == 3
