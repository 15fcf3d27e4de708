"""Facts as columns of conditions: the fact ``tensorflow.onednn`` is the column ``fact_tensorflow_onednn``.

Facts describe the process of an adapter, not a case, and adapters may have different facts. A condition reads the
facts that it names; one that an adapter does not have, or that could not be measured, is NULL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["fact_column", "fact_columns_in", "fact_values", "facts_by_column", "shown", "with_values"]

_COLUMN = re.compile(r"\bfact_\w+")


def fact_column(name: str) -> str:
    """The column of a fact."""
    return "fact_" + name.replace(".", "_").replace("-", "_")


def fact_columns_in(condition: str) -> tuple[str, ...]:
    """The columns of facts that a condition names (also inside string literals), in order and once each."""
    return tuple(dict.fromkeys(name.lower() for name in _COLUMN.findall(condition)))


def fact_values(environment: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    """The values of some columns of facts in an environment, as a run records it."""
    by_column = {fact_column(name).lower(): value for name, value in (environment.get("facts") or {}).items()}
    return {name: by_column.get(name) for name in columns}


def facts_by_column(environments: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The facts of every adapter of a run by column; each adapter has the columns of all adapters."""
    facts = {name for environment in environments.values() for name in environment.get("facts") or {}}
    columns = tuple(sorted(fact_column(name).lower() for name in facts))
    return {adapter: fact_values(environment, columns) for adapter, environment in environments.items()}


def shown(value: Any) -> str:
    """The value of a fact as shown to people."""
    return (
        {None: "unknown", True: "yes", False: "no"}[value]
        if value is None or isinstance(value, bool)
        else str(value)
    )


def with_values(condition: str, values: Mapping[str, Any]) -> str:
    """A condition with the columns of facts replaced by their values, as SQL literals."""

    def literal(match: re.Match[str]) -> str:
        value = values.get(match[0].lower())
        if value is None:
            return "NULL"
        return f"'{value.replace(chr(39), chr(39) * 2)}'" if isinstance(value, str) else str(int(value))

    return _COLUMN.sub(literal, condition)
