"""Take a waiting process of an adapter from the server, and give a process to it after use."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.host.spawn import Spawned
from conformance.adapters.registry import AdapterSpec, load
from conformance.execution.warm.adopted import AdoptedProcess
from conformance.execution.warm.changes import key_of
from conformance.execution.warm.messages import peer_is_own_user, receive, send
from conformance.execution.warm.place import private_folder, seconds, socket_path

__all__ = ["Borrowed", "WarmProcesses"]

_log = logging.getLogger("conformance.adapter")

_SERVER = "conformance.execution.warm.server"
_ROOT = Path(__file__).parents[3]
# Both ends are on this machine, and the server does one short thing at a time; on a busy machine even that takes a
# while.
_PATIENCE = 20.0

_given_away: list[object] = []  # children that live on; subprocess warns where such an object is freed


@dataclass
class Borrowed:
    """An adapter's process, new or kept.

    Attributes
    ----------
    host : AdapterProcess
        The process.
    used : bool
        Whether an earlier command has run cases in it.
    in_new : dict
        What came out of cases that ran in a new process of this adapter, by case.
    """

    host: AdapterProcess
    used: bool = False
    in_new: dict[str, Any] = field(default_factory=dict)
    since: int = field(default_factory=time.time_ns)


class WarmProcesses:
    """The processes that stay between commands; none where that is switched off.

    Parameters
    ----------
    wanted : bool
        Whether to use them at all.
    """

    def __init__(self, *, wanted: bool = True) -> None:
        folder = private_folder() if wanted and seconds() else None
        self._path = socket_path(folder) if folder is not None else None
        self._server: subprocess.Popen[bytes] | None = None
        if self._path is not None:
            connection = self._connect()
            if connection is None:
                self._start()
            else:
                connection.close()

    def borrow(self, spec: AdapterSpec, limits: ProcessLimits, *, in_process: bool = False) -> Borrowed:
        """A process that waits for the adapter, or a new one; ``in_process`` is for `AdapterProcess`."""
        reply = self._request({"take": key_of(spec)}) if self._keeps(spec) else None
        if reply is None or not reply[1]:
            return Borrowed(AdapterProcess(spec, limits, in_process=in_process))
        about, (theirs, stderr, handle) = reply[0]["found"], reply[1]
        process = AdoptedProcess(about["pid"], handle, stderr)
        spawned = Spawned(process, socket.socket(fileno=theirs), about["hello"])
        _log.info("%s: use the process %s of an earlier command", spec.name, process.pid)
        host = AdapterProcess(spec, limits, spawned)
        return Borrowed(host, used=True, in_new=about["in_new"], since=about["since"])

    def give_back(self, borrowed: Borrowed) -> None:
        """Let the server keep a process, or end it."""
        host = borrowed.host
        given = host.give_away() if self._keeps(host.spec) else None
        if given is None:
            host.close()
            return
        (process, theirs, hello), files = given
        assert process.stderr is not None
        with theirs, process.stderr, suppress(OSError):
            handle = os.pidfd_open(process.pid)
            about = {
                "pid": process.pid, "hello": hello, "since": borrowed.since, "in_new": borrowed.in_new,
            }  # fmt: skip
            message = {"keep": key_of(host.spec), "files": files, "about": about}
            # Where no server takes it, the process ends with its socket.
            self._request(message, (theirs.fileno(), process.stderr.fileno(), handle), wait=True)
            os.close(handle)
        _given_away.append(process)

    def _keeps(self, spec: AdapterSpec) -> bool:
        """Whether processes of an adapter stay: not those of other interpreters, nor those that hold a device."""
        return self._path is not None and not spec.foreign and load(spec.target).device == "cpu"

    def _request(
        self, message: dict[str, Any], descriptors: tuple[int, ...] = (), *, wait: bool = False
    ) -> tuple[dict[str, Any], list[int]] | None:
        connection = self._connect(_PATIENCE if wait else 0.0)
        if connection is None:
            if wait:
                self._path = None  # the other processes need not wait in vain, too
            return None
        with connection:
            try:
                send(connection, message, descriptors)
                return receive(connection)
            except (OSError, ValueError):
                return None

    def _connect(self, patience: float = 0.0) -> socket.socket | None:
        """A connection to the server, for which a command may wait that has just started it."""
        deadline = time.monotonic() + patience
        while True:
            ended = self._server is not None and self._server.poll() is not None
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(_PATIENCE)
            try:
                connection.connect(str(self._path))
                if peer_is_own_user(connection):
                    return connection
            except OSError:
                pass
            connection.close()
            if ended or time.monotonic() >= deadline:
                return None
            time.sleep(0.02)

    def _start(self) -> None:
        # A session of its own: an interrupt at the terminal is for the command.
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        with suppress(OSError):
            self._server = subprocess.Popen(
                [sys.executable, "-m", _SERVER, str(self._path), str(seconds())],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                cwd="/", env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, start_new_session=True,
            )  # fmt: skip
            _given_away.append(self._server)
