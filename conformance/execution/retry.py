"""Run a failed case again: alone in a new process, then in one after the calls that came before it."""

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

# After this many confirmed cases of a discrepancy, further cases of it are not run again, so that a framework that
# is wrong in a thousand cases is not started a thousand times.
_TIMES_EACH = 3


class Confirmation:
    """Decides which cases run again, and combines several outcomes of one case into one."""

    def __init__(self) -> None:
        self._came_back: Counter[tuple[str, str, str | None, str]] = Counter()
        self._stateful: Counter[str] = Counter()

    def confirm(self, first: Outcome, rerun: Rerun, run: Callable[[AdapterProcess], Outcome]) -> Outcome:
        """Run a case again whose outcome fails the gate, and return its final outcome.

        Parameters
        ----------
        first : Outcome
            The outcome.
        rerun : Rerun
            Runs the same case again.
        run : callable
            Runs the case in a process and returns the outcome.

        Returns
        -------
        Outcome
            The first outcome if it reproduces in a process of its own. ``fail: stateful`` if it reproduces only
            after earlier calls, ``fail: nondeterministic`` if one of many runs in one process fails, ``flaky`` if
            it does not reproduce at all. If the first outcome was a failure of the suite, the second outcome.
        """
        signature = first.adapter, first.status, first.kind, first.transform or ""
        # "nondeterministic" rests on two different outputs in one process. A third run would only hide that.
        if first.kind == "nondeterministic" or self._came_back[signature] >= _TIMES_EACH:
            return first
        second = rerun.alone(run, lambda outcome: outcome.gates)
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
            why = "the suite did not search for the earlier calls that make it fail: such searches have reached "
            why += f"their limit ({MOST_PROCESSES} processes, {MOST_SECONDS:.0f} s per adapter)"
            if self._stateful[first.adapter]:
                return failed_outcome(
                    first, "stateful", f"{detail}\n({why})", "right in another process, wrong after earlier calls"
                )
            return replace(first, status="flaky", detail=f"{detail}\n({why})")
        for call in candidates(rerun.before, rerun.case):
            if rerun.more() and rerun.fails_after([call]):
                return self._shown(first, rerun, (call,))
        if len(rerun.before) > 1 and rerun.fails_after(rerun.before):
            return self._shown(first, rerun, shortest(rerun.before, rerun.fails_after, rerun.more))
        if rerun.fails_sometimes():
            text = "sometimes right and sometimes wrong when it runs many times in one process"
            return failed_outcome(first, "nondeterministic", f"{text}; {detail}", text)
        return replace(first, status="flaky", detail=detail)

    def _shown(self, first: Outcome, rerun: Rerun, calls: Sequence[Call]) -> Outcome:
        self._stateful[first.adapter] += 1
        return stateful_outcome(first, rerun.case, [call.case for call in calls], rerun.programs(calls))
