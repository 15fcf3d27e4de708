"""The options of a run: one declaration for the command line, for pytest and for the code."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from _pytest.config import get_config

from conformance.cli.run import command
from conformance.runner.options import RunOptions, declaration_of

ANOTHER: dict[type, Any] = {
    bool: True,
    tuple: ("a b", "c=d"),
    float: 2.5,
    int: 3,
    str: "text",
}


def read_by_pytest(arguments: list[str]) -> RunOptions:
    config = get_config()
    config.parse([*arguments, "--disable-plugin-autoload", "-p", "conformance.plugin", "-c", "/dev/null"])
    return RunOptions.of(config)


def read_by_command(arguments: list[str]) -> RunOptions:
    values = command.make_context("run", arguments).params
    return RunOptions(**{name: value for name, value in values.items() if name != "pytest_args"})


def test_the_defaults_are_those_of_the_command_and_of_pytest() -> None:
    assert read_by_command([]) == RunOptions()
    assert read_by_pytest([]) == RunOptions()


@pytest.mark.parametrize("item", fields(RunOptions), ids=lambda item: item.name)
def test_pytest_reads_back_what_it_is_given(item: Any) -> None:
    value: Any = Path("folder") if declaration_of(item).folder else ANOTHER.get(type(item.default), "text")
    options = RunOptions(**{item.name: value})
    assert options != RunOptions()
    passed = bool(declaration_of(item).pytest_flag)
    assert read_by_pytest(options.pytest_arguments()) == (options if passed else RunOptions())


def test_the_command_has_every_option_with_its_help() -> None:
    shown = {param.name: param for param in command.params if isinstance(param, click.Option)}
    for item in fields(RunOptions):
        declaration = declaration_of(item)
        if declaration.flags:
            assert set(declaration.flags) == set(shown[item.name].opts)
            assert shown[item.name].help == declaration.help
        else:
            assert item.name not in shown


def test_the_command_reads_each_type() -> None:
    arguments = ["--adapter", "a", "--adapter", "b", "-n", "auto", "--resume", "--timeout", "2", "--out", "folder"]
    assert read_by_command(arguments) == RunOptions(
        adapters=("a", "b"), workers="auto", resume=True, timeout=2.0, out=Path("folder")
    )
    for wrong in (["--device", "tpu"], ["--timeout", "0"], ["--timeout", "x"]):
        with pytest.raises(click.BadParameter):
            read_by_command(wrong)
