"""An adapter whose framework is missing is started once, and the command ends with one line."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import click
import pytest

from conformance.adapters.installation import missing_packages, missing_text
from conformance.adapters.registry import AdapterSpec, resolve
from conformance.cli.common import require_startable
from tests.support.adapters.right import Right

ADAPTERS = '''
import os
from pathlib import Path

from conformance.adapters.base import Adapter, Program

class Absent(Adapter):
    """Its framework is not installed."""

    packages = ("no-such-framework",)

    def __init__(self):
        with open(Path(__file__).with_name("starts"), "a") as file:
            file.write("x")
        import no_such_framework

    def program(self, case):
        return Program((), ("y = x",))

class WithoutMetadata(Absent):
    """Its framework can be imported, as one that was built in place can."""

    def __init__(self):
        Adapter.__init__(self)
'''


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    path = tmp_path / "adapters.py"
    path.write_text(ADAPTERS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter without any package."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    return str(folder / "bin" / "python")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "conformance", *arguments], capture_output=True, text=True)


def test_a_run_ends_before_it_writes_anything(adapters: Path, tmp_path: Path) -> None:
    done = run("run", "--adapter", f"{adapters}:Absent", "--tier", "smoke", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "No module named 'no_such_framework'" in line
    assert line.endswith("no-such-framework not installed: pip install no-such-framework")
    assert not (tmp_path / "out").exists()


def test_it_is_started_once(adapters: Path) -> None:
    with pytest.raises(click.UsageError, match="no-such-framework not installed"):
        require_startable([resolve(f"{adapters}:Absent"), resolve(f"{adapters}:Absent")])
    assert adapters.with_name("starts").read_text() == "x"


def test_a_framework_without_metadata_runs(adapters: Path) -> None:
    spec = resolve(f"{adapters}:WithoutMetadata")
    assert missing_packages(spec) == ["no-such-framework"]
    require_startable([spec])


def test_a_different_interpreter_reports_what_it_has(bare_python: str) -> None:
    spec = AdapterSpec("toy", f"{Right.__module__}:Right", bare_python)
    missing = missing_packages(spec)
    assert missing is not None
    assert "numpy" in missing
    assert (
        missing_text(spec)
        == f"{', '.join(missing)} not installed: {bare_python} -m pip install {' '.join(missing)}"
    )


def test_what_is_no_interpreter_is_named() -> None:
    spec = AdapterSpec("toy", f"{Right.__module__}:Right", "/bin/ls")
    assert missing_packages(spec) is None
    assert missing_text(spec) == "/bin/ls runs no Python code"


def test_nothing_is_missing_where_the_adapter_runs() -> None:
    spec = AdapterSpec("toy", f"{Right.__module__}:Right", sys.executable)
    assert missing_packages(spec) == []
    assert missing_text(spec) == ""
