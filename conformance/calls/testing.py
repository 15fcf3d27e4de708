"""The parameters that ``pytest.mark.parametrize`` runs a test with."""

from __future__ import annotations

from typing import Any

__all__ = ["tests_with"]

_MOST = 64


def tests_with(before: tuple[dict[str, Any], ...], names: Any, values: Any) -> tuple[dict[str, Any], ...]:
    """The keywords of each run after one more decorator; unchanged if it cannot be read."""
    fields = tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names
    if not isinstance(fields, tuple) or not all(isinstance(name, str) for name in fields):
        return before
    if not isinstance(values, tuple):
        return before
    rows = [_row(fields, value) for value in values]
    known = [row for row in rows if row is not None]
    return tuple({**one, **row} for one in before or ({},) for row in known)[:_MOST]


def _row(fields: tuple[str, ...], value: Any) -> dict[str, Any] | None:
    items = (value,) if len(fields) == 1 else value
    fits = isinstance(items, tuple) and len(items) == len(fields)
    return dict(zip(fields, items, strict=True)) if fits else None
