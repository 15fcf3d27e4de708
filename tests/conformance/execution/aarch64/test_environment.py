"""The built aarch64 environment as an adapter's interpreter, where ``tox run -e aarch64`` has built it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from conformance.adapters.environment import describe
from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import resolve
from conformance.cases.case import Case
from conformance.execution.aarch64 import build
from conformance.execution.check import check

_ROOT = Path(__file__).resolve().parents[4]
FOLDER = Path(os.environ.get("CONFORMANCE_AARCH64") or _ROOT / ".tox/aarch64/emulated")
PYTHON = FOLDER / "bin/python"

pytestmark = [
    pytest.mark.skipif(
        not (FOLDER / "requirements.txt").is_file(),
        reason="not built: the aarch64 environment (tox run -e aarch64)",
    ),
    pytest.mark.skipif(
        not (shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")),
        reason="not installed: qemu-user-static",
    ),
]


def _said(program: str) -> str:
    return subprocess.run([str(PYTHON), "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_record_says_which_machine_it_was() -> None:
    with AdapterProcess(resolve(f"onnxruntime@{PYTHON}"), ProcessLimits(start=600)) as host:
        assert host.start() is None
        environment = host.environment
    assert "aarch64" in environment["platform"]
    assert environment["cpu"].endswith("emulated by QEMU")
    assert "asimd" in environment["cpu_flags"]
    assert not any(flag.startswith(("avx", "sse")) for flag in environment["cpu_flags"])
    if platform.machine() != "aarch64":
        assert "aarch64" not in describe([])["platform"], "the native column is the native one"


def test_numpy_finds_the_processor_that_the_files_describe() -> None:
    program = (
        "import json; from numpy._core._multiarray_umath import __cpu_features__ as f; "
        "print(json.dumps([sorted(k for k, v in f.items() if v), open('/proc/cpuinfo').read()]))"
    )
    measured, cpuinfo = json.loads(_said(program))
    listed = next(line for line in cpuinfo.splitlines() if line.startswith("Features")).split()
    assert ("ASIMD" in measured) == ("asimd" in listed)
    assert ("ASIMDHP" in measured) == ("asimdhp" in listed)
    assert ("SVE" in measured) == ("sve" in listed)


def test_a_child_that_python_starts_by_its_own_name_is_emulated_too() -> None:
    child = "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', {!r}], text=True))"
    assert _said(child.format("import platform; print(platform.machine())")) == "aarch64"


def test_a_second_build_keeps_what_is_there() -> None:
    lines = (FOLDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    said: list[str] = []
    assert build(FOLDER, requirements=lines, say=said.append) == PYTHON.resolve()
    assert said == []


def test_its_outputs_are_judged_like_any_others() -> None:
    case = Case.parse("2d-n2-c4x6-i5x7-k3x3-s2x1-d1x2-p1x0-f32-b1-ints.0-fwd")
    assert check(case, adapter=f"onnxruntime@{PYTHON}").status == "pass"
