"""What commands say of an adapter whose programs are not Python."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from conformance.adapters.registry import resolve
from conformance.cli.bisect import command as bisect
from conformance.cli.debug_options import require_in_process
from tests.support.command import toy


def test_it_cannot_run_in_the_process_of_a_command() -> None:
    with pytest.raises(click.UsageError, match="--in-process takes an adapter in Python"):
        require_in_process([resolve(toy("JavaScript"))])
    require_in_process([resolve(toy("Zeros"))])


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
