"""Many runs in one small file: when did an outcome change, and under which versions.

Consecutive runs with the same outcome of a case are one row, so years of nightly runs stay small.

=======  ======================================================================================================
table    holds
=======  ======================================================================================================
runs     one row per run, numbered in the order in which they started: ``run_id``, ``started``,
         ``tier``, ``case_set_hash``, ``questions``, ``environments`` (JSON, by adapter)
spells   one row per streak of runs with the same outcome: ``adapter``, ``case_id``, ``first_run``, ``last_run``,
         ``status``, ``kind``, ``transform`` (of the diagnosis), ``digest`` (of the bits of the output)
=======  ======================================================================================================

``PRAGMA application_id`` is ``CTH1`` and ``PRAGMA user_version`` the schema version.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import STATUSES, label
from conformance.reports.record.store import Results

__all__ = ["History", "HistoryError", "Streak"]

_APPLICATION_ID = 0x43544831  # "CTH1"
_VERSION = 1
_SCHEMA = f"""
CREATE TABLE runs (
    run INTEGER PRIMARY KEY, run_id TEXT UNIQUE NOT NULL, started REAL, tier TEXT, case_set_hash TEXT,
    questions INTEGER, environments TEXT NOT NULL
);
CREATE TABLE spells (
    adapter TEXT, case_id TEXT, first_run INTEGER, last_run INTEGER,
    status TEXT NOT NULL, kind TEXT, transform TEXT, digest TEXT,
    PRIMARY KEY (adapter, case_id, first_run)
) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
"""


class HistoryError(ValueError):
    """A file that is not a history, or that cannot be written."""


@dataclass(frozen=True, kw_only=True)
class Streak:
    """Consecutive runs with the same outcome of a case.

    Attributes
    ----------
    adapter, case_id : str
        The adapter and the case.
    first_run, last_run : int
        Numbers of the first and the last run.
    label, transform, digest : str
        The outcome: text for status and kind, the diagnosis, the hash of the bits of the output.
    since, until : dict
        Versions in the first and in the last of the runs.
    """

    adapter: str
    case_id: str
    first_run: int
    last_run: int
    label: str
    transform: str
    digest: str
    since: dict[str, str]
    until: dict[str, str]


class History:
    """A file of runs; use it in a ``with`` block.

    Parameters
    ----------
    path : Path
        The file; created if it does not exist.

    Raises
    ------
    HistoryError
        It is not a history, or cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        is_new = not path.exists() or path.stat().st_size == 0
        try:
            self._connection = sqlite3.connect(path)
            if is_new:
                self._connection.executescript(_SCHEMA)
            application = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            intact = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        except sqlite3.Error as error:
            raise HistoryError(f"{path} is not a history: {error}") from None
        if (application, version, intact) != (_APPLICATION_ID, _VERSION, True):
            self._connection.close()
            raise HistoryError(f"{path} is not a history of this suite, has a different version, or is damaged")

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, results: Results) -> int:
        """Add a run, completely or not at all; it may be older than others.

        Returns
        -------
        int
            Number of cases whose outcome differs from before, or that are new; 0 for a run that was added before.
        """
        meta = results.meta()
        environments = json.dumps(meta.get("environments") or {})
        facts = (meta.get("run_id"), meta.get("started"), meta.get("tier"), meta.get("case_set_hash"))
        try:
            with self._connection:
                if self._connection.execute("SELECT 1 FROM runs WHERE run_id = ?", facts[:1]).fetchone():
                    return 0
                run = self._make_room(meta.get("started") or 0)
                self._connection.execute(
                    "INSERT INTO runs (run, run_id, started, tier, case_set_hash, questions, environments)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (run, *facts, results.count(), environments),
                )
                # Failures of the suite say nothing about the adapter.
                judged = (
                    outcome for outcome in results.outcomes(details=False) if not STATUSES[outcome.status].ours
                )
                return sum(self._extend(run, outcome) for outcome in judged)
        except sqlite3.Error as error:
            raise HistoryError(f"cannot write {self.path}: {error}") from None

    def _make_room(self, started: float) -> int:
        """The number of a run by the time of its start; those of later runs become larger by one."""
        later, last = (
            self._connection.execute(query, values).fetchone()[0]
            for query, values in (
                ("SELECT min(run) FROM runs WHERE coalesce(started, 0) > ?", (started,)),
                ("SELECT coalesce(max(run), 0) FROM runs", ()),
            )
        )
        if later is None:
            return int(last) + 1
        # By way of negative numbers, as two rows must not have the same one in between.
        for table, column in (("runs", "run"), ("spells", "first_run"), ("spells", "last_run")):
            self._connection.execute(f"UPDATE {table} SET {column} = -{column} WHERE {column} >= ?", (later,))
            self._connection.execute(f"UPDATE {table} SET {column} = 1 - {column} WHERE {column} < 0")
        return int(later)

    def _extend(self, run: int, outcome: Outcome) -> bool:
        """Add an outcome to a streak of its case, or start a new one; whether it is new."""
        current = (outcome.status, outcome.kind, outcome.transform, outcome.digest)
        key = (outcome.adapter, outcome.case_id)
        before, after = (
            self._connection.execute(
                "SELECT first_run, last_run, status, kind, transform, digest FROM spells"
                f" WHERE adapter = ? AND case_id = ? AND first_run {compared} LIMIT 1",
                (*key, run),
            ).fetchone()
            for compared in ("< ? ORDER BY first_run DESC", "> ? ORDER BY first_run")
        )
        if before is not None and before[2:] == current:
            self._set(key, before[0], "last_run", max(before[1], run))
            return False
        if before is not None and before[1] > run:
            # The run is within a streak of a different outcome. Which of its runs had the case is not recorded.
            self._set(key, before[0], "last_run", run - 1)
            self._insert(key, run + 1, *before[1:])
        elif after is not None and after[2:] == current:
            self._set(key, after[0], "first_run", run)
            return False
        self._insert(key, run, run, *current)
        return True

    def _set(self, key: tuple[str, str], first_run: int, column: str, run: int) -> None:
        statement = f"UPDATE spells SET {column} = ? WHERE adapter = ? AND case_id = ? AND first_run = ?"
        self._connection.execute(statement, (run, *key, first_run))

    def _insert(self, key: tuple[str, str], *values: Any) -> None:
        self._connection.execute("INSERT INTO spells VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*key, *values))

    def runs(self) -> list[dict[str, Any]]:
        """Every run, in the order in which they started, with the number of outcomes that changed with it."""
        query = """
            SELECT run, run_id, started, tier, case_set_hash, questions, environments, (
                SELECT count(*) FROM spells AS s WHERE s.first_run = run AND EXISTS (
                    SELECT 1 FROM spells AS t
                    WHERE t.adapter = s.adapter AND t.case_id = s.case_id AND t.first_run < s.first_run
                )
            ) AS changed FROM runs ORDER BY started, run
        """
        cursor = self._connection.execute(query)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
        return [{**row, "environments": json.loads(row["environments"])} for row in rows]

    def adapters(self) -> list[str]:
        """The adapters of all runs."""
        return [name for (name,) in self._connection.execute("SELECT DISTINCT adapter FROM spells ORDER BY 1")]

    def streaks(self, *, case_id: str | None = None, adapter: str | None = None) -> list[Streak]:
        """The streaks of one case, or of every case whose outcome ever changed.

        Parameters
        ----------
        case_id, adapter : str, optional
            Only of this case, only of this adapter. Without a case, cases with a single streak are left out.
        """
        query = """
            SELECT adapter, case_id, first_run, last_run, status, kind, transform, digest FROM spells AS s
            WHERE (:case IS NULL OR case_id = :case) AND (:adapter IS NULL OR adapter = :adapter)
            AND (:case IS NOT NULL OR (
                SELECT count(*) FROM spells AS t WHERE t.adapter = s.adapter AND t.case_id = s.case_id
            ) > 1) ORDER BY adapter, case_id, first_run
        """
        environments = {row["run"]: row["environments"] for row in self.runs()}
        streaks = []
        for name, case, first, last, status, kind, transform, digest in self._connection.execute(
            query, {"case": case_id, "adapter": adapter}
        ):
            since, until = (environments[run].get(name, {}).get("versions", {}) for run in (first, last))
            streaks.append(
                Streak(
                    adapter=name,
                    case_id=case,
                    first_run=first,
                    last_run=last,
                    label=label(status, kind),
                    transform=transform or "",
                    digest=digest or "",
                    since=since,
                    until=until,
                )
            )
        return streaks
