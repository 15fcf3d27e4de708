"""A live process of an adapter and the conversation with it, in which several messages may be on their way."""

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
    """The process went away, or its time ran out, before the reply was whole."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Connection:
    """One live process and its socket. Messages are answered in the order in which they were sent.

    What it says on its standard error is read while a reply is waited for. A thread for nothing else would be
    woken for every message, and take the time of a small question from the process and from this one.
    """

    def __init__(self, spawned: Spawned) -> None:
        self.process, ours = spawned
        ours.setblocking(False)
        self._socket = ours
        self._unsent, self._unread = bytearray(), bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(ours, selectors.EVENT_READ)
        assert self.process.stderr is not None
        self._stderr = self.process.stderr.fileno()
        os.set_blocking(self._stderr, False)
        self._selector.register(self._stderr, selectors.EVENT_READ)
        self._said = bytearray()

    def _hear(self) -> bool:
        """Take some of what it says on its standard error; tells whether there was any."""
        try:
            chunk = os.read(self._stderr, _CHUNK)
        except BlockingIOError:
            return False
        self._said += chunk
        del self._said[: max(self._said.rfind(protocol.STDERR_MARKER), len(self._said) - _STDERR_KEPT, 0)]
        return bool(chunk)

    def send(self, message: bytes) -> None:
        """Put a message on its way: as much as the socket takes now, the rest while a reply is waited for."""
        self._unsent += message
        self._write()

    def receive(self, patience: float) -> tuple[protocol.Message, dict[str, np.ndarray]]:
        """The reply to the oldest message without one.

        Raises
        ------
        Ended
            The process went away, or nothing came within ``patience`` seconds from now.
        WireError
            What came is no reply.
        """
        deadline = time.monotonic() + patience
        return protocol.unpack(lambda count: self._take(count, deadline))

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self._unread) < count:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
            if events != self._selector.get_key(self._socket).events:
                self._selector.modify(self._socket, events)
            left = deadline - time.monotonic()
            ready = {key.fd: mask for key, mask in self._selector.select(max(left, 0.0))}
            if self._stderr in ready and not self._hear():
                self._selector.unregister(self._stderr)  # it is closed
            found = ready.get(self._socket.fileno(), 0)
            if found & selectors.EVENT_WRITE:
                self._write()
            if found & selectors.EVENT_READ:
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
            self._unsent.clear()  # what it said before it went away may still be read

    def _read(self) -> None:
        try:
            chunk = self._socket.recv(_CHUNK)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            raise ConnectionLost("crash")
        self._unread += chunk

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
            self._hear()  # all that a pipe holds; a process that it has left behind may never stop to print
        return status

    def kill(self) -> None:
        """End the process at once; it holds nothing that could be lost."""
        self.process.kill()
        self.stop()

    def resident_bytes(self) -> int:
        """Memory the process holds, 0 where the system does not say."""
        try:
            pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        except OSError:
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def stderr_tail(self) -> str:
        """What it wrote to its standard error over the message it was last busy with."""
        return self._said.rpartition(protocol.STDERR_MARKER)[2].decode(errors="replace")
