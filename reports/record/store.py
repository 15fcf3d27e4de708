"""The record of a run: one SQLite file, written by one process. The module `schema` documents the tables."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

from conformance.cases.case import Case
from conformance.cases.columns import COLUMN_NAMES, Row, columns
from conformance.reports.record import schema
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.schema import OUTCOME_FIELDS, SCHEMA_VERSION

__all__ = ["SCHEMA_VERSION", "Results", "ResultsError"]

_ROWS_AT_A_TIME = 10_000


class ResultsError(ValueError):
    """A file that is not a results file of this schema, or that cannot be written."""


class Results:
    """A results file.

    Use `create` or `open`; close it, or use it in a ``with`` block.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, *, writes: bool) -> None:
        self._connection = connection
        self._writes = writes
        self._cases: dict[str, Row] | None = None
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Results:
        """Create a new file; it replaces an older one at the path."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for leftover in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                leftover.unlink(missing_ok=True)
            connection = cls._connect(path)
            schema.create_tables(connection)
            results = cls(connection, path, writes=True)
            results.set_meta("run_id", uuid.uuid4().hex)
        except (OSError, sqlite3.Error) as error:
            raise ResultsError(f"cannot write {path}: {error}") from error
        return results

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Results:
        """Open a file that exists.

        Parameters
        ----------
        path : Path
            The file. One of an older schema is migrated: in memory, unless ``write`` is given.
        write : bool
            Whether to record more outcomes.

        Raises
        ------
        ResultsError
            It does not exist, is not a results file, is damaged, or has a newer schema version.
        """
        if not path.is_file():
            raise ResultsError(f"no such results file: {path}")
        try:
            connection = cls._connect(path) if write else sqlite3.connect(path)
        except sqlite3.Error as error:
            raise ResultsError(f"{path} is not a results file: {error}") from error
        try:
            connection = cls._up_to_date(connection, path, write)
        except (sqlite3.Error, ValueError) as error:
            connection.close()
            if isinstance(error, ResultsError):
                raise
            raise ResultsError(f"{path} is not a results file, or is damaged: {error}") from error
        return cls(connection, path, writes=write)

    def copy(self, path: Path) -> Results:
        """Copy the record into a new file, as a run of its own, and open that for writing."""
        results = Results.create(path)
        try:
            run_id = results.meta()["run_id"]
            self._connection.backup(results._connection)
            results.set_meta("run_id", run_id)
        except sqlite3.Error as error:
            results.close()
            raise ResultsError(f"cannot write {path}: {error}") from error
        return results

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        """Open for writing: committed data survive the end of the process, even if it is killed."""
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @staticmethod
    def _up_to_date(connection: sqlite3.Connection, path: Path, write: bool) -> sqlite3.Connection:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != schema.APPLICATION_ID:
            raise ResultsError(f"{path} is not a results file of this suite")
        if version > SCHEMA_VERSION:
            raise ResultsError(
                f"{path} has schema {version}; this version reads schema {SCHEMA_VERSION} and older"
            )
        if schema.needs_migration(connection):
            if not write:
                copy = sqlite3.connect(":memory:")
                connection.backup(copy)
                connection.close()
                connection = copy
            schema.migrate(connection)
        wrong = schema.problem(connection)
        if wrong is not None:
            raise ResultsError(f"{path} is damaged: {wrong}")
        return connection

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write pending data and close the file, which leaves a single file."""
        with suppress(sqlite3.Error):  # such as a full disk: what was committed stays in the write-ahead log
            if self._writes:
                self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()

    # --- writing

    def plan(self, here: Iterable[tuple[str, Case]], *, elsewhere: Iterable[tuple[str, Case]] = ()) -> None:
        """Record the pairs of adapter and case that this run (`here`) and other shards (`elsewhere`) run."""
        self._cases = None
        marks = ", ".join("?" * len(COLUMN_NAMES))
        seen: set[Case] = set()
        planned = chain(((key, 0) for key in elsewhere), ((key, 1) for key in here))
        with self._connection:
            while part := list(islice(planned, _ROWS_AT_A_TIME)):
                new = dict.fromkeys(case for (_, case), _ in part if case not in seen)
                seen.update(new)
                rows = [tuple(columns(case).values()) for case in new]
                self._connection.executemany(f"INSERT OR IGNORE INTO cases VALUES ({marks})", rows)
                self._connection.executemany(
                    "INSERT INTO plan VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET here = max(here, excluded.here)",
                    [(adapter, str(case), is_here) for (adapter, case), is_here in part],
                )

    def record(self, outcome: Outcome) -> None:
        """Record an outcome; it replaces an earlier one of the same adapter and case, and survives a crash."""
        self.record_all([outcome])

    def record_all(self, outcomes: Iterable[Outcome]) -> None:
        """Record outcomes, all or none."""
        marks = ", ".join("?" * len(OUTCOME_FIELDS))
        statement = f"INSERT OR REPLACE INTO outcomes ({', '.join(OUTCOME_FIELDS)}) VALUES ({marks})"
        with self._connection:
            self._connection.executemany(statement, (tuple(outcome.row().values()) for outcome in outcomes))

    def discard(self, keys: Iterable[tuple[str, str]]) -> None:
        """Remove the outcomes of some pairs of adapter and case id; they stay in the plan."""
        with self._connection:
            self._connection.executemany("DELETE FROM outcomes WHERE adapter = ? AND case_id = ?", keys)

    def set_meta(self, key: str, value: Any) -> None:
        """Record a fact about the run."""
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    # --- reading

    def meta(self) -> dict[str, Any]:
        """All facts about the run."""
        return {key: json.loads(value) for key, value in self._connection.execute("SELECT key, value FROM meta")}

    def adapters(self, *, here: bool = True) -> list[str]:
        """Names of the adapters of this run; with ``here`` false, those of every shard."""
        query = "SELECT DISTINCT adapter FROM plan WHERE here >= ? ORDER BY adapter"
        return [name for (name,) in self._connection.execute(query, (int(here),))]

    def counts(self) -> dict[str, Counter[str]]:
        """Number of planned cases by status, for each adapter."""
        query = """
            SELECT plan.adapter, coalesce(outcomes.status, 'missing'), count(*)
            FROM plan LEFT JOIN outcomes USING (adapter, case_id) WHERE plan.here GROUP BY 1, 2 ORDER BY 1
        """
        by_adapter: dict[str, Counter[str]] = {}
        for adapter, status, number in self._connection.execute(query):
            by_adapter.setdefault(adapter, Counter())[status] = number
        return by_adapter

    def outcomes(
        self, adapter: str | None = None, statuses: Collection[str] = (), *, details: bool = True
    ) -> Iterator[Outcome]:
        """The outcome of every planned case and adapter; ``missing`` if none was recorded.

        Parameters
        ----------
        adapter : str, optional
            Only those of this adapter.
        statuses : collection of str
            Only those with one of these statuses; empty for all.
        details : bool
            Whether to read the program and the evidence, which make an outcome a hundred times as large.
        """
        omitted = {} if details else {"program": "NULL", "evidence": "NULL", "after_programs": "NULL"}
        names = ", ".join(omitted.get(name, f"outcomes.{name}") for name in OUTCOME_FIELDS)
        query = f"""
            SELECT plan.case_id, plan.adapter, {names}
            FROM plan JOIN cases USING (case_id) LEFT JOIN outcomes USING (adapter, case_id)
            WHERE plan.here {"" if adapter is None else "AND plan.adapter = ?"}
            {f"AND coalesce(outcomes.status, 'missing') IN ({', '.join('?' * len(statuses))})" if statuses else ""}
            ORDER BY plan.adapter, plan.case_id
        """
        arguments = [*([] if adapter is None else [adapter]), *statuses]
        for case_id, name, *values in self._connection.execute(query, arguments):
            if values[OUTCOME_FIELDS.index("status")] is None:
                yield Outcome(case_id, name, "missing", detail="no outcome was recorded")
            else:
                yield Outcome.from_row(dict(zip(OUTCOME_FIELDS, values, strict=True)))

    def outcome(self, adapter: str, case_id: str) -> Outcome:
        """The recorded outcome of one adapter and case, with all details.

        Raises
        ------
        KeyError
            No outcome is recorded.
        """
        query = f"SELECT {', '.join(OUTCOME_FIELDS)} FROM outcomes WHERE adapter = ? AND case_id = ?"
        row = self._connection.execute(query, (adapter, case_id)).fetchone()
        if row is None:
            raise KeyError(f"no outcome of {adapter} for {case_id}")
        return Outcome.from_row(dict(zip(OUTCOME_FIELDS, row, strict=True)))

    def cases(self) -> dict[str, Row]:
        """The columns of every planned case, by id; treat as read-only."""
        if self._cases is None:
            rows = self._connection.execute(f"SELECT {', '.join(COLUMN_NAMES)} FROM cases ORDER BY case_id")
            self._cases = {row[0]: dict(zip(COLUMN_NAMES, row, strict=True)) for row in rows}
        return self._cases

    def case_ids(self, adapter: str, *, here: bool = True) -> list[str]:
        """Sorted ids of the planned cases of an adapter; with ``here`` false, those of every shard."""
        query = "SELECT case_id FROM plan WHERE adapter = ? AND here >= ? ORDER BY case_id"
        return [case_id for (case_id,) in self._connection.execute(query, (adapter, int(here)))]

    def count(self, *, here: bool = True) -> int:
        """Number of pairs of adapter and case of this run; with ``here`` false, of every shard."""
        return int(
            self._connection.execute("SELECT count(*) FROM plan WHERE here >= ?", (int(here),)).fetchone()[0]
        )
