"""The table of ``conformance cases --corpus``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
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


def print_corpus(names: Sequence[str], results: Path | None, as_json: bool, say: Callable[[str], None]) -> None:
    """Print the status of every user report, as a table or one JSON object.

    Parameters
    ----------
    names : sequence of str
        Adapters that run the case of every report. Without names, each report's own implementation runs it.
    results : Path or None
        A record to take the outcomes from; no case is then run.
    as_json : bool
        Whether to print JSON. The table also lists the threads without a case, with the reason.
    say : callable
        Called with a line about the progress.
    """
    reports = load_reports().values()
    specs: Sequence[AdapterSpec] = ()
    own: Sequence[AdapterSpec] = ()
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
        installed = set(available())
        reported = dict.fromkeys(name for report in reports for name in (report.adapter, report.against))
        own = [resolve(name) for name in reported if name in installed]
    statuses = review(
        reports,
        specs,
        own=own,
        recorded=recorded,
        tick=lambda spec: say(f"running {spec.name}"),
    )
    if as_json:
        threads = [asdict(thread) for thread in load_threads().values()]
        click.echo(json.dumps({"reports": list(map(_plain, statuses)), "threads": threads}, indent=2))
        return
    table = Table("report", "on", "state", "today", "elsewhere", "claim", box=box.SIMPLE)
    for status in statuses:
        report = status.report
        today = None if report.of else status.outcomes.get(report.adapter)
        elsewhere = Counter(
            label(outcome.status, outcome.kind)
            for name, outcome in status.outcomes.items()
            if today is None or name != report.adapter
        )
        table.add_row(
            f"[link={report.link}]{report.id}[/link]",
            report.of or report.adapter,
            status.state,
            "" if today is None else label(today.status, today.kind),
            ", ".join(f"{count} {name}" for name, count in elsewhere.most_common()),
            escape(report.claim),
        )
    others = Table("thread", "why it has no case", box=box.SIMPLE)
    for thread in load_threads().values():
        others.add_row(f"[link={thread.link}]{thread.id}[/link]", escape(thread.why))
    console = console_for_tables()
    console.print(table)
    console.print(others)
    counted = Counter(status.state for status in statuses)
    console.print(", ".join(f"{counted[name]} {name}" for name in STATES if counted[name]), soft_wrap=True)


def _plain(status: UserReportStatus) -> dict[str, Any]:
    report = status.report
    return {
        "id": report.id,
        "link": report.link,
        "claim": report.claim,
        "adapter": report.adapter,
        "of": report.of,
        "against": report.against,
        "case": str(report.case),
        "rule": report.rule,
        "state": status.state,
        "outcomes": {
            name: {"status": outcome.status, "kind": outcome.kind} for name, outcome in status.outcomes.items()
        },
    }
