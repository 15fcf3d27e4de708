"""``conformance cases``: the cases of the tiers, and how much of the domain they cover."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Table

from conformance.cases.design.domain import FACTORS, SPACES
from conformance.cases.design.statistics import STRENGTHS, special_classes, statistics
from conformance.cases.peers import load_peers
from conformance.cases.tiers import TIERS, load_tier, tier_hash
from conformance.cli.choices import NameChoice
from conformance.cli.corpus import print_corpus
from conformance.cli.options import quiet_option
from conformance.reports.formats.terminal import console_for_tables
from conformance.runner.notes import notes

__all__ = ["command"]


@click.command("cases", epilog="Example: conformance cases --tier gate --stats")
@click.option("--tier", type=NameChoice(list(TIERS)), help="One tier. Default: all of them.")
@click.option("--stats", is_flag=True, help="Print coverage instead of ids.")
@click.option("--corpus", is_flag=True, help="Re-run user-reported cases and print which still reproduce.")
@click.option(
    "--results",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="RESULTS",
    help="Take the outcomes for --corpus from the record of a run instead of running the cases.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="NAME",
    help="Adapter that runs the cases of --corpus; may be repeated; '*': all. Default: for each report, the "
    "adapter that it is about.",
)
@quiet_option
def command(
    tier: str | None,
    stats: bool,
    corpus: bool,
    results: Path | None,
    as_json: bool,
    adapters: tuple[str, ...],
    quiet: bool,
) -> None:
    """List the cases of a tier, one full id per line, or count what they cover."""
    if corpus:
        if tier or stats:
            raise click.UsageError("--corpus takes no --tier and no --stats")
        if adapters and results:
            raise click.UsageError("--corpus takes --adapter or --results, not both")
        print_corpus(adapters, results, as_json, say=notes(quiet=quiet))
        return
    if adapters or results:
        raise click.UsageError(f"{'--adapter' if adapters else '--results'} goes with --corpus")
    tiers = {name: load_tier(name) for name in ([tier] if tier else TIERS)}
    if stats:
        counted = {name: statistics(cases) for name, cases in tiers.items()}
        peers = {peer.name: {"version": peer.version, **statistics(peer.cases)} for peer in load_peers().values()}
        if as_json:
            click.echo(json.dumps({"tiers": counted, "peers": peers}, indent=2))
        else:
            _print(counted, peers)
        return
    cases = list(dict.fromkeys(case for tier_cases in tiers.values() for case in tier_cases))
    if as_json:
        click.echo(json.dumps({"tier": tier, "hash": tier_hash(cases), "cases": list(map(str, cases))}, indent=2))
    else:
        click.echo("\n".join(map(str, cases)))


def _print(tiers: dict[str, dict[str, Any]], peers: dict[str, dict[str, Any]]) -> None:
    console = console_for_tables()
    for name, tier in tiers.items():
        console.print(f"{name}: {tier['cases']} cases, hash {tier['hash']}")
    console.print(_coverage("t-way coverage", tiers))
    for title, key in (("cases per class", "classes"), ("cases per boundary, size and layer", "boundaries")):
        table = Table("", *tiers, title=title, box=box.SIMPLE)
        names = FACTORS if key == "classes" else special_classes()
        for name in names:
            table.add_row(name, *(_cell(tier[key][name]) for tier in tiers.values()))
        console.print(table)
    console.print(_coverage("t-way coverage of other projects' test cases", peers))
    for name, peer in peers.items():
        console.print(f"{name}: {peer['cases']} cases, {peer['version']}")


def _coverage(title: str, lists: dict[str, dict[str, Any]]) -> Table:
    table = Table("space", "", "required", *lists, title=title, box=box.SIMPLE)
    for space in SPACES:
        for strength in map(str, STRENGTHS):
            counted = [cases["coverage"][space][strength] for cases in lists.values()]
            shares = (f"{counts['covered']} ({_percent(counts)})" for counts in counted)
            table.add_row(space, f"{strength}-way", str(counted[0]["required"]), *shares)
    return table


def _percent(counted: dict[str, int]) -> str:
    # Rounded down, so that only complete coverage prints as 100 %.
    return f"{counted['covered'] * 1000 // counted['required'] / 10:g} %"


def _cell(counts: int | dict[str, int]) -> str:
    if isinstance(counts, int):
        return str(counts)
    return ", ".join(f"{name} {count}" for name, count in counts.items())
