"""The server that holds adapter processes between commands: ``python -m conformance.execution.warm.server``.

It holds the descriptors of processes that wait for their next case, and neither reads nor writes them: whoever
takes a process talks to it as to one of its own. A process ends when the last holder of its socket does, so when
this server ends, or a command that has taken one, nothing is left behind.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from conformance.execution.warm.adopted import ended
from conformance.execution.warm.changes import any_changed
from conformance.execution.warm.messages import close_all, peer_is_own_user, receive, send

__all__ = ["main"]

# A command sends its message at once. One that is stopped in the middle must not stop the server.
_PATIENCE = 10.0
_FREE_SHARE = 0.25


@dataclass(frozen=True)
class _Kept:
    """A process: its socket, standard error and pidfd, what to tell its next user, and until when it stays."""

    descriptors: list[int]
    about: dict[str, Any]
    files: list[str]
    until: float

    @property
    def usable(self) -> bool:
        """Whether it lives, and a new process would be the same."""
        return not ended(self.descriptors[2]) and not any_changed(self.files, self.about["since"])


class _Server:
    def __init__(self, listener: socket.socket, seconds: float) -> None:
        self._listener, self._seconds = listener, seconds
        self._kept: dict[str, _Kept] = {}

    def serve(self) -> None:
        """Serve until no process is left and no command has come for a while."""
        until = time.monotonic() + self._seconds
        while self._kept or time.monotonic() < until:
            first = min((kept.until for kept in self._kept.values()), default=until)
            self._listener.settimeout(max(first - time.monotonic(), 0.001))
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                with connection, suppress(OSError, ValueError, KeyError, TypeError):
                    connection.settimeout(_PATIENCE)
                    if peer_is_own_user(connection):
                        self._answer(connection)
                until = time.monotonic() + self._seconds
            for key in [key for key, kept in self._kept.items() if kept.until <= time.monotonic()]:
                self._drop(key)

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            close_all(kept.descriptors)

    def _answer(self, connection: socket.socket) -> None:
        message, descriptors = receive(connection)
        if descriptors:
            self._keep(message, descriptors)
            send(connection, {})
            return
        kept = self._kept.pop(message["take"], None)
        if kept is None:
            send(connection, {"found": None})
            return
        try:
            if kept.usable:
                send(connection, {"found": kept.about}, kept.descriptors)
            else:
                send(connection, {"found": None})
        finally:
            close_all(kept.descriptors)

    def _keep(self, message: dict[str, Any], descriptors: list[int]) -> None:
        try:
            key, until = message["keep"], time.monotonic() + self._seconds
            kept = _Kept(descriptors, message["about"], message["files"], until)
            if not _memory_is_free():
                raise OSError("little memory is available")
        except (OSError, KeyError):
            close_all(descriptors)
            return
        self._drop(key)
        self._kept[key] = kept


def _memory_is_free() -> bool:
    """Whether a good part of the machine's memory is available; processes that only wait must not fill it."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return sizes["MemAvailable"] >= _FREE_SHARE * sizes["MemTotal"]


def main(path: str, seconds: float) -> None:
    """Serve on a socket, in place of one that no server listens on any more."""
    os.umask(0o077)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as other:
        with suppress(OSError):
            other.connect(path)
            return  # there is a server
        # No longer than the name itself: that of a socket may have about a hundred characters.
        listener.bind(own := os.path.join(os.path.dirname(path), str(os.getpid())))
        listener.listen(64)
        inode = os.stat(own).st_ino
        os.rename(own, path)
        try:
            _Server(listener, seconds).serve()
        finally:
            with suppress(OSError):
                if os.stat(path).st_ino == inode:
                    os.unlink(path)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
