"""The cases that a process has run since it started, in order: a later failure may depend on them."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from conformance.cases.case import Case

__all__ = ["MOST_KEPT", "Call", "History"]

MOST_KEPT = 256
"""The number of calls before a failure that are kept for a replay."""

_IN_FLIGHT = 64  # more than the requests that are ever in flight


class Call(NamedTuple):
    """One case as it was sent: run twice or once, and whether beyond the declared limits."""

    case: Case
    twice: bool = True
    beyond_limits: bool = False


class History:
    """The latest calls of one process."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=MOST_KEPT + _IN_FLIGHT)
        self._count = 0

    def add(self, call: Call) -> int:
        """Add a call, and return its position."""
        self._calls.append(call)
        self._count += 1
        return self._count - 1

    def before(self, position: int) -> tuple[Call, ...]:
        """The calls before a position, oldest first, at most ``MOST_KEPT``."""
        oldest = self._count - len(self._calls)
        return tuple(self._calls)[: max(position - oldest, 0)][-MOST_KEPT:]
