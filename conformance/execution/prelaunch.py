"""Launch adapter processes before they are needed.

A framework takes seconds to import. Meanwhile the rest of the runner loads, or the adapter before it finishes.
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
    """Start the process of an adapter. If that fails, `take` starts it again, and the run reports the error."""
    if spec not in _LAUNCHED:
        with suppress(OSError):
            _LAUNCHED[spec] = spawn(spec)


def launch_named(name: str) -> None:
    """Launch the adapter of a name. The run reports a name that is unknown or matches several adapters."""
    with suppress(UnknownAdapter):
        launch(resolve(name))


def take(spec: AdapterSpec, limits: ProcessLimits) -> AdapterProcess:
    """The process of an adapter: the launched one, or a new one."""
    from conformance.adapters.host.client import AdapterProcess

    return AdapterProcess(spec, limits, _LAUNCHED.pop(spec, None))


def close() -> None:
    """End the processes that were launched and not taken."""
    while _LAUNCHED:
        _, (process, socket, _) = _LAUNCHED.popitem()
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
        socket.close()
