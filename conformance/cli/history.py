"""``conformance history``: many runs in one file, and when an output changed."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.cases import Case
from conformance.cli.options import CASE, RECORD, quiet_option
from conformance.reports.formats.terminal import console_for_tables
from conformance.reports.record.history import History, HistoryError, Streak
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.activity import Activity

__all__ = ["command"]


@click.command(
    "history",
    epilog="Example: conformance history nightly.sqlite --add conformance-out/latest/results.sqlite "
    "--adapter torch",
)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--add",
    "added",
    multiple=True,
    type=RECORD,
    metavar="RESULTS",
    help="Add a recorded run to FILE first; may be repeated. A run that FILE already has is skipped.",
)
@click.option("--case", type=CASE, metavar="ID", help="Show all outputs of this case, even if they never changed.")
@click.option("--adapter", metavar="NAME", help="Show this adapter only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@quiet_option
def command(
    file: Path, added: tuple[Path, ...], case: Case | None, adapter: str | None, as_json: bool, quiet: bool
) -> None:
    """Show the runs in FILE and every output that changed: in which run, and under which versions."""
    if not file.exists() and not added:
        raise click.UsageError(f"history not found: {file}; --add RESULTS starts one")
    try:
        with Activity("reading the records", quiet=quiet):
            records = sorted(map(Results.open, added), key=lambda record: record.meta().get("started") or 0)
        with History(file) as history:
            for record in records:
                with record, Activity(f"adding {record.path}", quiet=quiet):
                    changed = history.add(record)
                click.echo(f"{record.path}: {changed} outputs are new or changed", err=as_json)
            runs = history.runs()
            adapters = sorted({name for run in runs for name in run["environments"]} | set(history.adapters()))
            if adapter is not None and adapter not in adapters:
                raise click.UsageError(f"unknown adapter {adapter!r}; {file} has {', '.join(adapters) or 'none'}")
            with Activity("looking for what changed", quiet=quiet):
                streaks = history.streaks(case_id=None if case is None else str(case), adapter=adapter)
    except (HistoryError, ResultsError) as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps({"runs": runs, "answers": [asdict(spell) for spell in streaks]}, indent=2))
    else:
        _print(runs, streaks)


def _print(runs: list[dict[str, Any]], streaks: list[Streak]) -> None:
    console = console_for_tables()
    table = Table("run", "started", "cases", "changed", "tier", box=box.SIMPLE)
    for run in runs:
        started = datetime.fromtimestamp(run["started"] or 0, UTC).strftime("%Y-%m-%d %H:%M")
        table.add_row(str(run["run"]), started, str(run["questions"]), str(run["changed"]), str(run["tier"] or ""))
    console.print(table)
    shown = None
    for spell in streaks:
        if (spell.adapter, spell.case_id) != shown:
            shown = spell.adapter, spell.case_id
            console.print(f"[bold]{escape(spell.adapter)}[/] {spell.case_id}", soft_wrap=True)
        runs_named = f"run {spell.first_run}" if spell.first_run == spell.last_run else (
            f"runs {spell.first_run} to {spell.last_run}"
        )  # fmt: skip
        output = " ".join(filter(None, [spell.label, spell.transform, spell.digest]))
        console.print(f"  {runs_named}: {escape(output)} ({escape(_versions(spell))})", soft_wrap=True)
    if not streaks:
        console.print("no output changed")


def _versions(spell: Streak) -> str:
    versions = [
        f"{package} {version}"
        + (f" to {spell.until[package]}" if spell.until.get(package, version) != version else "")
        for package, version in spell.since.items()
    ]
    return ", ".join(versions) or "versions unknown"
