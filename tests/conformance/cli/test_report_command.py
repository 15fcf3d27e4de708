"""``conformance report`` from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.cli import main
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results
from tests.support.records import FIRST, HOSTILE, hostile_run


def _run(*arguments: str) -> int:
    try:
        main(["report", *arguments])
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "results.sqlite"
    hostile_run(path).close()
    return path


def test_writes_the_page_beside_the_record(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(recorded)) == 0
    page = Path(capsys.readouterr().out.strip())
    assert page == recorded.parent / "report" / "index.html"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_folder_means_the_record_in_it(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recorded.parent / "runs").mkdir()
    (recorded.parent / "runs" / "latest").symlink_to(recorded.parent, target_is_directory=True)
    for folder in (recorded.parent, recorded.parent / "runs"):
        assert _run(str(folder), "--badge") == 0
        assert "transposed convolutions" in capsys.readouterr().out
    assert _run(str(recorded.parent / "report")) == 2


def test_text_says_first_what_is_wrong(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(recorded), "--text") == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == "Gate red: 1 missing, 3 new in wrong and file.py:Odd name."
    assert printed.splitlines()[1].startswith("3 discrepancies in 1 of 3 adapters (wrong 3)")
    assert "2 cases: 2 new" in printed
    assert "shifted by 1 along H" in printed
    assert not (recorded.parent / "report").exists()


def test_bad_input_is_one_line(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.sqlite"
    other.write_text(HOSTILE)
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    for arguments in (
        (str(tmp_path / "none"),),
        (str(other),),
        (str(recorded), "--out", str(in_the_way / "x")),
        (str(recorded), "--history", str(other)),
        (str(recorded), "--baseline", str(other)),
        (str(recorded), "--expectations", str(tmp_path / "none")),
    ):
        assert _run(*arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("conformance: ")
        assert error.count("\n") == 1


def test_two_runs_compared_are_a_page_of_the_same_kind(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = tmp_path / "newer.sqlite"
    with hostile_run(newer) as results:
        results.record(Outcome(str(Case.parse(FIRST)), "right", "crash", detail="SIGSEGV"))
    with pytest.raises(SystemExit) as stop:
        main(["diff", str(recorded), str(newer), "--html", str(tmp_path / "page")])
    assert stop.value.code == 1
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "<title>Gate red: " in page
    assert "1 new" in page or "1 worse" in page
    assert capsys.readouterr().out.rstrip().endswith("index.html")


ENTRY = """[[expectation]]
finding = "shifted-by-one"
where = "kernel_max > 1"
kind = ["values", "crash"]
reason = "the output is shifted"
upstream = "https://example.org/issues/1"
versions = { framework = ">=1" }
"""


def _expecting(recorded: Path) -> Path:
    folder = recorded.parent / "expected"
    folder.mkdir()
    (folder / "wrong.toml").write_text(ENTRY, encoding="utf-8")
    with Results.open(recorded, write=True) as results:
        results.set_meta("environments", {"wrong": {"versions": {"framework": "2.0"}}})
    return folder


def test_judges_by_expectations_as_a_run_does(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _expecting(recorded)
    assert _run(str(recorded), "--text", "--expectations", str(folder)) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Gate red: 1 missing in file.py:Odd name (3 known).")
    assert "2 cases: 2 known" in printed
    assert _run(str(recorded), "--text", "--expectations", "none") == 0
    assert "2 cases: 2 new" in capsys.readouterr().out
    assert _run(str(recorded), "--expectations", str(folder)) == 0
    page = Path(capsys.readouterr().out.strip()).read_text(encoding="utf-8")
    assert "<title>Gate red: 1 missing in file.py:Odd name (3 known).</title>" in page
    assert "known in framework &gt;=1" in page
    assert '<a href="https://example.org/issues/1" rel="noreferrer noopener">' in page


def test_judges_by_an_earlier_run(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = tmp_path / "earlier.sqlite"
    with hostile_run(earlier) as results:
        results.record(Outcome(str(Case.parse(FIRST)), "wrong", "pass", profile="exact", budget=0.0))
    folder = _expecting(recorded)
    assert _run(str(recorded), "--expectations", str(folder), "--baseline", str(earlier)) == 0
    page = Path(capsys.readouterr().out.strip()).read_text(encoding="utf-8")
    assert "before: pass" in page, "since when: it was right then"
    assert page.count("known in framework &gt;=1") == 1, "the crash was there before, as expected"
    assert _run(str(recorded), "--text", "--baseline", str(earlier)) == 0
    assert capsys.readouterr().out.startswith(
        "Gate red: 1 missing, 1 new in file.py:Odd name and wrong (2 known)."
    )


def test_shards_together_are_judged_on_their_page_too(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _expecting(recorded)
    arguments = ["merge", str(recorded), "--out", str(recorded.parent / "all" / "results.sqlite"), "--report"]
    with pytest.raises(SystemExit):
        main([*arguments, "--expectations", str(folder)])
    page = (recorded.parent / "all" / "report" / "index.html").read_text(encoding="utf-8")
    assert "<title>Gate red: 1 missing in file.py:Odd name (3 known).</title>" in page
