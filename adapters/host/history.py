"""What a process was given to compute since it was started, in order: a later failure may depend on it."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from conformance.cases.case import Case

__all__ = ["MOST_KEPT", "Call", "History"]

MOST_KEPT = 256
"""How many calls before a failure are kept to be replayed."""

_SENT_AHEAD = 64  # more than the cases that are sent before their turn


class Call(NamedTuple):
    """One case as it was sent: computed twice or once, and whether beyond the declared limits."""

    case: Case
    twice: bool = True
    beyond_limits: bool = False


class History:
    """The latest calls of one process."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=MOST_KEPT + _SENT_AHEAD)
        self._count = 0

    def add(self, call: Call) -> int:
        """Note a call, and return its place."""
        self._calls.append(call)
        self._count += 1
        return self._count - 1

    def before(self, place: int) -> tuple[Call, ...]:
        """The calls before a place, oldest first, at most ``MOST_KEPT``."""
        oldest = self._count - len(self._calls)
        return tuple(self._calls)[: max(place - oldest, 0)][-MOST_KEPT:]
