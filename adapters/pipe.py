"""A live process of an adapter and the conversation with it, in which several messages may be on their way."""

from __future__ import annotations

import collections
import os
import selectors
import subprocess
import threading
import time
from pathlib import Path

import numpy as np

from adapters import wire
from adapters.spawn import Spawned

__all__ = ["Ended", "Running"]

_STDERR_CHUNK = 4096
_STDERR_CHUNKS = 1024  # a fault handler writes them a few bytes at a time
_CHUNK = 1 << 20


class Ended(Exception):
    """The process went away, or its time ran out, before the reply was whole."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Running:
    """One live process and its socket. Messages are answered in the order in which they were sent."""

    def __init__(self, spawned: Spawned) -> None:
        self.process, ours = spawned
        ours.setblocking(False)
        self._socket = ours
        self._unsent, self._unread = bytearray(), bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(ours, selectors.EVENT_READ)
        self._stderr: collections.deque[bytes] = collections.deque(maxlen=_STDERR_CHUNKS)
        self._drain = threading.Thread(target=self._keep_stderr, daemon=True)
        self._drain.start()

    def _keep_stderr(self) -> None:
        assert self.process.stderr is not None
        while chunk := self.process.stderr.read1(_STDERR_CHUNK):  # type: ignore[attr-defined]
            self._stderr.append(chunk)

    def send(self, message: bytes) -> None:
        """Put a message on its way: as much as the socket takes now, the rest while a reply is waited for."""
        self._unsent += message
        self._write()

    def receive(self, patience: float) -> tuple[wire.Message, dict[str, np.ndarray]]:
        """The reply to the oldest message without one.

        Raises
        ------
        Ended
            The process went away, or nothing came within ``patience`` seconds from now.
        WireError
            What came is no reply.
        """
        deadline = time.monotonic() + patience
        return wire.unpack(lambda count: self._take(count, deadline))

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self._unread) < count:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
            if events != self._selector.get_key(self._socket).events:
                self._selector.modify(self._socket, events)
            ready = self._selector.select(max(deadline - time.monotonic(), 0.0))
            if not ready:
                raise Ended("timeout")
            if ready[0][1] & selectors.EVENT_WRITE:
                self._write()
            if ready[0][1] & selectors.EVENT_READ:
                self._read()
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
            raise Ended("crash")
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
        self._drain.join(timeout=2)
        if self.process.stderr is not None:
            self.process.stderr.close()
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

    def last_words(self) -> str:
        """What it wrote to its standard error over the message it was last busy with."""
        return b"".join(list(self._stderr)).rpartition(wire.TURN)[2].decode(errors="replace")
