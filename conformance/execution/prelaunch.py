"""Adapters' processes launched before anybody asks them: a framework takes seconds to import, in which the rest of
the runner can load, and an adapter before it can finish.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.adapters.host.spawn import Spawned, spawn
from conformance.adapters.registry import AdapterSpec, UnknownAdapter, resolve

if TYPE_CHECKING:
    from conformance.adapters.host.client import AdapterProcess, ProcessLimits

__all__ = ["close", "launch", "launch_named", "take"]

_LAUNCHED: dict[AdapterSpec, Spawned] = {}


def launch(spec: AdapterSpec) -> None:
    """Let the process of an adapter start; that it cannot is said when it is asked."""
    if spec not in _LAUNCHED:
        with suppress(OSError):
            _LAUNCHED[spec] = spawn(spec)


def launch_named(name: str) -> None:
    """Launch what a name stands for, if it names one adapter; what is wrong with it is said elsewhere."""
    with suppress(UnknownAdapter):
        launch(resolve(name))


def take(spec: AdapterSpec, limits: ProcessLimits) -> AdapterProcess:
    """The process of an adapter, launched already or not."""
    from conformance.adapters.host.client import AdapterProcess

    return AdapterProcess(spec, limits, _LAUNCHED.pop(spec, None))


def close() -> None:
    """End those that nobody took."""
    while _LAUNCHED:
        _, (process, socket) = _LAUNCHED.popitem()
        process.kill()
        process.communicate()
        socket.close()
