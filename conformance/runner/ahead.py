"""Adapters' processes launched before anybody asks them: a framework takes seconds to import, in which the rest of
the runner can load, and an adapter before it can finish.
"""

from __future__ import annotations

from contextlib import suppress

from adapters.process import Host, Limits
from adapters.registry import AdapterSpec

__all__ = ["close", "launch", "take"]

_LAUNCHED: dict[AdapterSpec, Host] = {}


def launch(spec: AdapterSpec) -> None:
    """Let the process of an adapter start; that it cannot is said when it is asked."""
    if spec not in _LAUNCHED:
        host = Host(spec)
        with suppress(OSError):
            host.launch()
            _LAUNCHED[spec] = host


def take(spec: AdapterSpec, limits: Limits) -> Host:
    """The process of an adapter, launched already or not."""
    host = _LAUNCHED.pop(spec, None) or Host(spec)
    host.limits = limits
    return host


def close() -> None:
    """End those that nobody took."""
    while _LAUNCHED:
        _LAUNCHED.popitem()[1].close()
