"""The GitHub action: its steps are run here as they are written, with what GitHub would set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import toy

yaml = pytest.importorskip("yaml", reason="reads the action's steps")
ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


def step(marker: str) -> dict[str, str]:
    (found,) = [step for step in ACTION["runs"]["steps"] if marker in step.get("run", "")]
    return dict(found)


@pytest.mark.parametrize("more", [{}, {"EXPECTATIONS": "expectations", "SHARD": "1/1", "PYTHON": sys.executable}])
def test_the_run_step_calls_the_command_line_as_it_is(tmp_path: Path, more: dict[str, str]) -> None:
    found = step("arguments=(")
    inputs = {name: ACTION["inputs"].get(name.lower(), {}).get("default", "") for name in found["env"]}
    command = tmp_path / "conformance"
    command.write_text(
        f'#!/bin/sh\nexec {sys.executable} -m conformance "$@" --where "rank = 1 and case_id like \'%f64%\'"'
    )
    command.chmod(0o755)
    (tmp_path / "expectations").mkdir()
    env = {**os.environ, **inputs, "CONFORMANCE": str(command), "ADAPTER": toy("Right"), "TIER": "smoke",
           "WORKERS": "0", "PYTHONPATH": str(ROOT), **more}  # fmt: skip
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", found["run"]],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "conformance-out" / "results.sqlite").is_file()


def test_inputs_reach_the_shell_as_values_never_as_text_of_the_script() -> None:
    for found in ACTION["runs"]["steps"]:
        assert "${{" not in found.get("run", "")


def test_every_input_is_used() -> None:
    text = (ROOT / "action.yml").read_text("utf-8")
    for name in ACTION["inputs"]:
        assert f"inputs.{name}" in text
