"""Whether further cases fail with the cause of a finding."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.diagnosis import diagnose
from conformance.oracle.expected_output import input_tensors
from conformance.oracle.verdict import judge
from conformance.reports.record.causes import transforms
from conformance.reports.record.outcome import Outcome

__all__ = ["Alike"]

_NUMBERS = re.compile(r"\d+")


class Alike:
    """Runs further cases and says whether each shows the same cause as some outcomes.

    Parameters
    ----------
    outcomes : iterable of Outcome
        Those of one finding.
    host : AdapterProcess
        The adapter's process.

    Attributes
    ----------
    others : int
        Cases that failed with another cause, and so said nothing.
    """

    def __init__(self, outcomes: Iterable[Outcome], host: AdapterProcess) -> None:
        outcomes = list(outcomes)
        self._host = host
        self._ways = {(outcome.status, outcome.kind) for outcome in outcomes}
        self._status = outcomes[0].status
        self._messages = {_plain(o.detail) for o in outcomes if o.kind == "rejected"}
        # Of the explanations that fit, the finding's is the one that fits the most.
        names = Counter(name for outcome in outcomes for name in transforms(outcome))
        self._transform = names.most_common(1)[0][0] or "unexplained"
        self._signal = (outcomes[0].diagnosis or {}).get("signal")
        self.others = 0

    def __call__(self, case: Case) -> bool | None:
        """True for the same cause, False for a pass, None for everything else."""
        tensors = input_tensors(case)
        reply = self._host.run(case, tensors)
        found = judge(case, tensors, reply)
        if found["status"] == "pass":
            return False
        if found["status"] not in ("fail", "crash", "timeout"):
            return None
        same = found["status"] == self._status and self._same(found, diagnose(case, tensors, reply, found))
        self.others += not same
        return True if same else None

    def _same(self, found: dict[str, Any], diagnosis: dict[str, Any] | None) -> bool:
        diagnosis = diagnosis or {}
        if found.get("kind") == "rejected":
            # The message stands for the cause: to find the argument, neighbours of each case would have to be run.
            return _plain(found.get("detail", "")) in self._messages
        if self._transform == "unexplained" and (found["status"], found.get("kind")) not in self._ways:
            return False
        names = [
            name or "unexplained" for name in transforms(Outcome("", "", found["status"], diagnosis=diagnosis))
        ]
        return self._transform in names and diagnosis.get("signal") == self._signal


def _plain(message: str) -> str:
    """The first line of a message without its numbers, which vary with the case."""
    return _NUMBERS.sub("#", message.strip().partition("\n")[0])
