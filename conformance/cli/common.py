"""Options and helpers that several commands share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from adapters.devices import DEVICES, present
from adapters.registry import AdapterSpec, UnknownAdapter, expand, load, resolve
from cases import Case, CaseError
from conformance.bound import TIGHTEST_FIRST
from conformance.selection import expectation_folders
from reports.expectations import load_all
from reports.gate import Gate, assess
from reports.gate_text import headline, lines
from reports.github import tell_github
from reports.store import Results

__all__ = [
    "CASE",
    "adapter_option",
    "assess_record",
    "dask_option",
    "device_option",
    "expectations_option",
    "print_gate",
    "resolve_adapters",
]

_MOST_LINES = 20
_MOST_CHARACTERS = 300


class _CaseType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """A case id, full or short."""

    name = "case"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Case:
        if isinstance(value, Case):
            return value
        try:
            return Case.parse(value)
        except CaseError as error:
            raise click.UsageError(f"bad case id: {error}") from None


CASE = _CaseType()

adapter_option = click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="NAME",
    help="An adapter, a pattern such as 'torch*', file.py:Class, or NAME@/path/to/python; may be repeated. "
    "Default: one or two interfaces of each framework that is installed; '*' for every one.",
)


device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="cpu",
    help="Where to compute; on cuda an adapter stands for its variants there, with TF32 and without.",
)


dask_option = click.option(
    "--dask",
    metavar="ADDRESS",
    help="Ask on the workers of a Dask cluster, such as tcp://scheduler:8786; they need the same suite.",
)


def resolve_adapters(names: Sequence[str], device: str = "cpu") -> list[AdapterSpec]:
    """The adapters asked for, or the everyday ones, for a device.

    Raises
    ------
    click.UsageError
        An unknown name, none is installed, or the device is not there.
    """
    try:
        specs = [resolve(name) for name in expand(names, device)] if present(device) else []
        needed = {device, *(load(spec.target).device for spec in specs if not spec.foreign)}
    except UnknownAdapter as error:
        raise click.UsageError(str(error)) from None
    for missing in sorted(name for name in needed if not present(name)):
        raise click.UsageError(f"there is no {missing} device here: its driver finds none")
    if not specs:
        raise click.UsageError("no framework is installed; install one, such as torch, or give --adapter")
    return specs


expectations_option = click.option(
    "--expectations",
    multiple=True,
    metavar="DIR",
    help="Folder of known discrepancies; may be repeated. 'builtin' (default): the suite's own; 'none': none.",
)


def assess_record(record: Results, folders: Sequence[str], baseline: Results | None = None) -> Gate:
    """The gate of a recorded run; raises ExpectationError for a malformed file."""
    adapters = sorted({adapter for adapter, _ in record.questions()})
    return assess(record, load_all(adapters, expectation_folders(folders)), baseline, TIGHTEST_FIRST)


def print_gate(gate: Gate, cases: Mapping[str, dict[str, Any]], *, summary: Path | None = None) -> None:
    """Print what is news, worst first, also where GitHub Actions shows it."""
    found = lines(gate, cases)
    click.echo(headline(gate))
    for line in found[:_MOST_LINES]:
        click.echo(f"  {line.standing}: {line.text[:_MOST_CHARACTERS]}")
    if len(found) > _MOST_LINES:
        click.echo(f"  … and {len(found) - _MOST_LINES} more, in the report")
    tell_github(summary, found)
