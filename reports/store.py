"""The record of a run: one SQLite file, written by one process.

Three tables: ``meta`` (schema version, what was run, environments), ``plan`` (every question that was to be
asked, with the columns of its case) and ``outcomes``. A planned question without an outcome is missing.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from cases.case import Case
from cases.columns import COLUMN_NAMES, columns
from reports.outcome import Outcome

__all__ = ["SCHEMA_VERSION", "Results", "ResultsError"]

SCHEMA_VERSION = 1
_COMMIT_SECONDS = 0.2
_OUTCOME_COLUMNS = tuple(item.name for item in fields(Outcome))
_APPLICATION_ID = 0x43544331  # "CTC1", so that another program's database is recognised as such

_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE cases ({", ".join(COLUMN_NAMES)}, PRIMARY KEY (case_id)) WITHOUT ROWID;
CREATE TABLE plan (adapter TEXT, case_id TEXT, PRIMARY KEY (adapter, case_id)) WITHOUT ROWID;
CREATE TABLE outcomes ({", ".join(_OUTCOME_COLUMNS)}, PRIMARY KEY (adapter, case_id)) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""


class ResultsError(ValueError):
    """A file that is no results file of this schema, or that cannot be written."""


class Results:
    """A results file.

    Use `create` or `open`; close it, or use it in a ``with`` block.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._last_commit = time.monotonic()
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Results:
        """Make a new file; an older one at the path is replaced."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for leftover in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                leftover.unlink(missing_ok=True)
            connection = sqlite3.connect(path)
            connection.executescript(f"PRAGMA journal_mode = WAL; {_SCHEMA}")
        except (OSError, sqlite3.Error) as error:
            raise ResultsError(f"cannot write {path}: {error}") from error
        return cls(connection, path)

    @classmethod
    def open(cls, path: Path) -> Results:
        """Open a file that exists.

        Raises
        ------
        ResultsError
            It is not there, no results file, or of another schema version.
        """
        if not path.is_file():
            raise ResultsError(f"there is no results file {path}")
        try:
            connection = sqlite3.connect(path)
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            raise ResultsError(f"{path} is no results file: {error}") from error
        if application != _APPLICATION_ID:
            connection.close()
            raise ResultsError(f"{path} is no results file of this suite")
        if version != SCHEMA_VERSION:
            connection.close()
            raise ResultsError(f"{path} has schema {version}; this version reads schema {SCHEMA_VERSION}")
        return cls(connection, path)

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is pending and close the file."""
        self._connection.commit()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    # --- writing

    def plan(self, questions: Iterable[tuple[str, Case]]) -> None:
        """Record what is going to be asked, as pairs of adapter and case."""
        questions = list(questions)
        rows = [tuple(columns(case).values()) for case in dict.fromkeys(case for _, case in questions)]
        marks = ", ".join("?" * len(COLUMN_NAMES))
        self._connection.executemany(f"INSERT OR IGNORE INTO cases VALUES ({marks})", rows)
        self._connection.executemany(
            "INSERT OR IGNORE INTO plan VALUES (?, ?)", [(adapter, str(case)) for adapter, case in questions]
        )
        self._connection.commit()

    def record(self, outcome: Outcome) -> None:
        """Record an outcome; the latest for a question counts."""
        marks = ", ".join("?" * len(_OUTCOME_COLUMNS))
        self._connection.execute(
            f"INSERT OR REPLACE INTO outcomes VALUES ({marks})", tuple(outcome.row().values())
        )
        if time.monotonic() - self._last_commit > _COMMIT_SECONDS:
            self._connection.commit()
            self._last_commit = time.monotonic()

    def set_meta(self, key: str, value: Any) -> None:
        """Record a fact about the run."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))
        self._connection.commit()

    # --- reading

    def meta(self) -> dict[str, Any]:
        """All facts about the run."""
        return {key: json.loads(value) for key, value in self._connection.execute("SELECT key, value FROM meta")}

    def outcomes(self, where: str = "1") -> Iterator[Outcome]:
        """Every planned question's outcome, ``missing`` where none was recorded."""
        names = ", ".join(f"outcomes.{name}" for name in _OUTCOME_COLUMNS)
        query = f"""
            SELECT plan.case_id, plan.adapter, {names}
            FROM plan JOIN cases USING (case_id) LEFT JOIN outcomes USING (adapter, case_id)
            WHERE {where} ORDER BY plan.adapter, plan.case_id
        """
        for case_id, adapter, *values in self._connection.execute(query):
            if values[_OUTCOME_COLUMNS.index("status")] is None:
                yield Outcome(case_id, adapter, "missing", detail="no outcome was recorded")
            else:
                yield Outcome.from_row(dict(zip(_OUTCOME_COLUMNS, values, strict=True)))

    def cases(self) -> dict[str, dict[str, Any]]:
        """The columns of every planned case, by id."""
        query = f"SELECT {', '.join(COLUMN_NAMES)} FROM cases ORDER BY case_id"
        return {row[0]: dict(zip(COLUMN_NAMES, row, strict=True)) for row in self._connection.execute(query)}

    def count(self) -> int:
        """Number of planned questions."""
        return int(self._connection.execute("SELECT count(*) FROM plan").fetchone()[0])
