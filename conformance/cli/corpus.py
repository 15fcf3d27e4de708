"""The table of ``conformance cases --corpus``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.adapters.registry import AdapterSpec, available, resolve
from conformance.cases.corpus.reports import load_reports, load_threads
from conformance.cli.common import resolve_adapters
from conformance.reporting.user_reports import STATES, UserReportStatus, review
from conformance.reports.formats.terminal import console_for_tables
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import label
from conformance.reports.record.store import Results, ResultsError

__all__ = ["print_corpus"]


def print_corpus(names: Sequence[str], results: Path | None, as_json: bool) -> None:
    """Print what has become of every report, as a table or one JSON object.

    Each is asked of the implementation it is about; with adapters named, of those; with a record, of nobody. The
    threads that are no cases follow, with the reason.
    """
    reports = load_reports().values()
    specs: Sequence[AdapterSpec] = ()
    theirs: Sequence[AdapterSpec] = ()
    recorded: list[Outcome] = []
    if results is not None:
        try:
            with Results.open(results) as record:
                recorded = list(record.outcomes())
        except ResultsError as error:
            raise click.UsageError(str(error)) from None
    elif names:
        specs = resolve_adapters(names)
    else:
        here = set(available())
        named = dict.fromkeys(name for report in reports for name in (report.adapter, report.against))
        theirs = [resolve(name) for name in named if name in here]
    standings = review(
        reports,
        specs,
        own=theirs,
        recorded=recorded,
        tick=lambda spec: click.echo(f"asking {spec.name}", err=True),
    )
    if as_json:
        threads = [asdict(thread) for thread in load_threads().values()]
        click.echo(json.dumps({"reports": list(map(_plain, standings)), "threads": threads}, indent=2))
        return
    table = Table("report", "on", "state", "today", "elsewhere", "claim", box=box.SIMPLE)
    for standing in standings:
        report = standing.report
        own = None if report.of else standing.outcomes.get(report.adapter)
        elsewhere = Counter(
            label(outcome.status, outcome.kind)
            for name, outcome in standing.outcomes.items()
            if own is None or name != report.adapter
        )
        table.add_row(
            f"[link={report.link}]{report.id}[/link]",
            report.of or report.adapter,
            standing.state,
            "" if own is None else label(own.status, own.kind),
            ", ".join(f"{count} {name}" for name, count in elsewhere.most_common()),
            escape(report.claim),
        )
    others = Table("thread", "no case, because", box=box.SIMPLE)
    for thread in load_threads().values():
        others.add_row(f"[link={thread.link}]{thread.id}[/link]", escape(thread.why))
    console = console_for_tables()
    console.print(table)
    console.print(others)
    counted = Counter(standing.state for standing in standings)
    console.print(", ".join(f"{counted[name]} {name}" for name in STATES if counted[name]), soft_wrap=True)


def _plain(standing: UserReportStatus) -> dict[str, Any]:
    report = standing.report
    return {
        "id": report.id,
        "link": report.link,
        "claim": report.claim,
        "adapter": report.adapter,
        "of": report.of,
        "against": report.against,
        "case": str(report.case),
        "rule": report.rule,
        "state": standing.state,
        "outcomes": {
            name: {"status": outcome.status, "kind": outcome.kind} for name, outcome in standing.outcomes.items()
        },
    }
