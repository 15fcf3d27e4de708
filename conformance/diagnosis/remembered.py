"""What was found before on an adapter, so that the same cause need not be proven for every case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from conformance.cases.case import Case
from conformance.diagnosis.search import Explanation

__all__ = ["Remembered", "remembered"]


@dataclass
class Remembered:
    """What is known about one adapter.

    Attributes
    ----------
    refusals : dict
        By the pattern of a message: what became of the cases that were run to find out what it is about.
    """

    refusals: dict[str, dict[Case, str]] = field(default_factory=dict)
    _proven: set[Any] = field(default_factory=set)

    def is_proven(self, found: list[Explanation]) -> bool:
        """Whether an output has one explanation, and further cases have not refuted it before."""
        return len(found) == 1 and _key(found[0]) in self._proven

    def add(self, found: list[Explanation]) -> None:
        """Remember an explanation that further cases have not refuted."""
        if len(found) == 1:
            self._proven.add(_key(found[0]))


def _key(explanation: Explanation) -> tuple[Any, ...]:
    return tuple(part.key for part in explanation.parts)


_BY_HOST: WeakKeyDictionary[Any, Remembered] = WeakKeyDictionary()


def remembered(host: Any) -> Remembered:
    """What is known about the adapter of a process, as long as the object for the process lives."""
    return _BY_HOST.setdefault(host, Remembered())
