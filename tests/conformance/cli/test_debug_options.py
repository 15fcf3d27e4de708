"""Looking into a run: the adapter in this process, its program, and the log."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.command import conformance, toy

CASE = "1d-i5-k3"


@pytest.fixture(scope="module")
def in_this_process() -> subprocess.CompletedProcess[str]:
    return conformance("check", CASE, "--adapter", toy("Right"), "--in-process", "--show-program", "--json", "-vv")


def test_an_adapter_in_this_process_gives_the_same_outcome(
    in_this_process: subprocess.CompletedProcess[str],
) -> None:
    alone = conformance("check", CASE, "--adapter", toy("Right"), "--json")
    (here,), (there,) = (json.loads(done.stdout)["outcomes"] for done in (in_this_process, alone))
    assert here.pop("program")
    assert "program" not in there
    assert here == there
    assert not alone.stderr


def test_the_log_names_the_start_and_every_message(in_this_process: subprocess.CompletedProcess[str]) -> None:
    kind = "answer"  # as the protocol calls it
    for text in ("start in this process", "ready", f"send {kind} 1d-", f"received {kind}"):
        assert text in in_this_process.stderr


def test_the_end_of_a_process_and_the_next_start_are_in_the_log() -> None:
    case = "1d-i5-k2"
    done = conformance("explain", case, "--adapter", toy("Aborts"), "-v")
    assert "the process ended (crash)" in done.stderr
    assert "start" in done.stderr
    assert "send " not in done.stderr


def test_only_one_adapter_of_this_environment_runs_in_this_process() -> None:
    two = conformance("check", CASE, "--adapter", toy("Right"), "--adapter", toy("Flipped"), "--in-process")
    other = conformance("check", CASE, "--adapter", toy("Right"), "--machine", "one-thread", "--in-process")
    assert two.returncode == other.returncode == 2
    assert "takes one adapter" in two.stderr
    assert "this environment" in other.stderr


def test_a_run_in_this_process_starts_no_other(tmp_path: Path) -> None:
    arguments = ("--adapter", toy("Right"), "--case", CASE, "--in-process", "-v", "--out", str(tmp_path))
    done = conformance("run", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("start in this process") == done.stderr.count(": start") == 1
    assert conformance("run", *arguments, "-n", "2").returncode == 2


def test_a_debugger_in_an_adapter_has_the_terminal(tmp_path: Path) -> None:
    module = tmp_path / "stops.py"
    module.write_text(
        "from tests.support.adapters.right import Right\n\n\n"
        "class Stops(Right):\n"
        "    def program(self, case):\n"
        "        breakpoint()\n"
        "        return super().program(case)\n"
    )
    done = conformance(
        "check", CASE, "--adapter", f"{module}:Stops", "--in-process", given="p case.rank\n" + "c\n" * 20
    )
    assert "(Pdb) 1" in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr
