"""The client of an adapter's process: start it, send it cases, and survive whatever it does."""

from __future__ import annotations

import collections
import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from conformance.adapters.base import Product
from conformance.adapters.host import protocol
from conformance.adapters.host.connection import Connection, ConnectionLost
from conformance.adapters.host.history import Call, History
from conformance.adapters.host.programs import ProgramConnection
from conformance.adapters.host.received import (
    Model,
    Reply,
    ReplyKind,
    as_files,
    as_model,
    as_product,
    as_program,
    as_reply,
    plain_text,
)
from conformance.adapters.host.spawn import Spawned, spawn
from conformance.adapters.installation import missing_text
from conformance.adapters.machines import unmet
from conformance.adapters.registry import AdapterSpec, load
from conformance.cases.case import Case
from conformance.cases.large import is_large, memory_needed
from conformance.cases.program import Program

if TYPE_CHECKING:
    from conformance.adapters.host.in_process import InProcess

__all__ = ["AdapterProcess", "Model", "Pending", "ProcessLimits", "Reply", "ReplyKind"]

T = TypeVar("T")
Arrays = dict[str, np.ndarray]

_log = logging.getLogger("conformance.adapter")

_REQUESTS_PER_MEMORY_CHECK = 50
_MESSAGE_LIMIT = 20_000  # more than the stacks that libraries and the interpreter print after the reason


@dataclass(frozen=True)
class ProcessLimits:
    """Timeouts, in seconds, the memory that a process may use, and how often it computes a case.

    Attributes
    ----------
    start : float
        For the process to import its framework.
    answer : float
        For the reply to one request, from the time the client waits for it.
    memory : int
        Bytes a process may grow to before a fresh one replaces it: compilers keep every program they made.
    calls, at_once : int
        The number of calls of each case, at least ``at_once``, and of threads that make them at a time.
    """

    start: float = 180.0
    answer: float = 60.0
    memory: int = 3 << 30
    calls: int = 1
    at_once: int = 1

    def scaled(self, patience: float) -> ProcessLimits:
        """The same with timeouts that are ``patience`` times as long."""
        return replace(self, start=self.start * patience, answer=self.answer * patience)


class Pending:
    """A message that was sent, and its reply once it has arrived."""

    def __init__(
        self, message: protocol.Message, tensors: Mapping[str, np.ndarray], call: Call | None = None
    ) -> None:
        # A large case has the time of an ordinary one for each gibibyte that it needs, too.
        large = call is not None and message["ask"] == "samples"
        self.patience = 1 + (memory_needed(call.case) >> 30) if large and call else 1
        if message.get("calls", 1) > 1:
            self.patience += 1  # the calls after the first end after half a minute
        self.id = int(message["id"])
        self.title = f"{message['ask']} {message['case']}"
        self.data = protocol.pack(message, tensors)
        self.reply: tuple[protocol.Message, Arrays] | Reply | None = None
        self._call = call
        self._history, self._position = History(), 0

    def note(self, history: History) -> None:
        """Add the call to the history of the process that it is sent to."""
        if self._call is not None:
            self._history, self._position = history, history.add(self._call)

    @property
    def before(self) -> tuple[Call, ...]:
        """The calls that its process received before it."""
        return self._history.before(self._position)


class AdapterProcess:
    """An adapter in a process of its own, started for the first request and again after it ended.

    A case can be sent before its reply is needed (`send`, then `wait`), so that the framework works while an
    earlier output is judged. If the process dies, the oldest pending request is blamed; later ones are resent to a
    new process. A process that precompiles later requests may have died or hung on one of those, so that the
    oldest is sent again, alone.

    Parameters
    ----------
    spec : AdapterSpec
        Which adapter, and the interpreter to run it.
    limits : ProcessLimits
        Timeouts and memory.
    spawned : Spawned, optional
        The process, where it has been started already.
    in_process : bool
        Whether to run the adapter in this process, for a debugger.

    Attributes
    ----------
    environment : dict
        Versions, processor and settings of the process, filled in once it has started.
    stages : tuple of str
        The stages of an adapter that goes through converters, the layer first, filled in likewise.
    """

    def __init__(
        self,
        spec: AdapterSpec,
        limits: ProcessLimits | None = None,
        spawned: Spawned | None = None,
        *,
        in_process: bool = False,
    ) -> None:
        self.spec = spec
        self.limits = (limits or ProcessLimits()).scaled(spec.profile.patience)
        self.environment: dict[str, Any] = {"versions": {}}
        self.stages: tuple[str, ...] = ()
        self._in_process = in_process
        self._running: Connection | InProcess | None = None if spawned is None else Connection(spawned)
        self._hello = None if spawned is None else spawned.hello
        self._ready = self._precompiles = False
        self._sent: collections.deque[Pending] = collections.deque()
        self._history = History()
        self._request_count = 0
        self._cannot_start: Reply | None = None

    def __enter__(self) -> AdapterProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._running is not None:
            self._running.kill()
            self._reset()

    def _reset(self) -> None:
        self._running, self._ready, self._hello = None, False, None
        self._sent.clear()
        self._history = History()

    def give_away(self) -> tuple[Spawned, list[str]] | None:
        """The live process, for use by a later command, and the files that it has loaded; ends it and returns
        None if it is not ready for another request.
        """
        files = self._read(self._send({"ask": "files", "case": ""}, {}), as_files) if self._ready else None
        running, hello = self._running, self._hello
        if not isinstance(files, list) or not isinstance(running, Connection) or self._sent or not running.quiet:
            self.close()
            return None
        self._reset()
        return running.detach()._replace(hello=hello), files

    def resident_bytes(self) -> int:
        """Memory the process holds; 0 without a process, or where the system does not report it."""
        return 0 if self._running is None else self._running.resident_bytes()

    def _connect(self) -> Connection | InProcess:
        _log.info("%s: start%s", self.spec.name, " in this process" if self._in_process else "")
        if not self._in_process:
            return Connection(spawn(self.spec))
        from conformance.adapters.host.in_process import InProcess  # imports the server, which is rarely needed

        return InProcess(self.spec)

    def start(self) -> Reply | None:
        """Start the process unless it runs; return None, or a reply that says why it cannot start."""
        if self._running is None and self._cannot_start is None:
            self._running = self._connect()
        if self._ready or self._running is None:
            return self._cannot_start
        try:
            hello = self._hello or self._running.receive(self.limits.start)[0]
        except (ConnectionLost, protocol.WireError) as error:
            ended = self._end(error, self.limits.start)
            return self._refuse(f"the adapter's process did not start: {ended.detail}")
        if hello["reply"] != "ready":
            self.close()
            return self._refuse(f"the adapter cannot be loaded: {plain_text(hello['detail'])}")
        self._hello, self.environment = hello, hello["environment"]
        without_effect = unmet(self.spec.profile, self.environment.get("facts") or {})
        if without_effect:
            self.close()
            self._cannot_start = Reply("broken", detail=without_effect)
            return self._cannot_start
        self._precompiles = bool(hello.get("ahead"))
        self.stages = tuple(map(str, hello.get("stages", ())))
        if hello.get("takes") == "programs":
            self._running = ProgramConnection(cast(Connection, self._running), load(self.spec.target)())
        self._ready = True
        _log.info("%s: ready, %s", self.spec.name, self.environment.get("versions"))
        return None

    def _refuse(self, reason: str) -> Reply:
        """Remember why the process cannot start, with what to install if a package is missing."""
        missing = missing_text(self.spec)
        self._cannot_start = Reply("broken", detail=f"{reason}; {missing}" if missing else reason)
        return self._cannot_start

    def send(
        self, case: Case, tensors: Mapping[str, np.ndarray], *, beyond_limits: bool = False, twice: bool = True
    ) -> Pending:
        """Send a case whose reply is needed later; for the parameters see `run`."""
        ask = "samples" if is_large(case) else "answer"
        message = {"ask": ask, "case": str(case), "beyond_limits": beyond_limits, "twice": twice}
        calls = max(self.limits.calls, self.limits.at_once)
        if calls > 1:
            message |= {"calls": calls, "at_once": self.limits.at_once}
        return self._send(message, tensors, Call(case, twice, beyond_limits))

    def wait(self, pending: Pending) -> Reply:
        """The reply to a request that was sent; never raises for anything the process does."""
        return self._read(pending, as_reply)

    def run(
        self, case: Case, tensors: Mapping[str, np.ndarray], *, beyond_limits: bool = False, twice: bool = True
    ) -> Reply:
        """Run one case; never raises for anything the process does.

        ``beyond_limits`` runs even a case that the adapter declares the framework cannot do. ``twice`` runs the
        case again where the first run was fast, to see whether the outputs stay the same.
        """
        return self.wait(self.send(case, tensors, beyond_limits=beyond_limits, twice=twice))

    def model(self, case: Case, tensors: Mapping[str, np.ndarray]) -> Model | Reply:
        """The model file that a runtime loads for a case, or the reply that says why there is none."""
        return self._read(self._send({"ask": "model", "case": str(case)}, tensors), as_model)

    def product(self, case: Case, tensors: Mapping[str, np.ndarray], stage: int) -> Product | Reply:
        """What the converter of a stage, counted from 1, writes, or the reply that says why it writes nothing."""
        return self._read(self._send({"ask": "product", "case": str(case), "stage": stage}, tensors), as_product)

    def program(self, case: Case) -> Program | Reply:
        """The call that the adapter makes for a case, or the reply that says why there is none."""
        return self._read(self._send({"ask": "program", "case": str(case)}, {}), as_program)

    def _send(
        self, message: protocol.Message, tensors: Mapping[str, np.ndarray], call: Call | None = None
    ) -> Pending:
        self._request_count += 1
        if self._request_count % _REQUESTS_PER_MEMORY_CHECK == 0 and self.resident_bytes() > self.limits.memory:
            _log.info("%s: restart, as the process holds too much memory", self.spec.name)
            self.close()
        pending = Pending({**message, "id": self._request_count}, tensors, call)
        self._post(pending)
        return pending

    def _post(self, pending: Pending) -> None:
        failed = self.start()
        if failed is not None or self._running is None:
            pending.reply = failed or Reply("broken", detail="the adapter's process is closed")
            return
        pending.note(self._history)
        _log.debug("%s: send %s", self.spec.name, pending.title)
        self._running.send(pending.data)
        self._sent.append(pending)

    def _wait(self, pending: Pending) -> tuple[protocol.Message, Arrays] | Reply:
        while pending.reply is None:
            if pending not in self._sent:
                _log.info("%s: retry %s", self.spec.name, pending.title)
                self._post(pending)  # the process it was sent to has died on a different request
                continue
            assert self._running is not None
            oldest = self._sent[0]
            try:
                received = self._running.receive(self.limits.answer * oldest.patience)
                if received[0].get("id") != oldest.id:
                    # As after a fork in which both processes went on: later replies cannot be trusted either.
                    raise protocol.WireError(f"a reply to message {received[0].get('id')} instead of {oldest.id}")
                oldest.reply = received
                _log.debug("%s: received %s for %s", self.spec.name, received[0].get("reply"), oldest.title)
                self._sent.popleft()
                if received[0].get("damaged"):
                    _log.info("%s: restart, as %s damages the process", self.spec.name, oldest.title)
                    self.close()
            except (ConnectionLost, protocol.WireError) as error:
                # A process that precompiles later requests may have died or hung on one of those: a request is
                # blamed only if it was alone.
                blamed = len(self._sent) == 1 or not self._precompiles
                reply = self._end(error, self.limits.answer * oldest.patience)
                if blamed or reply.kind not in ("crash", "timeout"):
                    oldest.reply = reply
        return pending.reply

    def _read(self, pending: Pending, read: Callable[[protocol.Message, Arrays], T]) -> T | Reply:
        """Wait for a reply and read it; a reply without what it must have ends the process."""
        received = self._wait(pending)
        if isinstance(received, Reply):
            return received
        try:
            return read(*received)
        except (KeyError, TypeError) as error:
            return self._invalid(error)

    def _invalid(self, error: Exception) -> Reply:
        self.close()
        return Reply("broken", detail=f"the adapter's process sent no valid reply: {error}")

    def _end(self, error: Exception, patience: float = 0.0) -> Reply:
        """Clean up after a process that broke off, and return what happened to it."""
        running = self._running
        assert running is not None
        self._reset()
        kind = error.kind if isinstance(error, ConnectionLost) else "broken"
        _log.info("%s: the process ended (%s)", self.spec.name, kind)
        if kind == "timeout":
            running.kill()
            return Reply("timeout", detail=f"no reply within {patience:g} s")
        if kind == "broken":
            running.kill()
            return self._invalid(error)
        status = running.stop()
        if status == -signal.SIGKILL:
            # No program does this to itself.
            detail = "the adapter's process was killed (SIGKILL), probably by the out-of-memory killer"
            return Reply("broken", detail=detail)
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return Reply("crash", detail=plain_text(f"{name}\n{running.stderr_tail()[-_MESSAGE_LIMIT:]}".strip()))
