"""What ``conformance check`` prints: a table whose rows appear as they come, or one JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.markup import escape

from conformance.calls import Meaning
from conformance.cases import Case, DomainError
from conformance.execution.checked import Checked
from conformance.reports.formats.terminal import console_for_tables
from conformance.reports.record.cut_text import cut
from conformance.reports.record.statuses import FAIL_KINDS, STATUSES, label

__all__ = ["CheckTable", "print_json"]

_MOST_CHARACTERS = 400
_SYMBOL = "x "
# Rows are printed before the later ones are known, so that each column has the width of what it may hold.
_OUTCOME = len(_SYMBOL) + max(
    len(label(status, kind)) for status in STATUSES for kind in (FAIL_KINDS if status == "fail" else (None,))
)
_COLUMNS = {"version": 12, "outcome": _OUTCOME, "profile": 11, "bound used": 10}


def _geometry(case: Case) -> dict[str, Any]:
    try:
        geometry = case.geometry()
    except DomainError as error:
        return {"geometry": None, "invalid": str(error)}
    crop = [list(pair) for pair in geometry.crop]
    return {"geometry": {"output_size": list(geometry.output_size), "crop": crop}}


def print_json(meaning: Meaning, checked: Sequence[Checked]) -> None:
    """Print one JSON object."""
    click.echo(json.dumps(_as_json(meaning, checked), indent=2))


def _as_json(meaning: Meaning, checked: Sequence[Checked]) -> dict[str, Any]:
    case = meaning.case
    outcomes = [one.to_json() for one in checked]
    return {"case": str(case), **_geometry(case), "notes": list(meaning.notes), "outcomes": outcomes}


class CheckTable:
    """The table, of which each row is printed when it is known, and the texts about the outcomes below it.

    Parameters
    ----------
    meaning : Meaning
        The case; it and its geometry are printed at once.
    names : sequence of str
        Names of all adapters.
    """

    def __init__(self, meaning: Meaning, names: Sequence[str]) -> None:
        self._console = console_for_tables()
        self._widths = [max(map(len, ("adapter", *names))), *_COLUMNS.values()]
        self._say(f"[bold]{meaning.case}[/]")
        described = _geometry(meaning.case)
        if described["geometry"] is None:
            self._say(f"invalid case: {escape(described['invalid'])}")
        else:
            geometry = described["geometry"]
            self._say(f"output size {geometry['output_size']}, crop {geometry['crop']}")
        for note in meaning.notes:
            self._say(f"note: {escape(note)}")
        self._say("")
        self._row(["adapter", *_COLUMNS], ["bold"] * len(self._widths))
        self._say(f" {'─' * (sum(self._widths) + 3 * len(self._widths) - 1)}")

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    def _row(self, texts: Sequence[str], styles: Sequence[str]) -> None:
        cells = [
            (f"[{style}]{escape(text)}[/]" if style else escape(text)) + " " * (width - len(text))
            for text, width, style in zip(texts, self._widths, styles, strict=True)
        ]
        self._say(f"  {'   '.join(cells)}".rstrip())

    def add(self, checked: Checked) -> None:
        """Print the row of an adapter."""
        outcome = checked.outcome
        status = STATUSES[outcome.status]
        self._row(
            [
                outcome.adapter,
                next(iter(checked.versions.values()), ""),
                f"{status.symbol} {label(outcome.status, outcome.kind)}",
                outcome.profile or "",
                "" if outcome.budget is None else f"{outcome.budget:.0%}",
            ],
            ["", "", status.colour, "", ""],
        )

    def finish(self, checked: Sequence[Checked]) -> None:
        """Print what is to say about the outcomes: diagnoses, messages and known findings, and the programs."""
        adapters_by_text: dict[str, list[str]] = {}
        for one in checked:
            outcome, entry = one.outcome, one.expectation
            texts = [outcome.diagnosis.text] if outcome.diagnosis else []
            texts += [cut(outcome.message, _MOST_CHARACTERS)] if outcome.message else []
            texts += [f"known as {entry.finding}: {entry.reason} {entry.upstream}".rstrip()] if entry else []
            if texts:
                adapters_by_text.setdefault("; ".join(texts), []).append(outcome.adapter)
        self._say("")
        for text, names in adapters_by_text.items():
            self._say(f"[bold]{escape(', '.join(names))}[/]: {escape(text)}")
        for one in checked:
            if one.program is not None:
                click.echo(f"\n{one.outcome.adapter} runs\n\n{one.program}")
