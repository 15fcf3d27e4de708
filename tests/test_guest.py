"""The suite beside other people's code: projects with packages of the same names, and their own pytest options."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from conformance.adapters.old_names import importable
from conformance.adapters.registry import UnknownAdapter, load
from conformance.cases import Case

ROOT = Path(__file__).parents[1]
CASE = "1d-i3-k2"

# An adapter of somebody whose project has packages called as ours once were.
ADAPTER = """
import cases, reports
from conformance.adapters.base import Adapter, Program

assert cases.OWNER == reports.OWNER == "them"

class Theirs(Adapter):
    name, packages, documentation = "theirs", ("numpy",), "https://example.org"

    def program(self, case):
        return Program((), ("y = np.convolve(x[0, 0], w[0, 0])[None, None]",))
"""
OLD_ADAPTER = """
from adapters.base import Adapter, Limit, Program
from adapters.padding import slices
from cases import Case, DomainError

class Old(Adapter):
    name, packages, documentation = "old", ("numpy",), "https://example.org"
"""
CONFTEST = """
def pytest_addoption(parser):
    for name in ("--device", "--tier", "--case", "--out", "--shard", "--resume"):
        parser.addoption(name)
"""
THEIR_TEST = """
import cases, reports

def test_mine(request):
    assert cases.OWNER == reports.OWNER == "them"
    assert request.config.getoption("--device") == "phone"
"""


def python(path: Path | str, *words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    return subprocess.run([path, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with packages of its own that have our folders' names, and options of its own."""
    folder = tmp_path / "project"
    for name in ("cases", "reports", "adapters"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text('OWNER = "them"\n')
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_theirs.py").write_text(THEIR_TEST)
    (folder / "theirs.py").write_text(ADAPTER)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment in which the suite is installed from a wheel, beside what it needs."""
    pytest.importorskip("setuptools", "77", reason="needed to build the wheel")
    folder = tmp_path_factory.mktemp("installed")
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tops = {name.partition("/")[0] for name in names.splitlines()} - {"tests", "benchmarks"}
    for name in tops:
        source, target = ROOT / name, folder / "source" / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    done = python(sys.executable, "-c", build, str(folder), cwd=folder / "source")
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return environment(folder / "venv", wheel)


def environment(folder: Path, wheel: Path | None = None) -> Path:
    """An environment with what the suite needs, taken from this one, and a wheel."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for distribution in required("conv-transpose-conformance"):
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            (packages / top).symlink_to(str(distribution.locate_file(top)))
    if wheel is not None:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    return folder / "bin" / "python"


def required(name: str) -> list[metadata.Distribution]:
    """What a distribution requires without extras, and what that requires."""
    found: dict[str, metadata.Distribution] = {}
    names = [name]
    while names:
        for text in metadata.distribution(names.pop()).requires or ():
            requirement = Requirement(text)
            needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if needed and requirement.name not in found:
                found[requirement.name] = metadata.distribution(requirement.name)
                names.append(requirement.name)
    return list(found.values())


def test_a_wheel_installs_one_package(installed: Path, tmp_path: Path) -> None:
    code = (
        "from importlib.metadata import distribution as d; "
        "print(d('conv-transpose-conformance').read_text('top_level.txt'))"
    )
    assert python(installed, "-c", code, cwd=tmp_path).stdout.split() == ["conformance"]
    for name in ("adapters", "cases", "reports"):
        assert "ModuleNotFoundError" in python(installed, "-c", f"import {name}", cwd=tmp_path).stderr


def test_the_installed_suite_leaves_other_runs_of_pytest_alone(installed: Path, project: Path) -> None:
    done = python(installed, "-m", "pytest", "--device", "phone", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_runs_beside_options_of_the_same_names(installed: Path, project: Path) -> None:
    done = python(
        installed, "-m", "pytest", "--pyargs", "conformance.contract", "--adapter", "theirs.py:Theirs",
        "-k", "declares or process", cwd=project,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_suite_runs_under_plain_pytest_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    adapter = f"{ROOT / 'examples' / 'numpy_backend.py'}:NumpyBackend"
    done = python(
        installed, "-m", "pytest", "--pyargs", "conformance.suite", "-n", "1", "--no-report",
        "--adapter", adapter, "--case", CASE,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "conformance-out" / "latest" / "results.sqlite").is_file()


@pytest.mark.parametrize("from_checkout", [False, True])
def test_the_command_runs_in_a_folder_with_packages_of_the_same_names(
    request: pytest.FixtureRequest, project: Path, from_checkout: bool
) -> None:
    interpreter = sys.executable if from_checkout else request.getfixturevalue("installed")
    variables = {"PYTHONPATH": str(ROOT)} if from_checkout else {}
    words = ("-m", "conformance", "run", "--adapter", "theirs.py:Theirs", "--case", CASE)
    done = python(interpreter, *words, cwd=project, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 pass" in done.stdout


def test_an_adapter_in_a_foreign_environment_has_its_own_packages(tmp_path: Path, project: Path) -> None:
    interpreter = environment(tmp_path / "foreign")
    (packages,) = (tmp_path / "foreign").glob("lib/python*/site-packages")
    for name in ("cases", "reports", "adapters"):
        shutil.move(project / name, packages / name)
    command = ("-m", "conformance", "check", CASE, "--json", "--adapter", f"theirs.py:Theirs@{interpreter}")
    done = python(sys.executable, *command, cwd=project, PYTHONPATH=str(ROOT))
    assert '"status": "pass"' in done.stdout, done.stdout + done.stderr


def test_an_adapter_may_import_the_old_names(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text(OLD_ADAPTER)
    with pytest.warns(DeprecationWarning, match=r"'(adapters|cases)' is 'conformance\.\1' now"):
        kind = load(f"{path}:Old")
    assert kind.name == "old"
    assert sys.modules["cases"].Case is Case


def test_packages_of_the_old_names_that_are_somebody_elses_stay_theirs(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(project)
    for name in [n for n in sys.modules if n.partition(".")[0] in ("adapters", "cases")]:
        monkeypatch.delitem(sys.modules, name)
    with importable():
        assert importlib.import_module("cases").OWNER == "them"
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("adapters.base")
    (project / "old.py").write_text(OLD_ADAPTER)
    with pytest.raises(UnknownAdapter, match=r"No module named 'adapters\.base'"):
        load(f"{project / 'old.py'}:Old")
