"""``conformance adapters``: which adapters there are, in which versions, and the limits that each declares."""

from __future__ import annotations

import json
from typing import Any

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.adapters.devices import present
from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.installation import install_command
from conformance.adapters.registry import AdapterSpec, UnknownAdapter, all_adapters, installed, load, resolve
from conformance.adapters.selection import expand
from conformance.cases.tiers import load_tier
from conformance.cli.options import quiet_option, run_option
from conformance.reports.formats.terminal import console_for_tables
from conformance.reports.record.fact_columns import shown
from conformance.runner.activity import Activity
from conformance.triage.limit_probe import Probed, probe

__all__ = ["command"]


@click.command(
    "adapters",
    epilog="Examples: conformance adapters torch --probe; conformance adapters torch tf-nn~onednn-on --facts",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@run_option("adapters", configured=False)
@quiet_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--facts", "measuring", is_flag=True, help="Start each adapter and measure what it runs on.")
@click.option(
    "--probe", "probing", is_flag=True, help="Run cases that are documented as unsupported, to find stale limits."
)
def command(
    names: tuple[str, ...],
    adapters: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    measuring: bool,
    probing: bool,
) -> None:
    """List the adapters: their versions, or how to install them, and what they do not support.

    With names of adapters, their limits are listed one by one, with the documentation that states each. --facts
    starts each adapter and measures what it runs on: switches, instruction sets, threads. --probe exits with 1 if
    a framework gives the right output for a case that its adapter still declares as unsupported.
    """
    adapters = (*names, *adapters)
    try:
        specs = [resolve(name) for name in (expand(adapters) if adapters else all_adapters())]
    except UnknownAdapter as error:
        raise click.UsageError(str(error)) from None
    rows = [_describe(spec) for spec in specs]
    available = [
        (spec, row) for spec, row in zip(specs, rows, strict=True) if row["installed"] and present(row["device"])
    ]
    with Activity("starting the adapters", quiet=quiet) as say:
        for spec, row in available if probing else []:
            say(f"running cases that {spec.name} declares as unsupported")
            _probe_into(row, spec)
        for spec, row in available if measuring else []:
            say(f"measuring what {spec.name} runs on")
            row["facts"] = _facts(spec)
    if as_json:
        click.echo(json.dumps({"adapters": rows}, indent=2))
    elif measuring:
        _print_facts(rows)
    else:
        _print(rows, details=bool(adapters) or probing)
    stale = any(limit.get("state") == "stale" for row in rows for limit in row["limits"])
    raise click.exceptions.Exit(int(stale))


def _describe(spec: AdapterSpec) -> dict[str, Any]:
    """One adapter as plain data; reads declarations and package metadata, imports no framework."""
    kind = load(spec.target)
    versions = installed(spec) or {}
    return {
        "name": spec.name,
        "device": kind.device,
        "about": (kind.__doc__ or "").partition("\n")[0],
        "documentation": kind.documentation,
        "packages": list(kind.packages),
        "versions": versions,
        "installed": spec.foreign or len(versions) == len(kind.packages),
        "install": install_command(spec, list(kind.packages)),
        "promises": dict(kind.promises),
        "stages": list(kind.stages),
        "limits": [
            {key: getattr(limit, key) for key in ("status", "parameter", "reason", "source")}
            for limit in kind.limits
        ],
        "refusals": [
            {key: getattr(refusal, key) for key in ("parameter", "pattern", "reason", "source")}
            for refusal in kind.refusals
        ],
    }


def _facts(spec: AdapterSpec) -> dict[str, Any]:
    with AdapterProcess(spec) as host:
        failed = host.start()
        if failed is not None:
            raise click.UsageError(f"{spec.name}: {failed.detail}")
        facts: dict[str, Any] = host.environment.get("facts") or {}
        return facts


def _print_facts(rows: list[dict[str, Any]]) -> None:
    """Print a table with one row per fact and one column per adapter."""
    measured = [row for row in rows if "facts" in row]
    table = Table(box=box.SIMPLE)
    for name in ("fact", *(row["name"] for row in measured)):
        table.add_column(escape(name), overflow="fold")
    for fact in dict.fromkeys(fact for row in measured for fact in row["facts"]):
        table.add_row(
            fact, *(escape(shown(row["facts"][fact])) if fact in row["facts"] else "" for row in measured)
        )
    console_for_tables().print(table)


def _probe_into(row: dict[str, Any], spec: AdapterSpec) -> None:
    kind = load(spec.target)
    with AdapterProcess(spec) as host:
        by_limit: dict[int, Probed] = {id(item.limit): item for item in probe(kind, host, load_tier("full"))}
    for limit, described in zip(kind.limits, row["limits"], strict=True):
        probed = by_limit.get(id(limit))
        described["state"] = probed.state if probed else "not probed"
        described["evidence"] = [list(pair) for pair in probed.evidence] if probed else []


def _print(rows: list[dict[str, Any]], *, details: bool) -> None:
    console = console_for_tables()
    table = Table(box=box.SIMPLE)
    for name in ("adapter", "versions", "unsupported", "inexpressible"):
        table.add_column(name, overflow="fold", no_wrap=name == "adapter")
    for row in rows:
        shown = ", ".join(f"{package} {version}" for package, version in row["versions"].items())
        declared = [_parameters(row, status) for status in ("unsupported", "inexpressible")]
        table.add_row(
            row["name"], escape(shown if row["installed"] else f"not installed: {row['install']}"), *declared
        )
    console.print(table)
    if not details:
        return
    for row in rows:
        for limit in row["limits"]:
            state = f" [{limit['state']}]" if "state" in limit else ""
            console.print(
                escape(f"{row['name']}: {limit['status']} {limit['parameter']}{state}: {limit['reason']}"),
                soft_wrap=True,
            )
            console.print(escape(f"    {limit['source']}"), soft_wrap=True)
            for case, result in limit.get("evidence", []):
                console.print(escape(f"    {case}: {result[:160]}"), soft_wrap=True)
        for refusal in row["refusals"]:
            console.print(
                escape(
                    f"{row['name']}: unsupported {refusal['parameter']} where it is refused: {refusal['reason']}"
                ),
                soft_wrap=True,
            )
            console.print(escape(f"    {refusal['source']}"), soft_wrap=True)


def _parameters(row: dict[str, Any], status: str) -> str:
    return ", ".join(dict.fromkeys(limit["parameter"] for limit in row["limits"] if limit["status"] == status))
