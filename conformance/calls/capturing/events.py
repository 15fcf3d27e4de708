"""The events that the hooks write, read back: each distinct call, how often it was made and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Recorded", "RecordedCall", "gather", "read_events"]


@dataclass
class RecordedCall:
    """One distinct call.

    Attributes
    ----------
    call : dict
        What the hook wrote, see ``conformance/calls/capturing/hooks/plain.py``.
    count : int
        How often it was made.
    gradients : int
        How often a gradient through it was computed.
    error : str or None
        The exception that it raised last.
    fatal : bool
        Whether the process died during this call.
    """

    call: dict[str, Any]
    count: int = 0
    gradients: int = 0
    error: str | None = None
    fatal: bool = False


@dataclass
class Recorded:
    """All that the hooks wrote: the calls in order, one that ended the process last."""

    calls: list[RecordedCall] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    started: bool = False


def read_events(lines: Iterable[str], *, died: bool = False) -> Recorded:
    """Read JSON lines; a last one that was cut off is left out."""

    def events() -> Iterator[dict[str, Any]]:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)

    return gather(events(), died=died)


def gather(events: Iterable[dict[str, Any]], *, died: bool = False) -> Recorded:
    """Put events together.

    Parameters
    ----------
    events : iterable of dict
        As the hooks write them.
    died : bool
        Whether a signal ended the program; a call that has not returned is then the fatal one.
    """
    recorded = Recorded()
    calls: dict[str, RecordedCall] = {}
    running: dict[str, None] = {}
    for event in events:
        recorded.started |= "started" in event
        if "problem" in event and event["problem"] not in recorded.problems:
            recorded.problems.append(event["problem"])
        if "call" in event:
            calls[event["number"]] = RecordedCall(event["call"])
        if number := event.get("number") or event.get("again"):
            calls[number].count += 1
            running[number] = None
        if number := event.get("returned") or event.get("raised"):
            running.pop(number, None)
            calls[number].error = event.get("error")
        if "gradient" in event:
            calls[event["gradient"]].gradients += 1
    if died and running:
        calls[list(running)[-1]].fatal = True
    recorded.calls = sorted(calls.values(), key=lambda call: call.fatal)
    return recorded
