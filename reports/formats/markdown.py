"""A run as text: Markdown for a CI job's page, and a short answer for a terminal."""

from __future__ import annotations

from pathlib import Path

from conformance.reports.gate.assess import Gate
from conformance.reports.gate.text import markdown
from conformance.reports.record.findings import Finding
from conformance.reports.record.statuses import STATUSES
from conformance.reports.record.store import Results
from conformance.reports.summary.survey import Survey, sentence, survey, totals_line

__all__ = ["summary", "totals_line", "write_summary"]

_MOST_GROUPS = 20
_MOST_CHARACTERS = 160


def write_summary(results: Results, path: Path, gate: Gate | None = None) -> Path:
    """Write the Markdown summary of a run.

    Parameters
    ----------
    results : Results
        The record of the run.
    path : Path
        The file to write; its folder is made.
    gate : Gate, optional
        What of it is news; comes first.

    Returns
    -------
    Path
        The same path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = summary(survey(results))
    if gate is not None:
        text = f"{markdown(gate, results.cases())}\n{text}\n{totals_line(results)}\n"
    path.write_text(text, encoding="utf-8")
    return path


def summary(found: Survey) -> str:
    """The summary as Markdown; its first line says what is wrong."""
    lines = [f"**{sentence(found)}**", ""]
    if found.groups:
        lines += ["| what | adapter | cases | smallest case |", "| --- | --- | ---: | --- |"]
        lines += [_row(item) for item in found.groups[:_MOST_GROUPS]]
        if len(found.groups) > _MOST_GROUPS:
            lines.append(f"| and {len(found.groups) - _MOST_GROUPS} more groups, in the report | | | |")
        lines.append("")
    shown = [status for name, status in STATUSES.items() if found.totals[name]]
    if shown:
        lines.append("| adapter | version | " + " | ".join(f"{s.symbol} {s.label}" for s in shown) + " |")
        lines.append("| --- | --- |" + " ---: |" * len(shown))
        for adapter, counts in found.counts.items():
            versions = found.environments.get(adapter, {}).get("versions", {})
            version = next((f"{name} {number}" for name, number in versions.items()), "")
            cells = [_cell(adapter), _cell(version), *(str(counts[status.name]) for status in shown)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines).rstrip() + "\n"


def _row(item: Finding) -> str:
    what = item.text or " ".join(item.detail.split())
    if item.condition is not None:
        what += f" ({item.condition.phrase})"
    text = f"{item.label}: {what}" if what else item.label
    over = "; ".join(filter(None, [item.counted.partition(": ")[2], item.spread]))
    count = f"{item.count} ({over})" if over else str(item.count)
    return f"| {_cell(text)} | {_cell(item.adapter)} | {_cell(count)} | `{item.smallest}` |"


def _cell(text: str) -> str:
    """Text that stays in its table cell: no HTML, no Markdown, no line break; cut where it is long."""
    text = " ".join(text.split())
    if len(text) > _MOST_CHARACTERS:
        text = text[: _MOST_CHARACTERS - 1] + "…"
    for character in "\\`*_[]|":
        text = text.replace(character, "\\" + character)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
