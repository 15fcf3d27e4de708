"""Programs in a record: kept as their two parts, and split where an older schema kept one text."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.cases.program import Program
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results, ResultsError

FIRST, SECOND = (str(Case.parse(f"1d-i{size}-k3")) for size in (3, 4))
BLANK_LINE_IN_SETUP = Program(("import framework", "", "framework.exact = True"), ("y = f(x)", "", "y = y[1:]"))


def record(path: Path, outcome: Outcome) -> Path:
    with Results.create(path) as results:
        results.plan([(outcome.adapter, Case.parse(outcome.case_id))])
        results.record(outcome)
    return path


def change(path: Path, statement: str, *values: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize("program", [None, BLANK_LINE_IN_SETUP, Program((), ("y = f(x)",))])
def test_a_program_comes_back_in_its_parts(tmp_path: Path, program: Program | None) -> None:
    outcome = Outcome(
        FIRST, "a", "fail", "stateful", program=program, after_programs={SECOND: BLANK_LINE_IN_SETUP}
    )
    with Results.open(record(tmp_path / "r.sqlite", outcome)) as results:
        assert results.outcome("a", FIRST) == outcome
    assert Outcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("import framework\n\ny = f(x)\n\ny = -y\n", Program(("import framework",), ("y = f(x)", "", "y = -y"))),
        ("\ny = f(x)\n", Program((), ("y = f(x)",))),
        ("# the process had died\n", None),
        ("", None),
    ],
)
def test_the_text_of_an_older_schema_is_split(tmp_path: Path, text: str, program: Program | None) -> None:
    path = record(tmp_path / "r.sqlite", Outcome(FIRST, "a", "fail", "stateful"))
    change(path, "UPDATE outcomes SET program = ?, after_programs = ?", text, json.dumps({SECOND: text}))
    change(path, "PRAGMA user_version = 3")
    with Results.open(path) as results:
        outcome = results.outcome("a", FIRST)
    assert outcome.program == program
    assert outcome.after_programs == ({} if program is None else {SECOND: program})


@pytest.mark.parametrize(
    "damaged", ["y = f(x)", "[]", '{"setup": []}', '{"setup": [], "body": [1]}', '{"body": "y"}']
)
def test_a_damaged_program_is_refused(tmp_path: Path, damaged: str) -> None:
    path = record(tmp_path / "r.sqlite", Outcome(FIRST, "a", "fail", "values"))
    change(path, "UPDATE outcomes SET program = ?", damaged)
    with pytest.raises(ResultsError, match="is damaged: the data of an outcome are not JSON"):
        Results.open(path)
