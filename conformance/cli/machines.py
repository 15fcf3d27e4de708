"""``conformance machines``: the machine profiles that an adapter can run under here."""

from __future__ import annotations

import json
from typing import Any

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.adapters.machines import MACHINES, Machine
from conformance.reports.formats.terminal import console_for_tables

__all__ = ["command"]


@click.command("machines", epilog="Example: conformance run --adapter torch --machine native --machine avx2")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """List the machine profiles, whether each is available here, and what it sets.

    A profile runs an adapter as if on another machine. Once the adapter's process has started, the suite measures
    whether the settings took effect.
    """
    rows = [_describe(machine) for machine in MACHINES.values()]
    if as_json:
        click.echo(json.dumps({"machines": rows}, indent=2))
    else:
        _print(rows)


def _describe(machine: Machine) -> dict[str, Any]:
    why_not = machine.unreachable()
    return {
        "name": machine.name,
        "about": machine.about,
        "reachable": not why_not,
        "why_not": why_not or None,
        "variables": {package: dict(values) for package, values in machine.variables.items()},
        "statements": {package: list(lines) for package, lines in machine.statements.items()},
        "emulator": list(machine.emulator),
        "one_processor": machine.one_processor,
        "facts": dict(machine.facts),
        "sources": list(machine.sources),
    }


def _print(rows: list[dict[str, Any]]) -> None:
    table = Table(box=box.SIMPLE)
    for name in ("machine", "here", "what it is"):
        table.add_column(name, overflow="fold", no_wrap=name == "machine")
    for row in rows:
        here = "yes" if row["reachable"] else f"no: {row['why_not']}"
        table.add_row(row["name"], escape(here), escape(row["about"]))
    console_for_tables().print(table)
