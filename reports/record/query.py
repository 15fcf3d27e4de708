"""The condition language: one SQL expression over named columns, evaluated by SQLite and nothing else.

An authorizer allows only reading the available columns and calling harmless functions, so conditions from any
source are safe to run.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from conformance.cases.names import did_you_mean

__all__ = ["Table", "WhereError", "columns_read", "matching"]

_TABLE = "candidates"
_FUNCTIONS = frozenset(
    {"abs", "coalesce", "glob", "iif", "ifnull", "instr", "length", "like", "lower"}
    | {"max", "min", "nullif", "round", "sign", "substr", "trim", "upper"}
)
_MAX_LENGTH = 2000
_MAX_STEPS = 50_000_000


class WhereError(ValueError):
    """A condition that is malformed, or that does more than it may."""


class Table:
    """Rows that can be matched against conditions.

    Parameters
    ----------
    rows : iterable of dict
        Values by column name.
    column_names : sequence of str
        The available columns.
    """

    def __init__(self, rows: Iterable[dict[str, Any]], column_names: Sequence[str]) -> None:
        self._names = column_names
        names = ", ".join(f'"{name}"' for name in column_names)
        marks = ", ".join("?" * (len(column_names) + 1))
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute(f"CREATE TABLE {_TABLE} (row_number_, {names})")
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100)
        table = [(n, *(row[name] for name in column_names)) for n, row in enumerate(rows)]
        self._connection.executemany(f"INSERT INTO {_TABLE} VALUES ({marks})", table)
        self._connection.commit()
        self._size = len(table)

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def matching(self, condition: str) -> list[bool]:
        """Which rows meet a condition; see the function `matching`."""
        return self.match(condition)[0]

    def match(self, condition: str) -> tuple[list[bool], frozenset[str]]:
        """Which rows meet a condition, and the names of the columns it reads."""
        if len(condition) > _MAX_LENGTH or "\0" in condition:
            raise WhereError(f"a condition may have at most {_MAX_LENGTH} characters and no NUL")
        if '"' in condition:
            # SQLite would read a misspelt column in double quotes as a string, without an error.
            raise WhereError(f"condition {condition!r}: write columns without quotes and strings in single quotes")
        # The condition has lines of its own, so that a comment in the condition cannot swallow what follows.
        query = f"SELECT row_number_, CASE WHEN\n{condition}\nTHEN 1 ELSE 0 END FROM {_TABLE}"
        with _restrict(self._connection) as names_read:
            try:
                met = {row[0] for row in self._connection.execute(query) if row[1]}
            except (sqlite3.Error, sqlite3.Warning, UnicodeEncodeError) as error:
                available = ", ".join(self._names)
                message = " ".join(str(error).split())  # SQLite quotes the condition with its line breaks
                hint = _hint(message, condition, self._names)
                raise WhereError(f"condition {condition!r}: {message}{hint}; columns are {available}") from None
        return [number in met for number in range(self._size)], frozenset(names_read.intersection(self._names))


def _hint(message: str, condition: str, names: Sequence[str]) -> str:
    """What was meant by an unknown column: a similar one, or a string without its quotes."""
    unknown = re.search(r"no such column: (\w+)$", message)
    if unknown is None:
        return ""
    name = re.escape(unknown[1])
    if re.search(rf"(?:=|<>|!=|\bis(?: not)?|\blike)\s*{name}\b|[(,]\s*{name}\s*[,)]", condition, re.IGNORECASE):
        return f" (did you mean the string '{unknown[1]}'?)"
    return did_you_mean(unknown[1], names)


@contextmanager
def _restrict(connection: sqlite3.Connection) -> Iterator[set[str]]:
    """Let a connection read only this table and for a limited time; yield the set of columns that it reads."""
    names: set[str] = set()

    def allow(action: int, first: str | None, second: str | None, *_: Any) -> int:
        reads = action == sqlite3.SQLITE_READ and first == _TABLE
        if reads and second:
            names.add(second)
        allowed = (
            action == sqlite3.SQLITE_SELECT
            or reads
            or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS)
        )
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    steps = iter(range(_MAX_STEPS // 100_000))
    connection.set_authorizer(allow)
    connection.set_progress_handler(lambda: 0 if next(steps, None) is not None else 1, 100_000)
    try:
        yield names
    finally:
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)


def matching(rows: Iterable[dict[str, Any]], condition: str, column_names: Sequence[str]) -> list[bool]:
    """Which rows meet a condition.

    Parameters
    ----------
    rows : iterable of dict
        Values by column name.
    condition : str
        A SQL expression, such as ``stride_max > kernel_min and padding = 'same'``.
    column_names : sequence of str
        The available columns.

    Returns
    -------
    list of bool
        One value per row.

    Raises
    ------
    WhereError
        The message names what is wrong with the condition.
    """
    with Table(rows, column_names) as table:
        return table.matching(condition)


def columns_read(condition: str, column_names: Sequence[str]) -> frozenset[str]:
    """The columns that a condition reads; raises WhereError as `matching` does."""
    with Table((), column_names) as table:
        return table.match(condition)[1]
