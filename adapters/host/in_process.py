"""An adapter served in this process, so that ``breakpoint()`` in it reaches the terminal.

It replaces a connection to a process. Nothing limits its time or memory, and a crash ends the command.
"""

from __future__ import annotations

import collections
import io

import numpy as np

from conformance.adapters.host import protocol
from conformance.adapters.host.server import load_adapter, reply_to
from conformance.adapters.registry import AdapterSpec

__all__ = ["InProcess"]


class InProcess:
    """Computes each reply while its message is sent; it has the methods of `Connection`."""

    def __init__(self, spec: AdapterSpec) -> None:
        self._adapter, ready = load_adapter(spec.target, spec.profile.name)
        self._replies: collections.deque[tuple[protocol.Message, dict[str, np.ndarray]]] = collections.deque()
        self._replies.append((ready, {}))

    def send(self, message: bytes) -> None:
        """Compute the reply to a message."""
        assert self._adapter is not None  # nothing is sent to an adapter that is not ready
        reply = reply_to(self._adapter, *protocol.unpack(io.BytesIO(message).read))
        self._replies.append(protocol.unpack(io.BytesIO(reply).read))

    def receive(self, patience: float) -> tuple[protocol.Message, dict[str, np.ndarray]]:
        """The oldest reply that was not received yet; it is ready, so that no timeout applies."""
        return self._replies.popleft()

    def stop(self) -> int:
        """Do nothing: there is no process to end."""
        return 0

    def kill(self) -> None:
        """Do nothing: there is no process to end."""

    def resident_bytes(self) -> int:
        """0: this process holds more than the adapter, and a restart cannot free it."""
        return 0

    def stderr_tail(self) -> str:
        """Empty: what the adapter prints goes to the terminal."""
        return ""
