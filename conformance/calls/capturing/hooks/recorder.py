"""Events of a program as they happen: calls, equal calls again, returns, exceptions and gradients."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from typing import Any

from .frames import user_line

__all__ = ["Recorder"]

_MOST_CHARACTERS = 300


class Recorder:
    """Numbers the calls of a program and writes an event for each step.

    An event is a dictionary with one of the keys ``call`` (its first time, with all that is known), ``again``,
    ``returned``, ``raised``, ``gradient`` (all with the number of the call) and ``problem``.
    """

    def __init__(self, write: Callable[[dict[str, Any]], None]) -> None:
        self._write = write
        self._numbers = itertools.count(1)
        self._known: dict[str, str] = {}

    def start(self, call: dict[str, Any]) -> str:
        """Write a call that is about to happen; returns its number, which equal calls share."""
        call.setdefault("where", user_line())
        key = json.dumps({name: value for name, value in call.items() if name != "values"}, sort_keys=True)
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = f"{os.getpid()}.{next(self._numbers)}"
            self._write({"call": call, "number": number})
        elif not call.get("once"):
            self._write({"again": number})
        return number

    def seen(self, call: dict[str, Any]) -> None:
        """Write a call of a program that is only read."""
        self.returned(self.start(call), call, None)

    def returned(self, number: str, call: dict[str, Any], result: Any) -> None:
        """Write that a call has returned, and see to it that a gradient through its result is written."""
        self._write({"returned": number})
        if not call.get("traced") and getattr(result, "requires_grad", False) and hasattr(result, "register_hook"):

            def computed(_: Any) -> None:
                self._write({"gradient": number})

            result.register_hook(computed)

    def raised(self, number: str, error: BaseException) -> None:
        """Write that a call has raised an exception; a private one is how a framework leaves a call early."""
        if type(error).__name__.startswith("_"):
            self._write({"returned": number})
            return
        text = " ".join(f"{type(error).__name__}: {error}".split())
        self._write({"raised": number, "error": text[:_MOST_CHARACTERS]})

    def problem(self, text: str) -> None:
        """Write what could not be recorded."""
        self._write({"problem": text[:_MOST_CHARACTERS], "where": user_line()})
