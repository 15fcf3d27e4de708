"""Measuring facts in a fork of the process, so that the process itself stays as it was after the import."""

from __future__ import annotations

import json
import os
import select
import signal
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress

from conformance.adapters.facts import Fact, FactValue

__all__ = ["measure"]

_SECONDS = 20.0
_TYPES = (bool, int, str)


def measure(facts: Iterable[Fact], *, seconds: float = _SECONDS) -> dict[str, FactValue]:
    """Measure facts.

    Parameters
    ----------
    facts : iterable of Fact
        What to measure, in this order.
    seconds : float
        The time limit for all facts together.

    Returns
    -------
    dict
        Values by name; None for a fact that raised, took too long, or ended the process that measured it.
    """
    facts = list(facts)
    values: dict[str, FactValue] = dict.fromkeys((fact.name for fact in facts), None)
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about threads and fork: the fork computes, and ends by itself
        child = os.fork()
    if child == 0:
        _measure_into(writer, facts)
    os.close(writer)
    for line in _lines(reader, time.monotonic() + seconds):
        with suppress(ValueError):
            values.update(json.loads(line))
    os.close(reader)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return values


def _measure_into(writer: int, facts: Iterable[Fact]) -> None:
    """Write one line per fact, and end this process; what it prints is dropped."""
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        for fact in facts:
            value: FactValue = None
            with suppress(Exception):
                value = fact.measure()
            if not isinstance(value, _TYPES):
                value = None
            os.write(writer, json.dumps({fact.name: value}).encode() + b"\n")
    finally:
        os._exit(0)


def _lines(reader: int, deadline: float) -> Iterable[bytes]:
    """Lines from a pipe until it is closed or the deadline has passed."""
    unread = b""
    while select.select([reader], [], [], max(deadline - time.monotonic(), 0.0))[0]:
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            return
        *lines, unread = (unread + chunk).split(b"\n")
        yield from lines
