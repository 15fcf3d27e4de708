"""A run as Markdown, for the page of a CI job."""

from __future__ import annotations

from pathlib import Path

from conformance.reports.gate.assess import Gate
from conformance.reports.gate.text import markdown
from conformance.reports.record.cut_text import cut
from conformance.reports.record.findings import Finding
from conformance.reports.record.statuses import STATUSES
from conformance.reports.record.store import Results
from conformance.reports.summary.survey import Survey, sentence, survey, totals_line

__all__ = ["adapter_table", "summary", "totals_line", "write_summary"]

_MOST_GROUPS = 20
_MOST_CHARACTERS = 240


def write_summary(results: Results, path: Path, gate: Gate | None = None) -> Path:
    """Write the Markdown summary of a run.

    Parameters
    ----------
    results : Results
        The record of the run.
    path : Path
        The file to write; its folder is made.
    gate : Gate, optional
        The run compared with what was known; comes first.

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


def summary(run: Survey) -> str:
    """The summary as Markdown; its first line says what is wrong."""
    lines = [f"**{sentence(run)}**", ""]
    if run.groups:
        lines += ["| what | adapter | cases | smallest case |", "| --- | --- | ---: | --- |"]
        lines += [_row(item) for item in run.groups[:_MOST_GROUPS]]
        if len(run.groups) > _MOST_GROUPS:
            lines.append(f"| and {len(run.groups) - _MOST_GROUPS} more groups, in the report | | | |")
        lines.append("")
    return "\n".join([*lines, adapter_table(run)]).rstrip() + "\n"


def adapter_table(run: Survey) -> str:
    """A Markdown table of the adapters, their versions and their outcomes by status; empty without outcomes."""
    shown = [status for name, status in STATUSES.items() if run.totals[name]]
    if not shown:
        return ""
    lines = [
        "| adapter | version | " + " | ".join(f"{s.symbol} {s.label}" for s in shown) + " |",
        "| --- | --- |" + " ---: |" * len(shown),
    ]
    for adapter, counts in run.counts.items():
        versions = run.environments.get(adapter, {}).get("versions", {})
        version = next((f"{name} {number}" for name, number in versions.items()), "")
        cells = [_cell(adapter), _cell(version), *(str(counts[status.name]) for status in shown)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _row(item: Finding) -> str:
    what = item.text or " ".join(item.detail.split())
    if item.condition is not None:
        what += f" ({item.condition.phrase})"
    text = f"{item.label}: {what}" if what else item.label
    over = "; ".join(filter(None, [item.counted.partition(": ")[2], item.spread]))
    count = f"{item.count} ({over})" if over else str(item.count)
    return f"| {_cell(text)} | {_cell(item.adapter)} | {_cell(count)} | `{item.smallest}` |"


def _cell(text: str) -> str:
    """Text for a table cell: HTML, Markdown and line breaks are escaped, and long text is cut."""
    text = cut(text, _MOST_CHARACTERS)
    for character in "\\`*_[]|":
        text = text.replace(character, "\\" + character)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
