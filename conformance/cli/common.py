"""Steps that several commands share: find adapters, judge a record, print what is new."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.adapters.devices import present
from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.installation import missing_packages
from conformance.adapters.machines import NATIVE
from conformance.adapters.registry import AdapterSpec, UnknownAdapter, load, on_machine, resolve, split_name
from conformance.adapters.selection import expand, under_machines
from conformance.cli.next_step import say_next
from conformance.runner.notes import notes

if TYPE_CHECKING:
    from conformance.reports.gate.assess import Gate
    from conformance.reports.record.store import Results

__all__ = [
    "assess_record",
    "named_under_machines",
    "print_gate",
    "require_startable",
    "resolve_adapter",
    "resolve_adapters",
    "say_next_of",
]

_MOST_LINES = 20


def resolve_adapters(
    names: Sequence[str], device: str = "cpu", machines: Sequence[str] = (), *, quiet: bool = False
) -> list[AdapterSpec]:
    """The selected adapters, or the default ones, for a device, each under each machine profile.

    Prints a note about each pair of an adapter and a machine that it leaves out, unless it is ``quiet``.

    Raises
    ------
    click.UsageError
        A name is unknown, no adapter is installed, or the device or the machine is not available.
    """
    try:
        expanded = expand(names, device) if present(device) else []
        specs = (
            [resolve(name) for name in under_machines(expanded, machines, notes(quiet=quiet))] if expanded else []
        )
        needed = {device, *(load(spec.target).device for spec in specs if not spec.foreign)}
    except UnknownAdapter as error:
        raise click.UsageError(str(error)) from None
    for missing in sorted(name for name in needed if not present(name)):
        raise click.UsageError(f"no {missing} device here: its driver finds none")
    if not specs:
        raise click.UsageError("no framework is installed; install one, such as torch, or give --adapter")
    return specs


def named_under_machines(names: Sequence[str], machines: Sequence[str]) -> list[str]:
    """Names of adapters for a cluster, whose workers find out which adapters and machines they have.

    Raises
    ------
    click.UsageError
        A machine profile is given, but no adapter.
    """
    if machines and not names:
        raise click.UsageError("with --dask, --machine needs --adapter")
    return [
        name if split_name(name)[1] != NATIVE else on_machine(name, machine)
        for machine in machines or [NATIVE]
        for name in names
    ]


def resolve_adapter(name: str) -> AdapterSpec:
    """The one adapter of a name; raises UsageError if the name is unknown or a pattern of several adapters."""
    specs = resolve_adapters([name])
    if len(specs) > 1:
        raise click.UsageError(f"{name} matches {len(specs)} adapters; name one")
    return specs[0]


def require_startable(specs: Sequence[AdapterSpec]) -> None:
    """Raise UsageError if a package of an adapter is missing where it runs, and it cannot start for that reason.

    Only an adapter of which a package seems to be missing is started: a framework may lack its metadata alone.
    """
    for spec in specs:
        if missing_packages(spec) == []:
            continue
        with AdapterProcess(spec) as host:
            failed = host.start()
        if failed is not None:
            first, *others = failed.detail.splitlines()
            raise click.UsageError(f"{spec.name}: {first}" + (f" ... {others[-1]}" if others else ""))


def assess_record(record: Results, folders: Sequence[str], baseline: Results | None = None) -> Gate:
    """The gate of a recorded run; raises ExpectationError for a malformed file."""
    # Here, as these take time that a command which only starts adapters need not spend.
    from conformance.oracle.error_bound import TIGHTEST_FIRST
    from conformance.reports.gate.assess import assess
    from conformance.reports.gate.expectations import load_all
    from conformance.runner.selection import expectation_folders

    return assess(record, load_all(record.adapters(), expectation_folders(folders)), baseline, TIGHTEST_FIRST)


def print_gate(
    gate: Gate, cases: Mapping[str, dict[str, Any]], *, summary: Path | None = None, quiet: bool = False
) -> None:
    """Print what is new, worst first, on the terminal and where GitHub Actions shows it.

    When ``quiet``, the terminal gets no line about expectations that do not fail. Expectations whose cases were
    not run are listed with ``-v`` only.
    """
    from conformance.reports.formats.gate_lines import terminal_lines
    from conformance.reports.formats.github import tell_github
    from conformance.reports.gate.text import headline, lines

    news = lines(gate, cases)
    verbose = logging.getLogger("conformance").isEnabledFor(logging.INFO)
    shown = [line for line in news if verbose or line.standing != "unused"]
    shown = [line for line in shown if line.fails or line.standing == "not compared" or not quiet]
    click.echo(headline(gate))
    for line in shown[:_MOST_LINES]:
        for text in terminal_lines(line):
            click.echo(text)
    if len(shown) > _MOST_LINES:
        click.echo(f"  … and {len(shown) - _MOST_LINES} more, in the report")
    tell_github(summary, news)


def say_next_of(gate: Gate, cases: Mapping[str, dict[str, Any]], *, otherwise: Sequence[str] = ()) -> None:
    """Name the command that writes a script for the worst discrepancy, or another one if there is none."""
    from conformance.reports.gate.text import lines

    for line in lines(gate, cases):
        if line.fails and line.summary is not None:
            case_id, adapter = line.summary.smallest, line.summary.adapter
            say_next("conformance", "repro", case_id, "--adapter", adapter)
            return
    if otherwise:
        say_next(*otherwise)
