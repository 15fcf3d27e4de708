"""The runner's end of an adapter's process: start it, ask it, and survive whatever it does."""

from __future__ import annotations

import atexit
import collections
import functools
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from adapters import wire
from adapters.base import Tensor
from adapters.registry import AdapterSpec
from cases.case import Case

__all__ = ["Host", "Limits", "Model", "Reply"]

_ROOT = Path(__file__).resolve().parent.parent
_QUESTIONS_BETWEEN_LOOKS = 50
_STDERR_CHUNK = 4096
_STDERR_CHUNKS = 1024  # a fault handler writes them a few bytes at a time
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Patience, in seconds, and room.

    Attributes
    ----------
    start : float
        For the process to import its framework.
    answer : float
        For one question.
    memory : int
        Bytes a process may grow to before a fresh one takes its place: compilers keep every program they made.
    """

    start: float = 180.0
    answer: float = 60.0
    memory: int = 3 << 30


@dataclass(frozen=True)
class Reply:
    """What came of one question.

    Attributes
    ----------
    kind : str
        ``answer``, ``raised``, ``unsupported``, ``inexpressible``, ``crash``, ``timeout``, ``broken`` (our own
        machinery, or a framework that cannot be imported).
    tensors : dict of Tensor
        The answer.
    detail, source : str
        The message and the documentation it cites.
    steady : bool
        Whether asking twice gave the same bits.
    promise : str
        The accuracy profile the adapter promises for the case.
    """

    kind: str
    tensors: dict[str, Tensor] = field(default_factory=dict)
    detail: str = ""
    source: str = ""
    steady: bool = True
    promise: str = "exact"


@functools.cache
def _code_alone() -> str:
    """A folder with the code an adapter's process needs and nothing else.

    Where the suite is installed, the folder it lies in holds this environment's frameworks too; on the path of
    another interpreter they would take the place of its own.
    """
    folder = tempfile.mkdtemp(prefix="conformance-host-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for package in ("adapters", "cases"):
        os.symlink(_ROOT / package, Path(folder) / package)
    return folder


class Model(NamedTuple):
    """A model file: the suffix of its name, and its bytes."""

    suffix: str
    content: bytes


class _Ended(Exception):
    """The process went away, or its time ran out, before the reply was whole."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class _Running:
    """One live process and its socket."""

    def __init__(self, spec: AdapterSpec) -> None:
        ours, theirs = socket.socketpair()
        environment = dict(os.environ)
        code = _code_alone() if spec.foreign else str(_ROOT)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [code, environment.get("PYTHONPATH", "")]))
        environment.setdefault("PYTHONFAULTHANDLER", "1")
        self.process = subprocess.Popen(
            [spec.python, "-m", "adapters.host", spec.target, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            env=environment,
        )
        theirs.close()
        ours.setblocking(False)
        self.socket = ours
        self.stderr: collections.deque[bytes] = collections.deque(maxlen=_STDERR_CHUNKS)
        self._drain = threading.Thread(target=self._keep_stderr, daemon=True)
        self._drain.start()

    def _keep_stderr(self) -> None:
        assert self.process.stderr is not None
        while chunk := self.process.stderr.read1(_STDERR_CHUNK):  # type: ignore[attr-defined]
            self.stderr.append(chunk)

    def exchange(
        self, message: wire.Message | None, arrays: Mapping[str, np.ndarray], patience: float
    ) -> tuple[wire.Message, dict[str, np.ndarray]]:
        deadline = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            if message is not None:
                # Last words are those said over this question.
                self.stderr.clear()
                selector.register(self.socket, selectors.EVENT_WRITE)
                self._send(selector, memoryview(wire.pack(message, arrays)), deadline)
                selector.unregister(self.socket)
            selector.register(self.socket, selectors.EVENT_READ)
            return wire.unpack(lambda count: self._receive(selector, count, deadline))

    @staticmethod
    def _wait(selector: selectors.BaseSelector, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not selector.select(left):
            raise _Ended("timeout")

    def _send(self, selector: selectors.BaseSelector, data: memoryview, deadline: float) -> None:
        while data:
            self._wait(selector, deadline)
            try:
                data = data[self.socket.send(data[:_CHUNK]) :]
            except (BrokenPipeError, ConnectionResetError):
                raise _Ended("crash") from None

    def _receive(self, selector: selectors.BaseSelector, count: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            self._wait(selector, deadline)
            try:
                chunk = self.socket.recv(min(count - len(data), _CHUNK))
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                raise _Ended("crash")
            data += chunk
        return bytes(data)

    def stop(self) -> int:
        """Let the process end by itself and return its exit status (negative: the signal that ended it)."""
        self.socket.close()
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
        return b"".join(list(self.stderr)).decode(errors="replace")


def _plain(text: str) -> str:
    """Text without the escape sequences that colour a terminal."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


class Host:
    """An adapter in a process of its own, started when first asked and again after it ended.

    Parameters
    ----------
    spec : AdapterSpec
        Which adapter, and the interpreter to run it.
    limits : Limits
        How long to wait.

    Attributes
    ----------
    environment : dict
        Versions, processor and settings of the process, known once it has started.
    """

    def __init__(self, spec: AdapterSpec, limits: Limits | None = None) -> None:
        self.spec = spec
        self.limits = limits or Limits()
        self.environment: dict[str, Any] = {"versions": {}}
        self._running: _Running | None = None
        self._asked = 0
        self._cannot_start: Reply | None = None

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._running is not None:
            self._running.kill()
            self._running = None

    def resident_bytes(self) -> int:
        """Memory the process holds; 0 without one, or where the system does not say."""
        return 0 if self._running is None else self._running.resident_bytes()

    def start(self) -> Reply | None:
        """Start the process unless it runs; the reply says why it cannot, None that it does."""
        if self._running is not None or self._cannot_start is not None:
            return self._cannot_start
        running = self._running = _Running(self.spec)
        try:
            hello, _ = running.exchange(None, {}, self.limits.start)
        except (_Ended, wire.WireError) as error:
            ended = self._end(error)
            self._cannot_start = Reply("broken", detail=f"the adapter's process did not start: {ended.detail}")
            return self._cannot_start
        if hello["reply"] != "ready":
            self.close()
            self._cannot_start = Reply("broken", detail=f"the adapter cannot be loaded: {hello['detail']}")
            return self._cannot_start
        self.environment = hello["environment"]
        return None

    def ask(self, case: Case, tensors: Mapping[str, np.ndarray], *, beyond_limits: bool = False) -> Reply:
        """Ask one question; never raises for anything the process does.

        ``beyond_limits`` asks even what the adapter declares that the framework cannot.
        """
        message = {"ask": "answer", "case": str(case), "beyond_limits": beyond_limits}
        return self._exchange(message, tensors)

    def model(self, case: Case, tensors: Mapping[str, np.ndarray]) -> Model | Reply:
        """The model file a runtime is asked with, or the reply that says why there is none."""
        failed = self.start()
        if failed is not None or self._running is None:
            return failed or Reply("broken", detail="the adapter's process is closed")
        try:
            message = {"ask": "model", "case": str(case)}
            reply, arrays = self._running.exchange(message, tensors, self.limits.answer)
            if reply["reply"] == "model":
                return Model(str(reply["suffix"]), arrays["content"].tobytes())
            return Reply(str(reply["reply"]), detail=str(reply["detail"]), source=str(reply.get("source", "")))
        except (_Ended, wire.WireError, KeyError) as error:
            return self._end(error)

    def program(self, case: Case) -> str:
        """The source text of the call the adapter makes for a case, or why there is none."""
        reply = self._exchange({"ask": "program", "case": str(case)}, {})
        return reply.source if reply.kind == "program" else f"# {reply.detail}\n"

    def _exchange(self, message: wire.Message, tensors: Mapping[str, np.ndarray]) -> Reply:
        self._asked += 1
        if self._asked % _QUESTIONS_BETWEEN_LOOKS == 0 and self.resident_bytes() > self.limits.memory:
            self.close()
        failed = self.start()
        if failed is not None or self._running is None:
            return failed or Reply("broken", detail="the adapter's process is closed")
        try:
            reply, arrays = self._running.exchange(message, tensors, self.limits.answer)
            return Reply(
                kind=str(reply["reply"]),
                tensors={name: Tensor(arrays[name], str(d)) for name, d in reply.get("dtypes", {}).items()},
                detail=_plain(str(reply.get("detail", ""))),
                source=str(reply.get("source", "")),
                steady=bool(reply.get("steady", True)),
                promise=str(reply.get("promise", "exact")),
            )
        except (_Ended, wire.WireError, KeyError) as error:
            return self._end(error)

    def _end(self, error: Exception) -> Reply:
        """Put away a process that broke off, and say what happened to it."""
        running, self._running = self._running, None
        assert running is not None
        kind = error.kind if isinstance(error, _Ended) else "broken"
        if kind == "timeout":
            running.kill()
            return Reply("timeout", detail=f"no reply within {self.limits.answer:g} s")
        if kind == "broken":
            running.kill()
            return Reply("broken", detail=f"the adapter's process sent no valid reply: {error}")
        status = running.stop()
        if status == -signal.SIGKILL:
            # No program does this to itself: the kernel was short of memory, or somebody ended it.
            return Reply("broken", detail="the adapter's process was ended from outside by SIGKILL")
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return Reply("crash", detail=_plain(f"{name}\n{running.last_words()[-4000:]}".strip()))
