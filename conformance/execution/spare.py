"""Additional processes, in which failed cases run again.

The process of the run continues unchanged: its state may be the reason for the failure, and must not be lost.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.host.history import Call
from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.cases.program import Program
from conformance.execution.earlier_calls import programs_of
from conformance.oracle.expected_output import input_tensors
from conformance.oracle.verdict import judge
from conformance.reports.record.statuses import STATUSES

__all__ = ["MOST_PROCESSES", "MOST_SECONDS", "Rerun", "Spare"]

MOST_PROCESSES = 30
"""Maximum number of processes for replays, per adapter and worker of a run."""

MOST_SECONDS = 30.0
"""Maximum time for replays, per adapter and worker of a run; a replay that has started is finished."""

_NEW_PROCESSES = 3
_REPEATS = 20

T = TypeVar("T")


class Spare:
    """One additional process at a time, and what was spent on each adapter."""

    def __init__(self, limits: ProcessLimits) -> None:
        self._limits = limits
        self._host: AdapterProcess | None = None
        self._processes: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._right_alone: Counter[str] = Counter()

    def new(self, spec: AdapterSpec) -> AdapterProcess:
        """A process that has computed nothing yet."""
        self.close()
        self._processes[spec.name] += 1
        self._host = AdapterProcess(spec, self._limits)
        return self._host

    def kept(self, spec: AdapterSpec) -> AdapterProcess | None:
        """The last process, if enough failed cases of the adapter were right in a new one; otherwise None.

        Many such failures then share one process instead of starting one each.
        """
        is_live = self._host is not None and self._host.spec == spec
        return self._host if is_live and self._right_alone[spec.name] >= _NEW_PROCESSES else None

    def latest(self, spec: AdapterSpec) -> AdapterProcess:
        """The last process of an adapter, whatever it has computed."""
        return self._host if self._host is not None and self._host.spec == spec else self.new(spec)

    def was_right_alone(self, spec: AdapterSpec) -> None:
        """Count a failure that did not reproduce in a new process."""
        self._right_alone[spec.name] += 1

    def more(self, spec: AdapterSpec) -> bool:
        """Whether replays may start a further process of an adapter."""
        return self._processes[spec.name] < MOST_PROCESSES and self._seconds[spec.name] < MOST_SECONDS

    @contextmanager
    def timed(self, spec: AdapterSpec) -> Iterator[None]:
        """Add the time of the block to the time spent on an adapter."""
        started = time.monotonic()
        yield
        self._seconds[spec.name] += time.monotonic() - started

    def close(self) -> None:
        """End the process."""
        if self._host is not None:
            self._host.close()
            self._host = None


class Rerun:
    """Runs one failed case again in several ways.

    Parameters
    ----------
    spare : Spare
        The additional process.
    spec, case
        The adapter and the case that failed.
    before : sequence of Call
        The calls that its process made before it.
    twice : bool
        Whether the case is computed twice.
    """

    def __init__(
        self, spare: Spare, spec: AdapterSpec, case: Case, before: Sequence[Call], *, twice: bool
    ) -> None:
        self.case, self.before = case, tuple(before)
        self._spare, self._spec, self._twice = spare, spec, twice

    def alone(self, run: Callable[[AdapterProcess], T], fails: Callable[[T], bool]) -> T:
        """The result of the case in a different process: a new one, or after many such failures the last one.

        A failure in a process that is not new proves nothing, so the case then runs again in a new one.
        """
        kept = self._spare.kept(self._spec)
        if kept is not None:
            result = run(kept)
            if not fails(result):
                return result
        result = run(self._spare.new(self._spec))
        if not fails(result):
            self._spare.was_right_alone(self._spec)
        return result

    def more(self) -> bool:
        """Whether a further process may be started."""
        return self._spare.more(self._spec)

    def fails_after(self, calls: Sequence[Call]) -> bool:
        """Whether the case fails in a new process that makes some calls first."""
        with self._spare.timed(self._spec):
            host = self._spare.new(self._spec)
            for call in calls:
                host.run(call.case, input_tensors(call.case), beyond_limits=call.beyond_limits, twice=call.twice)
            return self._fails(host)

    def fails_sometimes(self) -> bool:
        """Whether the case fails in one of many runs in the process that replayed it."""
        with self._spare.timed(self._spec):
            host = self._spare.latest(self._spec)
            return any(self._fails(host) for _ in range(_REPEATS))

    def programs(self, calls: Sequence[Call]) -> dict[str, Program]:
        """The programs of some calls, by case id."""
        return programs_of([call.case for call in calls], self._spare.latest(self._spec))

    def _fails(self, host: AdapterProcess) -> bool:
        tensors = input_tensors(self.case)
        status = STATUSES[judge(self.case, tensors, host.run(self.case, tensors, twice=self._twice)).status]
        return status.gates and not status.ours
