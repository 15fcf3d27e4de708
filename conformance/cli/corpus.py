"""The table of ``conformance cases --corpus``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from adapters.registry import AdapterSpec
from cases.corpus.reports import load_reports
from conformance.corpus import STATES, Standing, review
from reports.statuses import label
from reports.terminal import console_for_tables

__all__ = ["print_corpus"]


def print_corpus(specs: Sequence[AdapterSpec], as_json: bool) -> None:
    """Ask every adapter the question of every report, and print the table or one JSON object."""
    standings = review(
        load_reports().values(), specs, tick=lambda spec: click.echo(f"asking {spec.name}", err=True)
    )
    if as_json:
        click.echo(json.dumps({"reports": [_plain(standing) for standing in standings]}, indent=2))
        return
    table = Table("report", "on", "state", "today", "elsewhere", "claim", box=box.SIMPLE)
    for standing in standings:
        report, own = standing.report, standing.outcomes.get(standing.report.adapter)
        others = Counter(
            label(outcome.status, outcome.kind)
            for name, outcome in standing.outcomes.items()
            if name != report.adapter
        )
        table.add_row(
            f"[link={report.link}]{report.id}[/link]",
            report.adapter,
            standing.state,
            "" if own is None else label(own.status, own.kind),
            ", ".join(f"{count} {name}" for name, count in others.most_common()),
            escape(report.claim),
        )
    console = console_for_tables()
    console.print(table)
    counted = Counter(standing.state for standing in standings)
    console.print(", ".join(f"{counted[name]} {name}" for name in STATES if counted[name]), soft_wrap=True)


def _plain(standing: Standing) -> dict[str, Any]:
    report = standing.report
    return {
        "id": report.id,
        "link": report.link,
        "claim": report.claim,
        "adapter": report.adapter,
        "case": str(report.case),
        "rule": report.rule,
        "state": standing.state,
        "outcomes": {
            name: {"status": outcome.status, "kind": outcome.kind} for name, outcome in standing.outcomes.items()
        },
    }
