"""The record of a table of ports: one SQLite file with one row per port, written as ports are found.

========  =====================================================================================================
table     holds
========  =====================================================================================================
versions  one row per adapter: ``adapter``, and ``versions`` of its packages (JSON) when it was first used
ports     one row per port: ``adapter``, ``case_id``, and the result as ``kind``, ``why`` and ``taken``
========  =====================================================================================================

``PRAGMA application_id`` is ``CTP1`` and ``PRAGMA user_version`` the schema version.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.cases import Case
from conformance.reports.record.earlier import keep_earlier

__all__ = ["KINDS", "Ported", "PortsError", "PortsRecord"]

KINDS = ("direct", "with steps", "none", "known", "wrong")
_APPLICATION_ID = 0x43545031  # "CTP1"
_VERSION = 1
_SCHEMA = f"""
CREATE TABLE versions (adapter TEXT PRIMARY KEY, versions TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE ports (
    adapter TEXT, case_id TEXT, kind TEXT NOT NULL, why TEXT NOT NULL, taken INTEGER NOT NULL,
    PRIMARY KEY (adapter, case_id)
) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
"""


class PortsError(ValueError):
    """A file is not a record of ports, cannot be written, or was started with different versions."""


@dataclass(frozen=True)
class Ported:
    """The result of porting one case to one interface.

    Attributes
    ----------
    kind : str
        One of `KINDS`: ``direct`` (one call, right), ``with steps`` (right with steps around it), ``none``,
        ``known`` (wrong in every form, because of a discrepancy of the interface that is known), ``wrong`` (any
        other).
    why : str
        Why it is not ``direct``.
    taken : bool
        Whether the interface takes the case in one call, whether its output is right or wrong.
    """

    kind: str
    why: str = ""
    taken: bool = True


class PortsRecord:
    """A file of ports; use it in a ``with`` block. Several threads may write.

    Parameters
    ----------
    path : Path or None
        The file; None to keep nothing beyond the process.
    resume : bool
        Whether to continue the file, if it exists, or to start again; the old one moves into ``earlier``.

    Raises
    ------
    PortsError
        It is a different kind of file, or cannot be written.
    """

    def __init__(self, path: Path | None = None, *, resume: bool = False) -> None:
        self.path = path or ":memory:"
        try:
            self._connect()
            facts = [self._one(f"PRAGMA {name}") for name in ("application_id", "user_version", "quick_check(1)")]
        except (OSError, sqlite3.Error) as error:
            raise PortsError(f"{path} is not a record of ports, or cannot be written: {error}") from None
        if facts != [_APPLICATION_ID, _VERSION, "ok"]:
            self._connection.close()
            raise PortsError(f"{path} is not a record of ports of this version of the suite, or is damaged")
        if path is not None and not resume and self._one("SELECT count(*) FROM ports"):
            self._connection.close()
            try:
                keep_earlier(path)
                path.unlink()
                self._connect()
            except (OSError, sqlite3.Error) as error:
                raise PortsError(f"cannot write {path}: {error}") from None
        elif not resume:
            self._run("DELETE FROM versions")

    def _connect(self) -> None:
        # Every statement is a transaction of its own, so that recorded ports survive any end of the process.
        self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        if isinstance(self.path, str) or not self.path.stat().st_size:
            self._connection.executescript(_SCHEMA)

    def __enter__(self) -> PortsRecord:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def set_versions(self, adapter: str, versions: Mapping[str, str]) -> None:
        """Record the versions that run; raise PortsError if the file has different ones."""
        self._run("INSERT OR IGNORE INTO versions VALUES (?, ?)", (adapter, json.dumps(versions)))
        before = json.loads(self._one("SELECT versions FROM versions WHERE adapter = ?", (adapter,)))
        if before != versions:
            raise PortsError(
                f"{adapter} changed from {before} to {versions} since {self.path} was started; drop --resume"
            )

    def add(self, adapter: str, case: Case, ported: Ported) -> None:
        """Record one port; the latest counts."""
        row = (adapter, str(case), ported.kind, ported.why, ported.taken)
        self._run("INSERT OR REPLACE INTO ports VALUES (?, ?, ?, ?, ?)", row)

    def ports(self, adapter: str) -> dict[Case, Ported]:
        """Return the ports of an adapter that are recorded."""
        query = "SELECT case_id, kind, why, taken FROM ports WHERE adapter = ?"
        rows = self._connection.execute(query, (adapter,))
        return {Case.parse(case_id): Ported(kind, why, bool(taken)) for case_id, kind, why, taken in rows}

    def _one(self, query: str, values: Sequence[Any] = ()) -> Any:
        return self._connection.execute(query, values).fetchone()[0]

    def _run(self, statement: str, values: Sequence[Any] = ()) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise PortsError(f"cannot write {self.path}: {error}") from None
