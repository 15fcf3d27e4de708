"""Asking the questions of a run: the adapter's process, and asking again where an answer is news."""

from __future__ import annotations

import math
import traceback
import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from conformance.adapters.host.client import AdapterProcess, Pending, ProcessLimits
from conformance.adapters.host.history import Call
from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.cases.data import DATA_KINDS
from conformance.cases.errors import DomainError
from conformance.execution.check import run_case
from conformance.execution.prelaunch import take
from conformance.execution.retry import Confirmation
from conformance.execution.spare import Rerun, Spare
from conformance.oracle.expected_output import input_tensors
from conformance.reports.gate.assess import matching_expectation
from conformance.reports.gate.expectations import Expectation
from conformance.reports.record.outcome import Outcome

__all__ = ["MOST_AHEAD", "CaseRunner", "JudgedOutcome", "repeat_always", "repeat_sampled"]

MOST_AHEAD = 8
"""Questions sent before their turn: what one takes longer is made up for by others, on either side."""

_MOST_CHARACTERS = 4000
_MOST_ELEMENTS_AHEAD = 1 << 22
_ONCE_IN = 8


@dataclass(frozen=True)
class JudgedOutcome:
    """What came of one question.

    Attributes
    ----------
    outcome : Outcome
        The verdict, settled by asking again where it was news.
    known : Expectation or None
        What explains it.
    environment : dict or None
        What the adapter's process runs in, along with the first answer of each adapter.
    """

    outcome: Outcome
    known: Expectation | None = None
    environment: dict[str, Any] | None = None


class _HostPool:
    """The adapter processes of this worker.

    Questions come sorted by adapter, so one live process is enough; the last is ended when another is asked for.
    """

    def __init__(self, limits: ProcessLimits, *, in_process: bool) -> None:
        self._limits = limits
        self._in_process = in_process
        self._host: AdapterProcess | None = None
        self._announced: set[str] = set()

    def get(self, spec: AdapterSpec) -> AdapterProcess:
        """The process of an adapter."""
        if self._host is None or self._host.spec != spec:
            self.close()
            self._host = (
                AdapterProcess(spec, self._limits, in_process=True)
                if self._in_process
                else take(spec, self._limits)
            )
        return self._host

    @property
    def environment(self) -> dict[str, Any]:
        """What the current process runs in."""
        return self._host.environment if self._host is not None else {}

    def news(self) -> dict[str, Any] | None:
        """The environment of the current process, once for each adapter."""
        if self._host is None or self._host.spec.name in self._announced:
            return None
        if not self._host.environment["versions"]:
            return None
        self._announced.add(self._host.spec.name)
        return self._host.environment

    def close(self) -> None:
        """End the live process."""
        if self._host is not None:
            self._host.close()
            self._host = None


def _ask(case: Case, host: AdapterProcess, sent: Pending | None = None) -> Outcome:
    """Ask; an error of our own is an outcome too, said in its own words."""
    try:
        return run_case(case, host, sent)
    except Exception as error:
        words = f"{type(error).__name__}: {error}"[:_MOST_CHARACTERS]
        trace = "".join(traceback.format_exception(error))[-_MOST_CHARACTERS:]
        return Outcome(str(case), host.spec.name, "infra", detail=f"{words}\n{trace}")


def repeat_sampled(case: Case) -> bool:
    """Whether a question of a large selection is worth two answers.

    Where a tolerance could hide that they differ, always. Exact data prove each answer bit for bit, so there a
    second is one more draw from a lottery that every other case plays too: one case in eight, chosen by its id.
    """
    return not DATA_KINDS[case.data].exact or zlib.crc32(str(case).encode()) % _ONCE_IN == 0


def repeat_always(case: Case) -> bool:
    """Whether a question that somebody names is worth two answers: each is."""
    return True


def _elements(case: Case) -> int:
    """How many numbers the tensors of a question hold."""
    try:
        shapes = [case.input_shape, case.weight_shape, case.output_shape]
    except DomainError:
        shapes = [case.input_shape, case.weight_shape]
    return sum(map(math.prod, shapes))


class _Sent(NamedTuple):
    """A question on its way before its turn."""

    host: AdapterProcess
    case: Case
    elements: int
    pending: Pending | None


class CaseRunner:
    """Asks questions one after the other, wherever a run sends them.

    Parameters
    ----------
    limits : ProcessLimits
        How long to wait for an adapter.
    expectations : mapping
        Entries by adapter.
    twice : callable
        Whether a question is answered twice, where the first answer comes fast.
    in_process : bool
        Whether to run the adapter in this process, for a debugger. What repeats a failure is still a process.
    """

    def __init__(
        self,
        limits: ProcessLimits,
        expectations: Mapping[str, Sequence[Expectation]],
        twice: Callable[[Case], bool] = repeat_sampled,
        *,
        in_process: bool = False,
    ) -> None:
        self._pool = _HostPool(limits, in_process=in_process)
        self._spare = Spare(limits)
        self._expectations = expectations
        self._twice = twice
        self._confirmation = Confirmation()
        self._ahead: deque[_Sent] = deque()

    def run(self, spec: AdapterSpec, case: Case, following: Sequence[Case] = ()) -> JudgedOutcome:
        """Ask, and ask again where the outcome is news.

        Parameters
        ----------
        spec, case
            The question.
        following : sequence of Case
            What the same adapter is asked next: it works on that while this answer is judged.
        """
        outcome, before = self._ask(self._pool.get(spec), case, following)
        known = self._known(outcome, case)
        if outcome.gates and known is None:
            rerun = Rerun(self._spare, spec, case, before, twice=self._twice(case))
            settled = self._confirmation.confirm(outcome, rerun, lambda host: _ask(case, host))
            if settled is not outcome:
                outcome, known = settled, self._known(settled, case)
        return JudgedOutcome(outcome, known, self._pool.news())

    def _ask(self, host: AdapterProcess, case: Case, following: Sequence[Case]) -> tuple[Outcome, Sequence[Call]]:
        """The outcome, and the calls that the process was given before."""
        sent = self._ahead.popleft() if self._ahead else None
        if sent is None or (sent.host, sent.case) != (host, case):
            self._ahead.clear()
            sent = self._send(host, case)
        self._send_ahead(host, following)
        outcome = _ask(case, host, sent.pending)
        return outcome, () if sent.pending is None else sent.pending.before

    def _send_ahead(self, host: AdapterProcess, following: Sequence[Case]) -> None:
        """Keep a few questions on their way, and the tensors of so many in memory."""
        for case in following[len(self._ahead) : MOST_AHEAD]:
            if sum(sent.elements for sent in self._ahead) + _elements(case) > _MOST_ELEMENTS_AHEAD:
                return
            self._ahead.append(self._send(host, case))

    def _send(self, host: AdapterProcess, case: Case) -> _Sent:
        """Send a question; what is wrong with it is found out when it is asked."""
        pending = None
        with suppress(Exception):
            pending = host.send(case, input_tensors(case), twice=self._twice(case))
        return _Sent(host, case, _elements(case), pending)

    def _known(self, outcome: Outcome, case: Case) -> Expectation | None:
        return matching_expectation(case, outcome, self._expectations[outcome.adapter], self._pool.environment)

    def close(self) -> None:
        """End the adapter's processes."""
        self._pool.close()
        self._spare.close()
