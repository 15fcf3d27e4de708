"""The data of a page: a small SQLite database, which the page queries in the SQL of the command line.

``cases`` holds the columns of every case, ``asked`` one row per outcome, ``texts`` their messages (each once,
as most repeat), ``details`` the program and the numbers of outcomes that are worth a look. The view ``outcomes``
joins them; a condition can name its columns.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conformance.cases import Case, DomainError
from conformance.cases.columns import COLUMN_NAMES
from conformance.reports.html.details import Detail, compact, fill_files, smallest_first
from conformance.reports.record.fact_columns import facts_by_column
from conformance.reports.record.findings import Finding
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import STATUSES
from conformance.reports.record.store import Results
from conformance.reports.summary.news import News

__all__ = ["COLUMNS", "build"]

_COPIED = ("adapter", "status", "kind", "profile", "budget", "max_abs_error", "max_ulp_error", "transform",
          "diagnosis", "stage", "seconds")  # fmt: skip

COLUMNS: dict[str, str] = {
    **dict.fromkeys(COLUMN_NAMES, "case"),
    **dict.fromkeys(_COPIED, "outcome"),
    "detail": "outcome",
    "source": "outcome",
    "gates": "outcome",
    "judged": "outcome",
    "answer": "outcome",
    "finding": "outcome",
    "standing": "outcome",
    "expectation": "outcome",
    "before": "outcome",
}
"""The columns that a condition can name, each with its owner: the case or the outcome."""

# Left joins, because SQLite skips those whose columns a query does not name. Outcomes are stored by case, so that
# a query about all outcomes of a case needs one pass.
_SCHEMA = f"""
CREATE TABLE cases (case_no INTEGER PRIMARY KEY, {", ".join(COLUMN_NAMES)}, geometry);
CREATE TABLE texts (text_no INTEGER PRIMARY KEY, text);
CREATE TABLE asked (
    id INTEGER, case_no INTEGER, {", ".join(_COPIED)}, detail_no, source_no, expectation_no,
    gates, judged, answer, finding, standing, before,
    PRIMARY KEY (case_no, id)
) WITHOUT ROWID;
CREATE TABLE details (id INTEGER PRIMARY KEY, program, evidence);
CREATE TABLE elsewhere (id INTEGER PRIMARY KEY, file INTEGER);
"""
_VIEW = f"""
CREATE VIEW outcomes AS
    SELECT asked.*, {", ".join(f"cases.{name}" for name in (*COLUMN_NAMES, "geometry"))},
        %s d.text AS detail, s.text AS source, e.text AS expectation
    FROM asked LEFT JOIN cases USING (case_no)
    LEFT JOIN texts AS d ON d.text_no = detail_no LEFT JOIN texts AS s ON s.text_no = source_no
    LEFT JOIN texts AS e ON e.text_no = expectation_no LEFT JOIN machines ON machines.adapter = asked.adapter;
"""


def _add_facts(connection: sqlite3.Connection, facts: Mapping[str, Mapping[str, Any]]) -> None:
    """Add the facts of each adapter as a table, and the view that has them as columns."""
    names = list(next(iter(facts.values()), ()))
    columns = "".join(f', "{name}"' for name in names)
    connection.execute(f"CREATE TABLE machines (adapter PRIMARY KEY{columns})")
    marks = ", ".join("?" * (len(names) + 1))
    rows = ((adapter, *values.values()) for adapter, values in facts.items())
    connection.executemany(f"INSERT INTO machines VALUES ({marks})", rows)
    connection.executescript(_VIEW % "".join(f'machines."{name}", ' for name in names))


def build(results: Results, groups: Iterable[Finding], news: News) -> tuple[bytes, list[list[Detail]]]:
    """Make the database of a page.

    Parameters
    ----------
    results : Results
        The record of the run.
    groups : iterable of Finding
        Discrepancies by cause; their smallest cases keep their numbers if the page has no room for all.
    news : News
        Outcomes compared with what was known.

    Returns
    -------
    bytes
        A SQLite database file.
    list of list of Detail
        The details that do not fit into the page, one list per file next to it.
    """
    groups = list(groups)
    finding = {(item.adapter, case_id): item.id for item in groups for case_id in item.members}
    connection = sqlite3.connect(":memory:")
    connection.executescript(_SCHEMA)
    _add_facts(connection, facts_by_column(results.meta().get("environments") or {}))
    cases = results.cases()
    numbers = {case_id: number for number, case_id in enumerate(cases)}
    marks = ", ".join("?" * (len(COLUMN_NAMES) + 2))
    rows = ((numbers[case_id], *columns.values(), _geometry(case_id)) for case_id, columns in cases.items())
    connection.executemany(f"INSERT INTO cases VALUES ({marks})", rows)
    texts = _Texts()
    letters = _BitLetters()
    details: dict[tuple[str, str], Detail] = {}
    for number, outcome in enumerate(results.outcomes()):
        key = outcome.adapter, outcome.case_id
        case_no = numbers[outcome.case_id]
        letters.add(outcome, case_no, number)
        if outcome.evidence or outcome.program:
            details[key] = Detail(number, str(outcome.program or ""), compact(outcome.evidence))
        entry = news.expectation.get(key)
        reason = texts.number(
            "" if entry is None else f"{entry.finding}: {entry.reason} {entry.upstream}".rstrip()
        )
        standing = finding.get(key), news.standing.get(key), news.before.get(key)
        row = (*_row(number, case_no, outcome, texts), reason, *_judgement(outcome), None, *standing)
        connection.execute(f"INSERT INTO asked VALUES ({', '.join('?' * len(row))})", row)
    connection.executemany("INSERT INTO texts VALUES (?, ?)", texts.rows())
    connection.executemany("UPDATE asked SET answer = ? WHERE case_no = ? AND id = ?", letters.rows())
    inside, *files = fill_files(smallest_first(groups, details))
    connection.executemany("INSERT INTO details VALUES (?, ?, ?)", inside)
    places = ((detail.id, number) for number, file in enumerate(files) for detail in file)
    connection.executemany("INSERT INTO elsewhere VALUES (?, ?)", places)
    connection.commit()
    connection.execute("VACUUM")
    data = connection.serialize()
    connection.close()
    return data, files


class _BitLetters:
    """Digests of outputs by case, without those of adapters that only infer shapes.

    No right output of such an adapter meets an accuracy profile, and its digest is not that of a tensor.
    """

    def __init__(self) -> None:
        self._by_case: dict[int, list[tuple[str, int, str]]] = {}
        self._right: set[tuple[str, str | None]] = set()

    def add(self, outcome: Outcome, case_no: int, number: int) -> None:
        if outcome.digest:
            self._by_case.setdefault(case_no, []).append((outcome.digest, number, outcome.adapter))
            if outcome.status == "pass":
                self._right.add((outcome.adapter, outcome.profile))

    def rows(self) -> Iterator[tuple[str, int, int]]:
        """A letter for each different output of a case, A for the most frequent: equal letters mean equal bits."""
        measured = {adapter for adapter, profile in self._right if profile}
        shape_only = {adapter for adapter, _ in self._right} - measured
        for case_no, outputs in self._by_case.items():
            tensors = [(digest, number) for digest, number, adapter in outputs if adapter not in shape_only]
            ranking = [digest for digest, _ in Counter(digest for digest, _ in tensors).most_common()]
            for digest, number in tensors:
                place = ranking.index(digest)
                yield (chr(ord("A") + place) if place < 26 else f"#{place}"), case_no, number


def _geometry(case_id: str) -> str | None:
    """The rule that places the output, and the crop of every axis, as JSON; None for an invalid case."""
    try:
        geometry = Case.parse(case_id).geometry()
    except DomainError:
        return None
    return json.dumps([geometry.rule, geometry.crop], separators=(",", ":"))


class _Texts:
    """Numbers for texts; equal texts have equal numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int | None:
        return self._numbers.setdefault(text, len(self._numbers)) if text else None

    def rows(self) -> Iterator[tuple[int, str]]:
        return ((number, text) for text, number in self._numbers.items())


def _row(number: int, case_no: int, outcome: Outcome, texts: _Texts) -> tuple[Any, ...]:
    return (
        number,
        case_no,
        outcome.adapter,
        outcome.status,
        outcome.kind,
        outcome.profile,
        _round(outcome.budget),
        _round(outcome.max_abs_error),
        _round(outcome.max_ulp_error),
        outcome.transform,
        outcome.explanation,
        outcome.stage,
        round(outcome.seconds, 3),
        texts.number(outcome.detail),
        texts.number(outcome.source),
    )


def _judgement(outcome: Outcome) -> tuple[int, int]:
    status = STATUSES[outcome.status]
    return int(status.gates), int(status.name == "pass" or (status.gates and not status.ours))


def _round(value: float | None) -> float | None:
    # Three digits are enough, and compress well.
    return None if value is None else float(f"{value:.3g}")
