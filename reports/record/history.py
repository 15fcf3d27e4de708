"""Many runs in one small file: when did an answer change, and under which versions.

Consecutive runs with the same answer to a question are one row, so a nightly run of years stays small.

=======  ======================================================================================================
table    holds
=======  ======================================================================================================
runs     a row a run, numbered in the order they were added: ``run_id`` and ``started`` as the run recorded them,
         ``tier``, ``case_set_hash``, ``questions``, ``environments`` (JSON, by adapter)
spells   a row for every stretch of runs with one answer: ``adapter``, ``case_id``, ``first_run``, ``last_run``,
         ``status``, ``kind``, ``transform`` (of the diagnosis), ``digest`` (of the answer's bits)
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
    """A file that is no history, or that cannot be written."""


@dataclass(frozen=True)
class Streak:
    """Consecutive runs with one answer to a question.

    Attributes
    ----------
    adapter, case_id : str
        The question.
    first_run, last_run : int
        Numbers of the runs.
    label, transform, digest : str
        The answer: status and kind in words, the diagnosis, the hash of its bits.
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
        Made if need be.

    Raises
    ------
    HistoryError
        It is another file, or cannot be read or written.
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
            raise HistoryError(f"{path} is no history: {error}") from None
        if (application, version, intact) != (_APPLICATION_ID, _VERSION, True):
            self._connection.close()
            raise HistoryError(f"{path} is no history of this suite, of another version, or damaged")

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, results: Results) -> int:
        """Add a run, whole or not at all.

        Returns
        -------
        int
            Number of questions whose answer is another than before, or that are asked for the first time; 0 for a
            run that was added before.
        """
        meta = results.meta()
        environments = json.dumps(meta.get("environments") or {})
        facts = (meta.get("run_id"), meta.get("started"), meta.get("tier"), meta.get("case_set_hash"))
        try:
            with self._connection:
                added = self._connection.execute(
                    "INSERT OR IGNORE INTO runs (run_id, started, tier, case_set_hash, questions, environments)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (*facts, results.count(), environments),
                )
                if not added.rowcount:
                    return 0
                run = added.lastrowid or 0
                # Our own failures are no answers.
                answers = (
                    outcome for outcome in results.outcomes(details=False) if not STATUSES[outcome.status].ours
                )
                return sum(self._extend(run, outcome) for outcome in answers)
        except sqlite3.Error as error:
            raise HistoryError(f"cannot write {self.path}: {error}") from None

    def _extend(self, run: int, outcome: Outcome) -> bool:
        """Make the latest spell of a question longer, or begin another."""
        transform = (outcome.diagnosis or {}).get("transform")
        answer = (outcome.status, outcome.kind, transform, outcome.digest)
        latest = self._connection.execute(
            "SELECT first_run, status, kind, transform, digest FROM spells WHERE adapter = ? AND case_id = ?"
            " ORDER BY first_run DESC LIMIT 1",
            (outcome.adapter, outcome.case_id),
        ).fetchone()
        if latest is not None and latest[1:] == answer:
            self._connection.execute(
                "UPDATE spells SET last_run = ? WHERE adapter = ? AND case_id = ? AND first_run = ?",
                (run, outcome.adapter, outcome.case_id, latest[0]),
            )
            return False
        self._connection.execute(
            "INSERT INTO spells VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (outcome.adapter, outcome.case_id, run, run, *answer),
        )
        return True

    def runs(self) -> list[dict[str, Any]]:
        """Every run, the earliest started first, with the number of answers that changed with it."""
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
        """The answers to a question over time, or of every question that ever changed.

        Parameters
        ----------
        case_id, adapter : str, optional
            Of this case, of this adapter. Without a case, questions with one answer throughout are left out.
        """
        query = """
            SELECT adapter, case_id, first_run, last_run, status, kind, transform, digest FROM spells AS s
            WHERE (:case IS NULL OR case_id = :case) AND (:adapter IS NULL OR adapter = :adapter)
            AND (:case IS NOT NULL OR (
                SELECT count(*) FROM spells AS t WHERE t.adapter = s.adapter AND t.case_id = s.case_id
            ) > 1) ORDER BY adapter, case_id, first_run
        """
        environments = {row["run"]: row["environments"] for row in self.runs()}
        found = []
        for name, case, first, last, status, kind, transform, digest in self._connection.execute(
            query, {"case": case_id, "adapter": adapter}
        ):
            since, until = (environments[run].get(name, {}).get("versions", {}) for run in (first, last))
            words = label(status, kind)
            found.append(Streak(name, case, first, last, words, transform or "", digest or "", since, until))
        return found
