"""The cases of a run: send them to the adapter's process, and run a case again if its outcome is new."""

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
"""Maximum number of requests in flight; it hides slow requests behind fast ones, on both sides."""

_MOST_CHARACTERS = 4000
_MOST_ELEMENTS_AHEAD = 1 << 22
_SAMPLE_ONE_IN = 8


@dataclass(frozen=True)
class JudgedOutcome:
    """The final outcome of one case on one adapter.

    Attributes
    ----------
    outcome : Outcome
        The outcome, confirmed by further runs if it was new.
    expectation : Expectation or None
        The known discrepancy that explains it.
    environment : dict or None
        What the adapter's process runs in; only with the first outcome of each adapter.
    """

    outcome: Outcome
    expectation: Expectation | None = None
    environment: dict[str, Any] | None = None


class _HostPool:
    """The adapter processes of this worker.

    Cases come sorted by adapter, so one live process is enough. It ends when a case needs a different adapter.
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

    def new_environment(self) -> dict[str, Any] | None:
        """The environment of the current process, once per adapter."""
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


def _run_safely(case: Case, host: AdapterProcess, sent: Pending | None = None) -> Outcome:
    """Run a case; an error of the suite itself becomes an ``infra`` outcome with its traceback."""
    try:
        return run_case(case, host, sent)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"[:_MOST_CHARACTERS]
        trace = "".join(traceback.format_exception(error))[-_MOST_CHARACTERS:]
        return Outcome(str(case), host.spec.name, "infra", detail=f"{message}\n{trace}")


def repeat_sampled(case: Case) -> bool:
    """Whether to compute a case of a large selection twice, to detect that it is not deterministic.

    Data with a tolerance are always computed twice, since the tolerance could hide a difference. Exact data are
    compared bit for bit each time, so a second computation finds little more; one case in eight, chosen by its id,
    is enough.
    """
    return not DATA_KINDS[case.data].exact or zlib.crc32(str(case).encode()) % _SAMPLE_ONE_IN == 0


def repeat_always(case: Case) -> bool:
    """Whether to compute a case twice that the user named: always."""
    return True


def _elements(case: Case) -> int:
    """The total number of elements of a case's tensors."""
    try:
        shapes = [case.input_shape, case.weight_shape, case.output_shape]
    except DomainError:
        shapes = [case.input_shape, case.weight_shape]
    return sum(map(math.prod, shapes))


class _Sent(NamedTuple):
    """A case that was sent before its turn."""

    host: AdapterProcess
    case: Case
    elements: int
    pending: Pending | None


class CaseRunner:
    """Runs cases one after the other.

    Parameters
    ----------
    limits : ProcessLimits
        How long to wait for an adapter.
    expectations : mapping
        Entries by adapter.
    twice : callable
        Whether to compute a case twice, provided that the first output comes fast.
    in_process : bool
        Whether to run the adapter in this process, for a debugger. Failures are still repeated in other processes.
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
        """Run a case, and run it again if the outcome is a new discrepancy.

        Parameters
        ----------
        spec, case
            The adapter and the case.
        following : sequence of Case
            The next cases of the same adapter: its process works on them while this output is judged.
        """
        outcome, before = self._run(self._pool.get(spec), case, following)
        expectation = self._expectation(outcome, case)
        if outcome.gates and expectation is None:
            rerun = Rerun(self._spare, spec, case, before, twice=self._twice(case))
            confirmed = self._confirmation.confirm(outcome, rerun, lambda host: _run_safely(case, host))
            if confirmed is not outcome:
                outcome, expectation = confirmed, self._expectation(confirmed, case)
        return JudgedOutcome(outcome, expectation, self._pool.new_environment())

    def _run(self, host: AdapterProcess, case: Case, following: Sequence[Case]) -> tuple[Outcome, Sequence[Call]]:
        """The outcome, and the calls that the process made before."""
        sent = self._ahead.popleft() if self._ahead else None
        if sent is None or (sent.host, sent.case) != (host, case):
            self._ahead.clear()
            sent = self._send(host, case)
        self._send_ahead(host, following)
        outcome = _run_safely(case, host, sent.pending)
        return outcome, () if sent.pending is None else sent.pending.before

    def _send_ahead(self, host: AdapterProcess, following: Sequence[Case]) -> None:
        """Keep a few requests in flight, as far as their tensors fit into a memory limit."""
        for case in following[len(self._ahead) : MOST_AHEAD]:
            if sum(sent.elements for sent in self._ahead) + _elements(case) > _MOST_ELEMENTS_AHEAD:
                return
            self._ahead.append(self._send(host, case))

    def _send(self, host: AdapterProcess, case: Case) -> _Sent:
        """Send a request. If that fails, `run_case` meets the same error when the case has its turn."""
        pending = None
        with suppress(Exception):
            pending = host.send(case, input_tensors(case), twice=self._twice(case))
        return _Sent(host, case, _elements(case), pending)

    def _expectation(self, outcome: Outcome, case: Case) -> Expectation | None:
        return matching_expectation(case, outcome, self._expectations[outcome.adapter], self._pool.environment)

    def close(self) -> None:
        """End the adapter's processes."""
        self._pool.close()
        self._spare.close()
