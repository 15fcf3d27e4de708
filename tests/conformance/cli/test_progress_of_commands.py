"""Commands that read whole records say what they do where that takes long, and nothing with --quiet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.cli import main
from conformance.reports.record.outcome import Outcome
from tests.support.records import recorded_file

FIRST = str(Case.parse("1d-i5-k3"))
COMMANDS = {
    "diff": (["{old}", "{new}", "--html", "{folder}/page"], ["comparing the two runs", "writing the page"]),
    "accept": (
        ["{new}", "--reason", "known", "--expectations", "{folder}", "--dry-run"],
        ["looking for what is new", "looking for the conditions of what is new"],
    ),
    "history": (["{folder}/history.sqlite", "--add", "{new}"], ["adding ", "looking for what changed"]),
    "sizes": (
        ["--input", "3", "--output", "8", "--kernel", "3"],
        ["looking for arguments", "looking for the nearest possible sizes"],
    ),
}


class _Immediate:
    """A timer whose time is up at once."""

    daemon = False

    def __init__(self, seconds: float, then: Callable[[], None]) -> None:
        self.start = then

    def cancel(self) -> None:
        pass


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_takes_long_says_what_it_does(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("conformance.runner.activity.threading.Timer", _Immediate)
    paths = {
        "old": recorded_file(tmp_path / "old.sqlite", Outcome(FIRST, "a", "pass", digest="1")),
        "new": recorded_file(tmp_path / "new.sqlite", Outcome(FIRST, "a", "fail", "values", digest="2")),
        "folder": tmp_path,
    }
    arguments, texts = COMMANDS[command]
    words = [command, *(word.format(**paths) for word in arguments)]
    with pytest.raises(SystemExit):
        main(words)
    said = capsys.readouterr().err
    assert all(text in said for text in texts)
    with pytest.raises(SystemExit):
        main([*words, "--quiet"])
    assert "…" not in capsys.readouterr().err


def test_a_table_has_no_blanks_at_the_ends_of_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sizes", *COMMANDS["sizes"][0]])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5
    assert [line for line in lines if line != line.rstrip()] == []
