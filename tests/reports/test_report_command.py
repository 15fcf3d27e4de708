"""``conformance report`` from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases import Case
from conformance.cli import main
from reports.outcome import Outcome
from tests.reports.recorded import FIRST, HOSTILE, record


def _run(*arguments: str) -> int:
    try:
        main(["report", *arguments])
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "results.sqlite"
    record(path).close()
    return path


def test_writes_the_page_beside_the_record(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(recorded)) == 0
    page = Path(capsys.readouterr().out.strip())
    assert page == recorded.parent / "report" / "index.html"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_text_says_first_what_is_wrong(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(recorded), "--text") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("3 discrepancies in 1 of 3 adapters (wrong 3)")
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
    ):
        assert _run(*arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("conformance: ")
        assert error.count("\n") == 1


def test_two_runs_compared_are_a_page_of_the_same_kind(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = tmp_path / "newer.sqlite"
    with record(newer) as results:
        results.record(Outcome(str(Case.parse(FIRST)), "right", "crash", detail="SIGSEGV"))
    with pytest.raises(SystemExit) as stop:
        main(["diff", str(recorded), str(newer), "--html", str(tmp_path / "page")])
    assert stop.value.code == 1
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "<title>Gate red: " in page
    assert "1 new" in page or "1 worse" in page
    assert capsys.readouterr().out.rstrip().endswith("index.html")
