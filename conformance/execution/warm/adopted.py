"""A process that another command started, by the descriptors that the server handed over."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from contextlib import suppress
from typing import IO

__all__ = ["AdoptedProcess", "ended"]


def ended(handle: int, seconds: float | None = 0.0) -> bool:
    """Whether the process of a pidfd ends within some seconds; None waits for it."""
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    return bool(waiting.poll(None if seconds is None else 1000 * seconds))


class AdoptedProcess:
    """A process that is not a child of this one: it can be ended and waited for, but its exit status is unknown.

    Parameters
    ----------
    pid : int
        Its number.
    handle : int
        A pidfd, which stays bound to the process when the number is given to another one.
    stderr : int
        The end of its standard error.
    """

    def __init__(self, pid: int, handle: int, stderr: int) -> None:
        self.pid = pid
        self.stderr: IO[bytes] | None = open(stderr, "rb", buffering=0)  # noqa: SIM115 - closed by its user
        self._handle = handle

    def kill(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return 0."""
        if not ended(self._handle, timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        os.close(self._handle)
        return 0
