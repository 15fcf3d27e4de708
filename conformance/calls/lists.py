"""Methods of lists, dictionaries and strings of a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.calls.arithmetic import UNKNOWN
from conformance.calls.values import Arguments, Opaque, Value

__all__ = ["DICT_METHODS", "LIST_METHODS", "STRING_METHODS"]

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


def _key(given: Arguments) -> Value:
    key = given.first
    return key if isinstance(key, str | int | Opaque) else None


def _get(owner: dict[Any, Value], given: Arguments) -> Value:
    return owner.get(key, given.get(1, "default")) if (key := _key(given)) is not None else UNKNOWN


def _set_default(owner: dict[Any, Value], given: Arguments) -> Value:
    return owner.setdefault(key, given.get(1, "default")) if (key := _key(given)) is not None else UNKNOWN


def _update(owner: dict[Any, Value], given: Arguments) -> Value:
    owner.update(given.first if isinstance(given.first, dict) else {})
    owner.update(given.kwargs)
    return None


def _pop_key(owner: dict[Any, Value], given: Arguments) -> Value:
    return owner.pop(key, given.get(1, default=UNKNOWN)) if (key := _key(given)) is not None else UNKNOWN


DICT_METHODS: dict[str, Callable[[dict[Any, Value], Arguments], Value]] = {
    "items": lambda owner, given: tuple(owner.items()),
    "values": lambda owner, given: tuple(owner.values()),
    "keys": lambda owner, given: tuple(owner),
    "copy": lambda owner, given: dict(owner),
    "get": _get,
    "setdefault": _set_default,
    "update": _update,
    "pop": _pop_key,
}
"""By name: the value of a method of a dictionary, which it may change."""
STRING_METHODS: dict[str, Callable[..., Value]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "replace": str.replace,
    "split": lambda owner, *mark: tuple(owner.split(*mark)),
}
"""By name: the value of a method of a text that is given texts."""
