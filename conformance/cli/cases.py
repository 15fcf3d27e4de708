"""``conformance cases``: what the tiers hold, and how much of the domain they cover."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Table

from conformance.cases.design.boundary import BOUNDARIES
from conformance.cases.design.domain import FACTORS, SPACES
from conformance.cases.design.statistics import STRENGTHS, statistics
from conformance.cases.peers import load_peers
from conformance.cases.tiers import TIERS, load_tier, tier_hash
from conformance.cli.corpus import print_corpus
from conformance.reports.formats.terminal import console_for_tables

__all__ = ["command"]


@click.command("cases", epilog="Example: conformance cases --tier gate --stats")
@click.option("--tier", type=click.Choice(list(TIERS)), help="One tier. Default: all of them.")
@click.option("--stats", is_flag=True, help="Print coverage instead of ids.")
@click.option("--corpus", is_flag=True, help="Ask the reports of real users, and print what has become of each.")
@click.option(
    "--results",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the answers of --corpus from the record of a run instead of asking.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="NAME",
    help="Whom to ask with --corpus; '*' for everyone. Default: the one that a report is about.",
)
def command(
    tier: str | None, stats: bool, corpus: bool, results: Path | None, as_json: bool, adapters: tuple[str, ...]
) -> None:
    """List the cases of a tier, one full id a line, or count what they cover."""
    if corpus:
        if tier or stats:
            raise click.UsageError("--corpus takes no --tier and no --stats")
        if adapters and results:
            raise click.UsageError("--corpus takes --adapter or --results, not both")
        print_corpus(adapters, results, as_json)
        return
    if adapters or results:
        raise click.UsageError(f"{'--adapter' if adapters else '--results'} goes with --corpus")
    tiers = {name: load_tier(name) for name in ([tier] if tier else TIERS)}
    if stats:
        found = {name: statistics(cases) for name, cases in tiers.items()}
        peers = {peer.name: {"version": peer.version, **statistics(peer.cases)} for peer in load_peers().values()}
        if as_json:
            click.echo(json.dumps({"tiers": found, "peers": peers}, indent=2))
        else:
            _print(found, peers)
        return
    listed = list(dict.fromkeys(case for cases in tiers.values() for case in cases))
    if as_json:
        click.echo(
            json.dumps({"tier": tier, "hash": tier_hash(listed), "cases": list(map(str, listed))}, indent=2)
        )
    else:
        click.echo("\n".join(map(str, listed)))


def _print(found: dict[str, dict[str, Any]], peers: dict[str, dict[str, Any]]) -> None:
    console = console_for_tables()
    for name, tier in found.items():
        console.print(f"{name}: {tier['cases']} cases, hash {tier['hash']}")
    console.print(_coverage("t-way coverage", found))
    for title, key in (("cases a class", "classes"), ("cases a boundary class", "boundaries")):
        table = Table("", *found, title=title, box=box.SIMPLE)
        names = FACTORS if key == "classes" else BOUNDARIES
        for name in names:
            table.add_row(name, *(_cell(tier[key][name]) for tier in found.values()))
        console.print(table)
    console.print(_coverage("the same of the case lists of others", peers))
    for name, peer in peers.items():
        console.print(f"{name}: {peer['cases']} cases, {peer['version']}")


def _coverage(title: str, lists: dict[str, dict[str, Any]]) -> Table:
    table = Table("space", "", "required", *lists, title=title, box=box.SIMPLE)
    for space in SPACES:
        for strength in map(str, STRENGTHS):
            counted = [cases["coverage"][space][strength] for cases in lists.values()]
            shares = (f"{c['covered']} ({_percent(c)})" for c in counted)
            table.add_row(space, f"{strength}-way", str(counted[0]["required"]), *shares)
    return table


def _percent(counted: dict[str, int]) -> str:
    # Rounded down: what is not all of it does not print as 100 %.
    return f"{counted['covered'] * 1000 // counted['required'] / 10:g} %"


def _cell(counts: int | dict[str, int]) -> str:
    if isinstance(counts, int):
        return str(counts)
    return ", ".join(f"{name} {count}" for name, count in counts.items())
