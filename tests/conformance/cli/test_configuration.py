"""The configuration file of a project, and what a shell completes: both from the declaration of the options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from conformance.cli import main
from conformance.cli.adapters import command as adapters_command
from conformance.cli.check import command as check_command
from conformance.cli.configuration import settings
from conformance.cli.run import command as run_command
from tests.support.command import conformance

TEXT = """adapters = ["torch", "jax-lax"]
machines = ["native", "avx2"]
tier = "gate"
expectations = ["builtin", "known"]
out = "results"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below that of the file, and the current one."""
    (tmp_path / "conformance.toml").write_text(TEXT)
    folder = tmp_path / "below"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return tmp_path


def values(command: click.Command, *arguments: str) -> dict[str, Any]:
    return command.make_context("command", list(arguments)).params


def test_a_run_takes_its_defaults_from_the_file(project: Path) -> None:
    found = values(run_command)
    assert found["adapters"] == ("torch", "jax-lax")
    assert found["machines"] == ("native", "avx2")
    assert found["tier"] == "gate"
    assert found["expectations"] == ("builtin", str(project / "known"))
    assert found["out"] == project / "results"
    assert values(check_command, "1d-i5-k3")["adapters"] == ("torch", "jax-lax")


def test_the_command_line_comes_first(project: Path) -> None:
    found = values(run_command, "--adapter", "mlx", "--out", "here", "--tier", "smoke")
    assert (found["adapters"], found["out"], found["tier"]) == (("mlx",), Path("here"), "smoke")
    assert values(adapters_command)["adapters"] == (), "it lists all adapters"


def test_the_table_of_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.conformance]\ntier = 'full'\n")
    assert settings(tmp_path) == {"tier": "full"}
    below = tmp_path / "below"
    below.mkdir()
    (below / "pyproject.toml").write_text("[project]\nname = 'another'\n")
    assert settings(below) == {"tier": "full"}
    nearer = below / "nearer"
    nearer.mkdir()
    (nearer / "conformance.toml").write_text("")
    assert settings(nearer) == {}


@pytest.mark.parametrize(("text", "said"), [
    ("adaptors = []", "unknown setting 'adaptors' (did you mean 'adapters'?)"),
    ("adapters = 'torch'", "adapters is not a list of texts"),
    ("tier = 3", "tier is not a text"),
    ("tier =", "conformance.toml: "),
])  # fmt: skip
def test_a_wrong_file_is_one_line(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conformance.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main(["run"])
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(("words", "completed"), [
    ("conformance run --adapter jax-lax-v", {"jax-lax-vmap"}),
    ("conformance check --machine one-", {"one-thread"}),
    ("conformance run --tier sm", {"smoke"}),
    ("conformance his", {"history"}),
])  # fmt: skip
def test_a_shell_completes_names(words: str, completed: set[str]) -> None:
    env = {"_CONFORMANCE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    printed = conformance(env=env).stdout.split()
    assert {line.partition(",")[2] for line in printed} == completed


def test_the_version_with_those_of_the_adapters(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version", "-v"])
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("conformance, version ")
    names = {line.partition(": ")[0] for line in lines}
    assert {"torch", "onnxruntime", "jax-lax"} <= names
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"{first}\n"
