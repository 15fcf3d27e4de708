"""Running a command: it stays as it is, and what it called is kept, also when it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.frameworks import requires

ECHO = """\
import os, sys
print("out", sys.argv[1:], __name__, sys.path[1:])
print("err", sys.path[0], file=sys.stderr)
sys.exit(len(sys.argv))
"""
DIES_IN_A_CALL = """\
import os, torch

class Fatal(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function.__name__ == "conv_transpose1d":
            os.abort()
        return super().__torch_function__(function, types, args, kwargs)

layer = torch.nn.ConvTranspose1d(2, 3, 3)
for size in (4, 5, 5):
    layer(torch.ones(1, 2, size))
torch.nn.functional.conv_transpose1d(torch.ones(1, 2, 6).as_subclass(Fatal), layer.weight, stride=2)
"""


def conformance(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conformance", "capture", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables}, check=False)


@pytest.mark.parametrize("how", ["script", "module", "code"])
def test_output_and_exit_code_are_the_programs_own(how: str, tmp_path: Path) -> None:
    (tmp_path / "echo_arguments.py").write_text(ECHO)
    start = {
        "script": [str(tmp_path / "echo_arguments.py")],
        "module": ["-m", "echo_arguments"],
        "code": ["-c", ECHO],
    }[how]
    arguments = [*start, "--json", "-x", "a b"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    alone = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    captured = conformance("--out", tmp_path / "calls.json", "--", "python", *arguments, PYTHONPATH=str(tmp_path))
    assert captured.stdout == alone.stdout
    assert captured.stderr == alone.stderr
    assert captured.returncode == alone.returncode == 4
    assert json.loads((tmp_path / "calls.json").read_text()) == {"calls": []}


def test_an_environments_own_sitecustomize_still_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.of_the_environment = 5\n")
    ran = conformance("--", "python", "-c", "print(of_the_environment)", PYTHONPATH=str(tmp_path))
    assert ran.stdout == "5\n"
    assert ran.stderr == "no transposed convolution was called\n"


def test_a_command_without_python_is_named() -> None:
    ran = conformance("--", "sh", "-c", "echo here; exit 3")
    assert (ran.stdout, ran.returncode) == ("here\n", 3)
    assert "started no Python" in ran.stderr


def test_a_command_that_is_not_there_is_one_line() -> None:
    ran = conformance("--", "no-such-program")
    assert ran.returncode == 2
    assert ran.stderr == "conformance: no-such-program cannot be run: No such file or directory\n"


@requires("torch")
def test_a_crash_leaves_the_calls_before_it_and_the_fatal_one_last(tmp_path: Path) -> None:
    script = tmp_path / "crashes.py"
    script.write_text(DIES_IN_A_CALL)
    ran = conformance("--json", "--python", sys.executable, "--", "python", script)
    calls = json.loads(ran.stdout)["calls"]
    assert ran.returncode == 128 + signal.SIGABRT
    assert [(call["case"].partition("-d1")[0], call["count"]) for call in calls] == [
        ("1d-n1-c2x3-i4-k3-s1", 1),
        ("1d-n1-c2x3-i5-k3-s1", 2),
        ("1d-n1-c2x3-i6-k3-s2", 1),
    ]
    assert calls[0] == {
        "api": "torch.nn.functional.conv_transpose1d",
        "case": "1d-n1-c2x3-i4-k3-s1-d1-g1-p0-opauto-cf-f32-b1-ints.0-fwd",
        "count": 1,
        "where": f"{script}:12",
        "name": None,
        "notes": [],
    }
    assert [call["notes"] for call in calls[1:]] == [[], ["the process died during this call"]]


def test_another_interpreter_needs_the_standard_library_alone() -> None:
    """The interpreter below this environment has none of its packages."""
    code = "import sys; print(sorted({'numpy', 'click', 'conformance', 'pytest'} & {*sys.modules}), sys.prefix)"
    ran = conformance("--python", sys._base_executable, "--", "python", "-c", code)  # type: ignore[attr-defined]
    assert ran.stdout == f"[] {sys.base_prefix}\n"
    assert ran.stderr == "no transposed convolution was called\n"
