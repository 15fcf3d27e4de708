"""Options of the commands, those of a run from `RunOptions`.

Quick to import: `run` starts an adapter's process before it loads more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.cli.completion import completer
from conformance.cli.configuration import ConfiguredOption
from conformance.runner.options import RunOptions, declaration_of

if TYPE_CHECKING:
    from conformance.cases import Case

__all__ = [
    "CASE",
    "RECORD",
    "adapter_option",
    "after_option",
    "at_once_option",
    "dask_option",
    "device_option",
    "expectations_option",
    "in_process_option",
    "machine_option",
    "quiet_option",
    "repeat_option",
    "run_option",
    "run_options",
    "search_options",
    "timeout_option",
]


class _CaseType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """A case id, full or short."""

    name = "case"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Case:
        from conformance.cases import Case, CaseError

        if isinstance(value, Case):
            return value
        try:
            return Case.parse(value)
        except CaseError as error:
            raise click.UsageError(f"bad case id: {error}") from None


CASE = _CaseType()


class _RecordPath(click.Path):
    """The record of a run: the file, or the folder that a run wrote it into."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(str(super().convert(value, param, ctx)))
        in_folder = (path / "results.sqlite", path / "latest" / "results.sqlite")
        return next((record for record in in_folder if record.is_file()), path)


RECORD = _RecordPath()

_FIELDS = {item.name: item for item in fields(RunOptions)}


def run_option(
    name: str, *, configured: bool = True, **settings: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """One option of a run as an option of a command.

    Parameters
    ----------
    name : str
        Its name in `RunOptions`.
    configured : bool
        Whether a project's configuration file can set it, as far as it is declared so.
    settings
        Replace what it declares.
    """
    declaration, default = declaration_of(_FIELDS[name]), _FIELDS[name].default
    declared: dict[str, Any] = {"help": declaration.help, "shell_complete": completer(name)}
    if declaration.configured and configured:
        declared["cls"] = ConfiguredOption
    if isinstance(default, bool):
        declared["is_flag"] = True
    else:
        declared |= {"default": default, "metavar": declaration.metavar, "show_default": declaration.show_default}
    if declaration.choices:
        declared["type"] = click.Choice(declaration.choices)
    elif isinstance(default, tuple):
        declared["multiple"] = True
    elif declaration.folder:
        declared["type"] = click.Path(path_type=Path)
    elif declaration.minimum is not None:
        least = declaration.minimum
        whole = isinstance(default, int)
        declared["type"] = click.IntRange(min=int(least)) if whole else click.FloatRange(min=least)
    return click.option(*declaration.flags, name, **declared | settings)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all options of a run."""
    names = [name for name, item in _FIELDS.items() if declaration_of(item).flags]
    return reduce(lambda decorated, name: run_option(name)(decorated), reversed(names), command)


adapter_option = run_option("adapters")
machine_option = run_option("machines")
device_option = run_option("device")
dask_option = run_option("dask")
expectations_option = run_option("expectations")
in_process_option = run_option("in_process")
quiet_option = run_option("quiet")
repeat_option = run_option("calls")
at_once_option = run_option("at_once")

after_option = click.option(
    "--after",
    multiple=True,
    type=CASE,
    metavar="CASE",
    help="A case that the same process runs first, as a full or short id; may be repeated, in order.",
)


def timeout_option(seconds: float = RunOptions.timeout) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option ``--timeout`` with a default."""
    return run_option("timeout", default=seconds)


def search_options(
    unit: str, *, least: float, default: float, about: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of a command that searches for a while: how long, in a unit, and how long to wait for a case."""
    duration = click.option(
        f"--{unit}",
        type=click.FloatRange(min=least),
        default=default,
        show_default=True,
        metavar=unit.upper(),
        help=f"How long to search{about}.",
    )
    return lambda command: duration(timeout_option(20.0)(quiet_option(command)))
