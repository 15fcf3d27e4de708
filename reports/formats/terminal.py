"""A short report for a terminal."""

from __future__ import annotations

import os
import re
import sys
from typing import IO, Any, TextIO, cast

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.reports.gate.assess import Gate
from conformance.reports.record.cut_text import cut
from conformance.reports.record.statuses import STATUSES
from conformance.reports.record.store import Results
from conformance.reports.summary.news import news_of
from conformance.reports.summary.survey import sentence, survey

__all__ = ["console_for_tables", "print_report"]

_MOST_GROUPS = 15
_MOST_CHARACTERS = 200
_FILE_WIDTH = 200


class _Trimmed:
    """A text stream without blanks at the ends of lines, which a table has and a pasted text should not."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._stream.write(re.sub(r"[ \t]+(?=\n)", "", text))


def console_for_tables(*, stderr: bool = False) -> Console:
    """Standard output, or standard error; a file or a pipe gets a width that is enough not to cut text."""
    console = Console(highlight=False, stderr=stderr)
    if not console.is_terminal:
        console.file = cast("IO[str]", _Trimmed(sys.stderr if stderr else sys.stdout))
        if "COLUMNS" not in os.environ:
            console.width = _FILE_WIDTH
    return console


def print_report(results: Results, gate: Gate) -> None:
    """Print the result, the discrepancies by cause (those that fail the gate first), and totals per adapter."""
    run = survey(results)
    news = news_of(gate, None, results.cases())
    console = console_for_tables()
    console.print(news.headline, style="bold", soft_wrap=True, markup=False)
    console.print(sentence(run), soft_wrap=True, markup=False)
    for remark in news.lines:
        if remark.fails or remark.standing == "not compared":
            console.print(f"  {remark.standing}: {remark.text}", soft_wrap=True, markup=False)
    groups = sorted(run.groups, key=lambda item: not news.fails_by(item))
    for item in groups[:_MOST_GROUPS]:
        status = STATUSES[item.status]
        count = item.counted + (f" ({item.spread})" if item.spread else "")
        console.print()
        standings = ", ".join(f"{number} {standing.name}" for standing, number in news.standings(item))
        console.print(
            f"[{status.colour}]{status.symbol} {item.label}[/]  {escape(item.adapter)}, {count}: {standings}"
        )
        what = cut(item.text or item.detail, _MOST_CHARACTERS)
        if item.condition is not None:
            what += f" ({item.condition.phrase})"
        # Without wrapping, so that a reader can copy a case id as one line.
        for line in filter(None, (what, item.smallest)):
            console.print(f"  {line}", soft_wrap=True, markup=False)
    if len(groups) > _MOST_GROUPS:
        console.print(f"\nand {len(groups) - _MOST_GROUPS} more groups")
    shown = [status for name, status in STATUSES.items() if run.totals[name]]
    table = Table(box=box.SIMPLE)
    table.add_column("adapter")
    for status in shown:
        table.add_column(f"[{status.colour}]{status.symbol} {status.label}[/]", justify="right")
    for adapter, counts in run.counts.items():
        table.add_row(escape(adapter), *(str(counts[status.name]) for status in shown))
    console.print(table)
