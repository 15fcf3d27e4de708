"""What a command does while it takes long: a spinner on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from conformance.runner import activity
from conformance.runner.activity import Activity
from tests.support.command import ROOT, wait_for


def test_plain_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(activity, "_QUICK_SECONDS", 0.0)
    printed: list[str] = []

    def has(text: str) -> bool:
        printed.append(capfd.readouterr().err)
        return text in "".join(printed)

    with Activity("running the case") as say:
        wait_for(lambda: has("running the case …\n"))
        say("writing the report")
        wait_for(lambda: has("writing the report …\n"))
    with Activity("unheard", quiet=True):
        time.sleep(0.05)
    assert "unheard" not in capfd.readouterr().err


def test_what_is_quick_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with Activity("quick") as say:
        say("quicker")
    assert capfd.readouterr() == ("", "")


def test_a_spinner_on_a_terminal_leaves_standard_output_alone() -> None:
    code = (
        "import time\n"
        "from conformance.runner import activity\n"
        "activity._QUICK_SECONDS = 0\n"
        "with activity.Activity('running the case') as say:\n"
        "    while say._spinner is None: time.sleep(0.01)\n"
        "print('result')\n"
    )
    terminal, other = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=other, cwd=ROOT, text=True, timeout=120,
            env={**os.environ, "TERM": "xterm"}, check=True,
        )  # fmt: skip
        shown = os.read(terminal, 10_000).decode()
    finally:
        os.close(terminal)
        os.close(other)
    assert done.stdout == "result\n"
    assert "running the case" in shown
