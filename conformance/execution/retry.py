"""Running a failed case again: alone in a new process, then in one behind the calls that came before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.host.history import Call
from conformance.execution.earlier_calls import failed_outcome, stateful_outcome
from conformance.execution.shorten import candidates, shortest
from conformance.execution.spare import MOST_PROCESSES, MOST_SECONDS, Rerun
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import label

__all__ = ["Confirmation"]

# Every further case of a discrepancy that came back is taken for the same: a framework that is wrong in a thousand
# cases is not started a thousand times.
_TIMES_EACH = 3


class Confirmation:
    """Decides which outcomes are run again, and what several outcomes of one case amount to."""

    def __init__(self) -> None:
        self._came_back: Counter[tuple[str, str, str | None, str]] = Counter()
        self._stateful: Counter[str] = Counter()

    def confirm(self, first: Outcome, rerun: Rerun, ask: Callable[[AdapterProcess], Outcome]) -> Outcome:
        """Settle an outcome that fails the gate.

        Parameters
        ----------
        first : Outcome
            The outcome.
        rerun : Rerun
            Runs the same case again.
        ask : callable
            The outcome of the case in a process.

        Returns
        -------
        Outcome
            The first where it comes back in a process of its own. ``fail: stateful`` where it comes back only
            behind earlier calls, ``fail: nondeterministic`` where one of many runs in one process fails, ``flaky``
            where it comes back in no way; the second outcome alone where only our own machinery failed at first.
        """
        transform = (first.diagnosis or {}).get("transform", "")
        signature = first.adapter, first.status, first.kind, str(transform)
        # Two outputs of one case within a process are what the kind says; a third would hide it.
        if first.kind == "nondeterministic" or self._came_back[signature] >= _TIMES_EACH:
            return first
        second = rerun.alone(ask, lambda outcome: outcome.gates)
        if second.status == first.status and second.kind == first.kind:
            self._came_back[signature] += 1
            return first
        before = f"first {label(first.status, first.kind)}: {first.detail}"
        if first.status == "infra":
            return replace(second, detail=f"{second.detail}\n({before})".strip())
        other = label(second.status, second.kind)
        if second.gates:
            self._came_back[signature] += 1
            return replace(first, detail=f"{first.detail}\n(run again in a new process: {other}: {second.detail})")
        return self._right_alone(first, rerun, f"run again in a new process: {other}; {before}")

    def _right_alone(self, first: Outcome, rerun: Rerun, detail: str) -> Outcome:
        if not rerun.more():
            why = "which calls before it make it fail was not searched: the budget of such searches "
            why += f"({MOST_PROCESSES} processes, {MOST_SECONDS:.0f} s for an adapter) is spent"
            if self._stateful[first.adapter]:
                return failed_outcome(
                    first, "stateful", f"{detail}\n({why})", "right in another process, wrong behind earlier calls"
                )
            return replace(first, status="flaky", detail=f"{detail}\n({why})")
        for call in candidates(rerun.before, rerun.case):
            if rerun.more() and rerun.fails_after([call]):
                return self._shown(first, rerun, (call,))
        if len(rerun.before) > 1 and rerun.fails_after(rerun.before):
            return self._shown(first, rerun, shortest(rerun.before, rerun.fails_after, rerun.more))
        if rerun.fails_sometimes():
            text = "right and wrong in turn when it is run many times in one process"
            return failed_outcome(first, "nondeterministic", f"{text}; {detail}", text)
        return replace(first, status="flaky", detail=detail)

    def _shown(self, first: Outcome, rerun: Rerun, calls: Sequence[Call]) -> Outcome:
        self._stateful[first.adapter] += 1
        return stateful_outcome(first, rerun.case, [call.case for call in calls], rerun.programs(calls))
