"""The runner's end of an adapter's process: start it, ask it, and survive whatever it does."""

from __future__ import annotations

import collections
import logging
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from conformance.adapters.base import Tensor
from conformance.adapters.host import protocol
from conformance.adapters.host.connection import Connection, ConnectionLost
from conformance.adapters.host.history import Call, History
from conformance.adapters.host.spawn import Spawned, spawn
from conformance.adapters.machines import unmet
from conformance.adapters.registry import AdapterSpec
from conformance.cases.case import Case

if TYPE_CHECKING:
    from conformance.adapters.host.in_process import InProcess

__all__ = ["AdapterProcess", "Model", "Pending", "ProcessLimits", "Reply"]

_log = logging.getLogger("conformance.adapter")

_QUESTIONS_BETWEEN_LOOKS = 50
_MESSAGE_LIMIT = 20_000  # beyond the stacks that libraries and the interpreter print behind the reason


@dataclass(frozen=True)
class ProcessLimits:
    """Patience, in seconds, and room.

    Attributes
    ----------
    start : float
        For the process to import its framework.
    answer : float
        For one question, from when its reply is waited for.
    memory : int
        Bytes a process may grow to before a fresh one takes its place: compilers keep every program they made.
    """

    start: float = 180.0
    answer: float = 60.0
    memory: int = 3 << 30

    def scaled(self, patience: float) -> ProcessLimits:
        """The same with ``patience`` times the time."""
        return replace(self, start=self.start * patience, answer=self.answer * patience)


@dataclass(frozen=True)
class Reply:
    """What came of one question.

    Attributes
    ----------
    kind : str
        ``answer``, ``not_numbers`` and ``misshapen`` (outputs that cannot be compared, or need not be copied to be
        seen to be wrong), ``raised``, ``unsupported``, ``inexpressible``, ``crash``, ``timeout``, ``broken`` (our
        own machinery, or a framework that cannot be imported).
    tensors : dict of Tensor
        The answer.
    detail, source : str
        The message and the documentation it cites.
    changing : tuple of str
        Names of the tensors that differ when the case is run twice.
    promise : str
        The accuracy profile the adapter promises for the case.
    """

    kind: str
    tensors: dict[str, Tensor] = field(default_factory=dict)
    detail: str = ""
    source: str = ""
    changing: tuple[str, ...] = ()
    promise: str = "exact"

    @property
    def deterministic(self) -> bool:
        """Whether running the case twice gave the same bits."""
        return not self.changing


class Model(NamedTuple):
    """A model file: the suffix of its name, and its bytes."""

    suffix: str
    content: bytes


def _plain(text: str) -> str:
    """Text without the escape sequences that colour a terminal, and without what no file can hold.

    A lone surrogate, such as an undecodable file name gives, is written as its escape.
    """
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


class Pending:
    """A message on its way, and its reply once that is there."""

    def __init__(
        self, message: protocol.Message, tensors: Mapping[str, np.ndarray], call: Call | None = None
    ) -> None:
        self.id = int(message["id"])
        self.title = f"{message['ask']} {message['case']}"
        self.data = protocol.pack(message, tensors)
        self.reply: tuple[protocol.Message, dict[str, np.ndarray]] | Reply | None = None
        self._call = call
        self._history, self._place = History(), 0

    def note(self, history: History) -> None:
        """Enter the call into the history of the process that it is sent to."""
        if self._call is not None:
            self._history, self._place = history, history.add(self._call)

    @property
    def before(self) -> tuple[Call, ...]:
        """The calls that its process was given before it."""
        return self._history.before(self._place)


class AdapterProcess:
    """An adapter in a process of its own, started when first asked and again after it ended.

    Questions can be sent ahead of the time their answers are wanted (`send`, then `wait`), so that the framework
    works while an earlier answer is judged. Should the process end, it ended over the oldest question without a
    reply; those behind it are sent to the next process, if their answers are still wanted. A process that compiles
    for those behind may have ended or waited over one of them, so that the oldest is asked again, alone.

    Parameters
    ----------
    spec : AdapterSpec
        Which adapter, and the interpreter to run it.
    limits : ProcessLimits
        How long to wait.
    spawned : Spawned, optional
        The process, where it has been started.
    in_process : bool
        Whether to run the adapter in this process, for a debugger.

    Attributes
    ----------
    environment : dict
        Versions, processor and settings of the process, known once it has started.
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
        self._in_process = in_process
        self._running: Connection | InProcess | None = None if spawned is None else Connection(spawned)
        self._greeted = self._ahead = False
        self._sent: collections.deque[Pending] = collections.deque()
        self._history = History()
        self._asked = 0
        self._cannot_start: Reply | None = None

    def __enter__(self) -> AdapterProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._running is not None:
            self._running.kill()
            self._forget()

    def _forget(self) -> None:
        self._running, self._greeted = None, False
        self._sent.clear()
        self._history = History()

    def resident_bytes(self) -> int:
        """Memory the process holds; 0 without one, or where the system does not say."""
        return 0 if self._running is None else self._running.resident_bytes()

    def _connect(self) -> Connection | InProcess:
        _log.info("%s: start%s", self.spec.name, " in this process" if self._in_process else "")
        if not self._in_process:
            return Connection(spawn(self.spec))
        from conformance.adapters.host.in_process import (
            InProcess,  # what serves an adapter is loaded only where it is needed
        )

        return InProcess(self.spec)

    def start(self) -> Reply | None:
        """Start the process unless it runs; the reply says why it cannot, None that it does."""
        if self._running is None and self._cannot_start is None:
            self._running = self._connect()
        if self._greeted or self._running is None:
            return self._cannot_start
        try:
            hello, _ = self._running.receive(self.limits.start)
        except (ConnectionLost, protocol.WireError) as error:
            ended = self._end(error)
            self._cannot_start = Reply("broken", detail=f"the adapter's process did not start: {ended.detail}")
            return self._cannot_start
        if hello["reply"] != "ready":
            self.close()
            self._cannot_start = Reply("broken", detail=f"the adapter cannot be loaded: {_plain(hello['detail'])}")
            return self._cannot_start
        self.environment = hello["environment"]
        without_effect = unmet(self.spec.profile, self.environment.get("facts") or {})
        if without_effect:
            self.close()
            self._cannot_start = Reply("broken", detail=without_effect)
            return self._cannot_start
        self._ahead = bool(hello.get("ahead"))
        self._greeted = True
        _log.info("%s: ready, %s", self.spec.name, self.environment.get("versions"))
        return None

    def send(
        self, case: Case, tensors: Mapping[str, np.ndarray], *, beyond_limits: bool = False, twice: bool = True
    ) -> Pending:
        """Send a question whose answer is wanted later; for the arguments see `ask`."""
        message = {"ask": "answer", "case": str(case), "beyond_limits": beyond_limits, "twice": twice}
        return self._send(message, tensors, Call(case, twice, beyond_limits))

    def wait(self, pending: Pending) -> Reply:
        """The reply to a question that was sent; never raises for anything the process does."""
        got = self._wait(pending)
        if isinstance(got, Reply):
            return got
        reply, arrays = got
        try:
            return Reply(
                kind=str(reply["reply"]),
                tensors={name: Tensor(arrays[name], str(d)) for name, d in reply.get("dtypes", {}).items()},
                detail=_plain(str(reply.get("detail", ""))),
                source=_plain(str(reply.get("source", ""))),
                changing=tuple(map(str, reply.get("changing", ()))),
                promise=str(reply.get("promise", "exact")),
            )
        except KeyError as error:
            return self._invalid(error)

    def run(
        self, case: Case, tensors: Mapping[str, np.ndarray], *, beyond_limits: bool = False, twice: bool = True
    ) -> Reply:
        """Ask one question; never raises for anything the process does.

        ``beyond_limits`` asks even what the adapter declares that the framework cannot. ``twice`` has the answer
        computed again where the first came fast, to see whether it stays the same.
        """
        return self.wait(self.send(case, tensors, beyond_limits=beyond_limits, twice=twice))

    def model(self, case: Case, tensors: Mapping[str, np.ndarray]) -> Model | Reply:
        """The model file a runtime is asked with, or the reply that says why there is none."""
        got = self._wait(self._send({"ask": "model", "case": str(case)}, tensors))
        if isinstance(got, Reply):
            return got
        reply, arrays = got
        try:
            if reply["reply"] == "model":
                return Model(str(reply["suffix"]), arrays["content"].tobytes())
            source = _plain(str(reply.get("source", "")))
            return Reply(str(reply["reply"]), detail=_plain(str(reply["detail"])), source=source)
        except KeyError as error:
            return self._invalid(error)

    def program(self, case: Case) -> str:
        """The source text of the call the adapter makes for a case, or why there is none."""
        reply = self.wait(self._send({"ask": "program", "case": str(case)}, {}))
        return reply.source if reply.kind == "program" else f"# {reply.detail}\n"

    def _send(
        self, message: protocol.Message, tensors: Mapping[str, np.ndarray], call: Call | None = None
    ) -> Pending:
        self._asked += 1
        if self._asked % _QUESTIONS_BETWEEN_LOOKS == 0 and self.resident_bytes() > self.limits.memory:
            _log.info("%s: restart, as the process holds too much memory", self.spec.name)
            self.close()
        pending = Pending({**message, "id": self._asked}, tensors, call)
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

    def _wait(self, pending: Pending) -> tuple[protocol.Message, dict[str, np.ndarray]] | Reply:
        while pending.reply is None:
            if pending not in self._sent:
                _log.info("%s: retry %s", self.spec.name, pending.title)
                self._post(pending)  # the process it was sent to has ended over another question
                continue
            assert self._running is not None
            oldest = self._sent[0]
            try:
                got = self._running.receive(self.limits.answer)
                if got[0].get("id") != oldest.id:
                    # As after a fork in which both processes went on: no later reply can be trusted either.
                    raise protocol.WireError(f"a reply to message {got[0].get('id')} in place of {oldest.id}")
                oldest.reply = got
                _log.debug("%s: received %s for %s", self.spec.name, got[0].get("reply"), oldest.title)
                self._sent.popleft()
            except (ConnectionLost, protocol.WireError) as error:
                # Where questions behind are compiled for, it may have ended, or waited, over one of those: each
                # has to do so alone.
                blamed = len(self._sent) == 1 or not self._ahead
                reply = self._end(error)
                if blamed or reply.kind not in ("crash", "timeout"):
                    oldest.reply = reply
        return pending.reply

    def _invalid(self, error: Exception) -> Reply:
        self.close()
        return Reply("broken", detail=f"the adapter's process sent no valid reply: {error}")

    def _end(self, error: Exception) -> Reply:
        """Put away a process that broke off, and say what happened to it."""
        running = self._running
        assert running is not None
        self._forget()
        kind = error.kind if isinstance(error, ConnectionLost) else "broken"
        _log.info("%s: the process ended (%s)", self.spec.name, kind)
        if kind == "timeout":
            running.kill()
            return Reply("timeout", detail=f"no reply within {self.limits.answer:g} s")
        if kind == "broken":
            running.kill()
            return self._invalid(error)
        status = running.stop()
        if status == -signal.SIGKILL:
            # No program does this to itself: the kernel was short of memory, or somebody ended it.
            return Reply("broken", detail="the adapter's process was ended from outside by SIGKILL")
        name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return Reply("crash", detail=_plain(f"{name}\n{running.stderr_tail()[-_MESSAGE_LIMIT:]}".strip()))
