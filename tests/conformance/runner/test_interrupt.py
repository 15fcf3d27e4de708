"""An interrupted run says so first, and prints the command that resumes it."""

from __future__ import annotations

import os
import shlex
import signal
from pathlib import Path

import pytest

from conformance.cases import Case
from tests.support.command import conformance, start, toy, wait_for
from tests.support.records import outcomes_so_far, statuses

CASES = [str(Case.parse(f"1d-i{size}-k3")) for size in range(3, 33)]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_printed_command_resumes_the_run(tmp_path: Path, workers: str) -> None:
    out, go = tmp_path / "a folder", tmp_path / "go"
    words = [word for case_id in CASES for word in ("--case", case_id)]
    held = {"GO": str(go)}
    process = start("run", "--adapter", toy("Held"), *words, "-n", workers, "--out", str(out), env=held)
    wait_for(lambda: outcomes_so_far(out) > 1)
    os.killpg(process.pid, signal.SIGINT)
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 130, printed + errors
    done = len(CASES) - list(statuses(out).values()).count("missing")
    said = printed[printed.index("Interrupted") :].replace("\\\n", " ").splitlines()
    assert said[0] == f"Interrupted after {done} of {len(CASES)} cases. To resume:"
    assert "Traceback" not in printed + errors
    assert "missing in" not in printed
    command, *arguments = shlex.split(said[1])
    assert command == "conformance"
    go.touch()
    resumed = conformance(*arguments, env=held)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert statuses(out) == dict.fromkeys(CASES, "pass")
