"""The tables of a results file, and how older files are migrated.

=========  ====================================================================================================
table      holds
=========  ====================================================================================================
meta       facts about the run, one per row, as JSON: ``run_id``, ``started`` (seconds since 1970), ``seconds``,
           ``command``, ``tier``, ``shard`` (such as ``2/3``), ``case_set_hash`` (of the whole selection, all
           shards), ``environments`` (by adapter; see `conformance.adapters.environment.describe`), ``gate``
cases      one row per case: ``case_id`` and the columns of `conformance.cases.columns`, all computed from the id
plan       one row per adapter and case: ``adapter``, ``case_id``, and ``here``: 1 if this run was to run the
           case, 0 if another shard was. A row with ``here`` = 1 and no outcome is missing
outcomes   one row per adapter and case that was run: the fields of `Outcome`, ``diagnosis``, ``program``,
           ``evidence``, ``after`` and ``after_programs`` as JSON
=========  ====================================================================================================

``PRAGMA application_id`` is ``CTC1`` and ``PRAGMA user_version`` the schema version. A new field of an outcome or
column of a case needs no new version: the field is added empty, the column is computed from the ids. Any other
change needs a new version and a step in ``MIGRATIONS``.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from conformance.cases.case import Case
from conformance.cases.columns import COLUMN_NAMES, columns
from conformance.reports.record.diagnosis import OPTIONAL_TEXTS
from conformance.reports.record.findings import Condition
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import FAIL_KINDS, STATUSES

__all__ = [
    "APPLICATION_ID",
    "OUTCOME_FIELDS",
    "SCHEMA_VERSION",
    "create_tables",
    "migrate",
    "needs_migration",
    "problem",
]

APPLICATION_ID = 0x43544331  # "CTC1", so that the database of a different program is recognised as such
SCHEMA_VERSION = 4
OUTCOME_FIELDS = tuple(item.name for item in fields(Outcome))

_CASES = f"CREATE TABLE cases ({', '.join(COLUMN_NAMES)}, PRIMARY KEY (case_id)) WITHOUT ROWID"
_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
{_CASES};
CREATE TABLE plan (
    adapter TEXT, case_id TEXT, here INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (adapter, case_id)
) WITHOUT ROWID;
CREATE TABLE outcomes ({", ".join(OUTCOME_FIELDS)}, PRIMARY KEY (adapter, case_id)) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""


def _shards(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE plan ADD COLUMN here INTEGER NOT NULL DEFAULT 1")


def _calls_before(connection: sqlite3.Connection) -> None:
    for name in ("after", "after_programs"):
        if name not in _columns(connection, "outcomes"):
            connection.execute(f"ALTER TABLE outcomes ADD COLUMN {name} DEFAULT NULL")


def _programs_in_parts(connection: sqlite3.Connection) -> None:
    """Split the text of a program at the blank line that was between its parts.

    A text without one was a comment that said why there was no program.
    """

    def parts(text: str) -> dict[str, list[str]] | None:
        setup, blank_line, body = f"\n{text}".partition("\n\n")
        return {"setup": setup.strip().splitlines(), "body": body.splitlines()} if blank_line else None

    def one(text: Any) -> Any:
        split = parts(text) if _is_text(text) else None
        return None if split is None else json.dumps(split)

    def several(text: str) -> str:
        programs = {case_id: parts(program) for case_id, program in json.loads(text).items()}
        return json.dumps({case_id: split for case_id, split in programs.items() if split is not None})

    connection.create_function("program_in_parts", 1, one, deterministic=True)
    connection.create_function("programs_in_parts", 1, several, deterministic=True)
    connection.execute("UPDATE outcomes SET program = program_in_parts(program)")
    connection.execute(
        "UPDATE outcomes SET after_programs = programs_in_parts(after_programs) WHERE after_programs IS NOT NULL"
    )


MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {
    1: _shards,
    2: _calls_before,
    3: _programs_in_parts,
}
"""The step from each version to the next."""


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables of a new file."""
    connection.executescript(_SCHEMA)


def _columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    return tuple(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))


def needs_migration(connection: sqlite3.Connection) -> bool:
    """Whether a file was written by an older version of the suite."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    return (
        version != SCHEMA_VERSION
        or _columns(connection, "cases") != COLUMN_NAMES
        or not set(OUTCOME_FIELDS) <= set(_columns(connection, "outcomes"))
    )


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate a file of an older version to this one, in one transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    with connection:
        connection.execute("BEGIN")
        for step in range(version, SCHEMA_VERSION):
            MIGRATIONS[step](connection)
        existing = _columns(connection, "outcomes")
        for item in fields(Outcome):
            if item.name not in existing:
                default = {"": "''", 0.0: "0"}.get(item.default, "NULL")
                connection.execute(f"ALTER TABLE outcomes ADD COLUMN {item.name} DEFAULT {default}")
        if _columns(connection, "cases") != COLUMN_NAMES:
            ids = [row[0] for row in connection.execute("SELECT DISTINCT case_id FROM plan")]
            connection.execute("DROP TABLE cases")
            connection.execute(_CASES)
            marks = ", ".join("?" * len(COLUMN_NAMES))
            rows = (tuple(columns(Case.parse(case_id)).values()) for case_id in ids)
            connection.executemany(f"INSERT INTO cases VALUES ({marks})", rows)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


# Everything that is read from a file later is checked here first: each query finds a malformed row.
_CHECKS = {
    "an outcome has an unknown status": "SELECT 1 FROM outcomes WHERE status NOT IN ({statuses})",
    "an outcome has an unknown kind": "SELECT 1 FROM outcomes WHERE kind NOT IN ({kinds})",
    "a text is not text": "SELECT 1 FROM outcomes WHERE typeof(detail) <> 'text' OR typeof(digest) <> 'text'"
    " OR typeof(source) <> 'text' OR typeof(coalesce(profile, '')) <> 'text'",
    "a stage is not text": "SELECT 1 FROM outcomes WHERE typeof(coalesce(stage, '')) <> 'text'",
    "a number is not a number": "SELECT 1 FROM outcomes WHERE typeof(seconds) NOT IN ('integer', 'real')"
    " OR typeof(coalesce(budget, 0)) NOT IN ('integer', 'real')"
    " OR typeof(coalesce(max_abs_error, 0)) NOT IN ('integer', 'real')"
    " OR typeof(coalesce(max_ulp_error, 0)) NOT IN ('integer', 'real')",
    "the data of an outcome are not JSON": "SELECT 1 FROM outcomes WHERE NOT is_diagnosis(diagnosis)"
    " OR NOT is_evidence(evidence) OR NOT is_program(program)",
    "the calls before an outcome are not text": "SELECT 1 FROM outcomes WHERE NOT are_texts(after)"
    " OR NOT are_programs(after_programs)",
    "a fact about the run is not JSON": "SELECT 1 FROM meta WHERE NOT is_json(value)",
    "a case has no id": "SELECT 1 FROM cases WHERE typeof(case_id) <> 'text' OR case_id GLOB '*[^0-9a-z._-]*'",
    "a count of a case is not an integer": "SELECT 1 FROM cases WHERE typeof(batch) <> 'integer'"
    " OR typeof(in_channels) <> 'integer' OR typeof(out_channels) <> 'integer'",
    "a size is malformed": "SELECT 1 FROM cases WHERE NOT is_size(input_size) OR NOT is_size(kernel_size)",
    "a planned adapter has no name": "SELECT 1 FROM plan WHERE typeof(adapter) <> 'text' OR adapter = ''",
    "a planned case has no row": "SELECT 1 FROM plan WHERE case_id NOT IN (SELECT case_id FROM cases)",
}


def _is_json(text: Any) -> bool:
    try:
        json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _is_object(text: Any) -> bool:
    return text is None or (_is_json(text) and isinstance(json.loads(text), dict))


def _is_diagnosis(text: Any) -> bool:
    return text is None or (_is_object(text) and _describes(json.loads(text)))


def _describes(diagnosis: dict[str, Any]) -> bool:
    texts = [diagnosis.get(name) or "" for name in ("transform", "text", "argument", *OPTIONAL_TEXTS)]
    lists = [diagnosis.get(name, []) for name in ("axes", "tensors", "relief")]
    others = diagnosis.get("also", [])
    return (
        all(map(_is_text, texts))
        and all(isinstance(names, list) and all(map(_is_text, names)) for names in lists)
        and isinstance(others, list)
        and all(isinstance(other, dict) and _describes(other) for other in others)
    )


def _is_evidence(text: Any) -> bool:
    return text is None or (
        _is_object(text)
        and all(
            isinstance(tensor, dict) and all(isinstance(tensor.get(name), list) for name in ("got", "shape"))
            for tensor in json.loads(text).values()
        )
    )


def _are_texts(text: Any) -> bool:
    texts = json.loads(text) if text is not None and _is_json(text) else text
    return texts is None or (isinstance(texts, list) and all(map(_is_text, texts)))


def _is_program(text: Any) -> bool:
    return text is None or (_is_object(text) and _has_both_parts(json.loads(text)))


def _are_programs(text: Any) -> bool:
    return text is None or (_is_object(text) and all(map(_has_both_parts, json.loads(text).values())))


def _has_both_parts(program: Any) -> bool:
    return (
        isinstance(program, dict)
        and program.keys() == {"setup", "body"}
        and all(isinstance(lines, list) and all(map(_is_text, lines)) for lines in program.values())
    )


def _is_size(text: Any) -> bool:
    return isinstance(text, str) and re.fullmatch(r"m?[0-9]{1,19}(x[0-9]{1,19}){0,2}", text) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_environments(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(environment, dict)
        and isinstance(environment.get("versions", {}), dict)
        and all(map(_is_text, environment.get("versions", {}).values()))
        and isinstance(environment.get("cpu_flags", []), list)
        and all(map(_is_text, environment.get("cpu_flags", [])))
        and isinstance(environment.get("facts", {}), dict)
        and all(
            value is None or isinstance(value, bool | int | str) for value in environment.get("facts", {}).values()
        )
        for environment in value.values()
    )


def _are_conditions(value: Any) -> bool:
    names = {item.name for item in fields(Condition)}
    return isinstance(value, dict) and all(
        isinstance(condition, dict)
        and condition.keys() <= names
        and {"text", "sql", "failing", "passing"} <= condition.keys()
        and isinstance(condition["text"], str)
        and isinstance(condition["sql"], str)
        and all(isinstance(condition[name], int) for name in ("failing", "passing"))
        for condition in value.values()
    )


_FACTS: dict[str, Callable[[Any], bool]] = {
    "run_id": _is_text,
    "started": _is_number,
    "seconds": _is_number,
    "tier": _is_text,
    "shard": _is_text,
    "case_set_hash": _is_text,
    "gate": _is_text,
    "command": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "environments": _are_environments,
    "conditions": _are_conditions,
    "scripts": lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
    "issues": lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
}


def problem(connection: sqlite3.Connection) -> str | None:
    """What is wrong with the contents of a file; None if nothing is.

    A file may be damaged or come from an untrusted source, so everything that is read from it later is checked.
    """
    check = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if check != "ok":
        return str(check)
    checks = (
        _is_json, _is_object, _is_diagnosis, _is_evidence, _is_program, _is_size, _are_texts, _are_programs,
    )  # fmt: skip
    for function in checks:
        connection.create_function(function.__name__[1:], 1, function, deterministic=True)
    allowed: dict[str, Iterable[str]] = {"statuses": STATUSES, "kinds": FAIL_KINDS}
    lists = {column: ", ".join(f"'{name}'" for name in names) for column, names in allowed.items()}
    for message, query in _CHECKS.items():
        if connection.execute(f"{query.format(**lists)} LIMIT 1").fetchone() is not None:
            return message
    meta = {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM meta")}
    for key, is_right in _FACTS.items():
        if meta.get(key) is not None and not is_right(meta[key]):
            return f"the fact {key!r} is malformed"
    for table in ("meta", "cases", "plan", "outcomes"):
        for _ in connection.execute(f"SELECT * FROM {table}"):
            pass  # raises for text that is not UTF-8
    return None
