"""Asking again: whether a discrepancy comes back in a fresh process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from reports.outcome import Outcome
from reports.statuses import label

__all__ = ["Confirmation"]

# Every further case of a discrepancy that came back is taken for the same: a framework that is wrong in a thousand
# cases is not started a thousand times.
_TIMES_EACH = 3


class Confirmation:
    """Decides which outcomes are asked for again, and what two outcomes of one question amount to."""

    def __init__(self) -> None:
        self._came_back: Counter[tuple[str, str, str | None, str]] = Counter()

    def confirm(self, first: Outcome, ask_again: Callable[[], Outcome]) -> Outcome:
        """Settle an outcome that fails the gate.

        Parameters
        ----------
        first : Outcome
            The outcome.
        ask_again : callable
            Asks the same question in a fresh process.

        Returns
        -------
        Outcome
            ``flaky`` if the second answer does not fail; the second outcome alone where only our own machinery
            failed at first; else the first.
        """
        transform = (first.diagnosis or {}).get("transform", "")
        signature = first.adapter, first.status, first.kind, str(transform)
        # Two answers to one question within a process are what the kind says; a third would hide it.
        if first.kind == "nondeterministic" or self._came_back[signature] >= _TIMES_EACH:
            return first
        second = ask_again()
        if second.status == first.status and second.kind == first.kind:
            self._came_back[signature] += 1
            return first
        words = f"first {label(first.status, first.kind)}: {first.detail}"
        if first.status == "infra":
            return replace(second, detail=f"{second.detail}\n({words})".strip())
        if second.gates:
            self._came_back[signature] += 1
            other = f"{label(second.status, second.kind)}: {second.detail}"
            return replace(first, detail=f"{first.detail}\n(asked again in a fresh process: {other})")
        other = label(second.status, second.kind)
        return replace(first, status="flaky", detail=f"asked again in a fresh process: {other}; {words}")
