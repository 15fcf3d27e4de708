"""A live process of an adapter and its socket, over which several messages may be in flight."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from pathlib import Path

import numpy as np

from conformance.adapters.host import protocol
from conformance.adapters.host.spawn import Spawned

__all__ = ["Connection", "ConnectionLost"]

_STDERR_KEPT = 1 << 16
_CHUNK = 1 << 20


class ConnectionLost(Exception):
    """The process went away, or its time ran out, before the reply was complete."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Connection:
    """One live process and its socket. Replies come in the order in which the messages were sent.

    The standard error of the process is read while the client waits for a reply. A thread for that alone would
    wake up for every message, and take as much time from both processes as a small case does.
    """

    def __init__(self, spawned: Spawned) -> None:
        self.process, ours = spawned.process, spawned.socket
        ours.setblocking(False)
        self._socket = ours
        self._unsent, self._unread = bytearray(), bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(ours, selectors.EVENT_READ)
        assert self.process.stderr is not None
        self._stderr = self.process.stderr.fileno()
        os.set_blocking(self._stderr, False)
        self._selector.register(self._stderr, selectors.EVENT_READ)
        self._stderr_text = bytearray()

    def _read_stderr(self) -> bool:
        """Read some of its standard error; return whether there was any."""
        try:
            chunk = os.read(self._stderr, _CHUNK)
        except BlockingIOError:
            return False
        text = self._stderr_text
        text += chunk
        # Keep what follows the last marker, and of that the last part.
        del text[: max(text.rfind(protocol.STDERR_MARKER), len(text) - _STDERR_KEPT, 0)]
        return bool(chunk)

    def send(self, message: bytes) -> None:
        """Send a message: as much as the socket takes now, the rest while the client waits for a reply."""
        self._unsent += message
        self._write()

    def receive(self, patience: float) -> tuple[protocol.Message, dict[str, np.ndarray]]:
        """The reply to the oldest message without one.

        Raises
        ------
        ConnectionLost
            The process went away, or nothing came within ``patience`` seconds from now.
        WireError
            The bytes that came are not a reply.
        """
        deadline = time.monotonic() + patience
        return protocol.unpack(lambda count: self._take(count, deadline))

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self._unread) < count:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
            if events != self._selector.get_key(self._socket).events:
                self._selector.modify(self._socket, events)
            left = deadline - time.monotonic()
            ready = {key.fd: events for key, events in self._selector.select(max(left, 0.0))}
            if self._stderr in ready and not self._read_stderr():
                self._selector.unregister(self._stderr)  # it is closed
            mask = ready.get(self._socket.fileno(), 0)
            if mask & selectors.EVENT_WRITE:
                self._write()
            if mask & selectors.EVENT_READ:
                self._read()
            elif left <= 0:
                raise ConnectionLost("timeout")
        data = bytes(self._unread[:count])
        del self._unread[:count]
        return data

    def _write(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent[:_CHUNK])]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self._unsent.clear()  # what it sent before it went away can still be read

    def _read(self) -> None:
        try:
            chunk = self._socket.recv(_CHUNK)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            raise ConnectionLost("crash")
        self._unread += chunk

    def detach(self) -> Spawned:
        """Give the process away; this object can no longer be used."""
        self._selector.close()
        return Spawned(self.process, self._socket)

    @property
    def quiet(self) -> bool:
        """Whether nothing is left to send or to read."""
        return not self._unsent and not self._unread

    def stop(self) -> int:
        """Let the process end by itself and return its exit status (negative: the signal that ended it)."""
        self._selector.close()
        self._socket.close()
        try:
            status = self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        assert self.process.stderr is not None
        with self.process.stderr:
            self._read_stderr()  # one pipe's worth; a child that it has left behind may never stop printing
        return status

    def kill(self) -> None:
        """End the process at once; it holds nothing that must be saved."""
        self.process.kill()
        self.stop()

    def resident_bytes(self) -> int:
        """Memory the process holds, 0 where the system does not report it."""
        try:
            pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        except OSError:
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def stderr_tail(self) -> str:
        """What it wrote to its standard error while it worked on its last message."""
        return self._stderr_text.rpartition(protocol.STDERR_MARKER)[2].decode(errors="replace")
