"""The contract test passes for the example and says what is wrong with a wrong adapter."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.command import ROOT, toy


def contract(adapter: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "conformance.contract"]
    command += ["-p", "conformance.plugin", *(["--adapter", adapter] if adapter else [])]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_example_fulfils_it() -> None:
    done = contract("examples/numpy_backend.py:NumpyBackend")
    assert done.returncode == 0, done.stdout


def test_the_example_is_short() -> None:
    assert len((ROOT / "examples" / "numpy_backend.py").read_text().splitlines()) <= 60


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        (toy("Flipped"), "fail values"),
        (toy("CannotImport"), "no_such_framework"),
        (toy("Aborts"), "SIGABRT"),
    ],
)
def test_a_wrong_adapter_is_reported(adapter: str, said: str) -> None:
    done = contract(adapter)
    assert done.returncode == 1
    assert said in done.stdout


@pytest.mark.parametrize(("adapter", "said"), [("", "give the adapter to test"), ("nothing", "unknown adapter")])
def test_wrong_usage(adapter: str, said: str) -> None:
    done = contract(adapter)
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
