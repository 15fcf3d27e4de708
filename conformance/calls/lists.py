"""Methods that change a list in place: the list after them, and their value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.calls.arithmetic import UNKNOWN

__all__ = ["LIST_METHODS"]

Items = tuple[Any, ...]


def _append(items: Items, item: Any) -> tuple[Items, Any]:
    return (*items, item), None


def _extend(items: Items, more: Any) -> tuple[Items, Any]:
    return (*items, *more) if isinstance(more, tuple) else items, None


def _insert(items: Items, place: Any, item: Any) -> tuple[Items, Any]:
    changed = list(items)
    changed.insert(place if type(place) is int else len(items), item)
    return tuple(changed), None


def _pop(items: Items, place: Any = -1) -> tuple[Items, Any]:
    if type(place) is not int or not -len(items) <= place < len(items):
        return items, UNKNOWN
    changed = list(items)
    item = changed.pop(place)
    return tuple(changed), item


LIST_METHODS: dict[str, Callable[..., tuple[Items, Any]]] = {
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": _pop,
    "reverse": lambda items: (items[::-1], None),
    "clear": lambda items: ((), None),
}
"""By name: from the list and the arguments, the list afterwards and the value of the call."""
