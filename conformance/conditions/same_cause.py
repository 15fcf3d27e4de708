"""Whether further cases fail for the same cause as a finding."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.errors import DomainError
from conformance.cases.large import is_large
from conformance.diagnosis import Diagnosis, diagnose
from conformance.diagnosis.mutations.problem import Problem, Solver, Tensors
from conformance.diagnosis.mutations.registry import Variation, variations
from conformance.oracle.expected_output import input_tensors
from conformance.oracle.verdict import Verdict, judge
from conformance.reports.record.causes import transforms
from conformance.reports.record.outcome import Outcome

__all__ = ["Alike"]

_NUMBERS = re.compile(r"\d+")


class Alike:
    """Runs further cases and reports whether each has the same cause as some outcomes.

    Parameters
    ----------
    outcomes : iterable of Outcome
        The outcomes of one finding.
    host : AdapterProcess
        The adapter's process.

    Attributes
    ----------
    others : int
        Number of cases that failed for another cause and do not count.
    """

    def __init__(self, outcomes: Iterable[Outcome], host: AdapterProcess) -> None:
        outcomes = list(outcomes)
        self._host = host
        self._ways = {(outcome.status, outcome.kind) for outcome in outcomes}
        self._status = outcomes[0].status
        self._messages = {_plain(o.detail) for o in outcomes if o.kind == "rejected"}
        # Of the explanations that fit, the finding's is the one that fits most of its outcomes.
        names = Counter(name for outcome in outcomes for name in transforms(outcome.diagnosis))
        self._transform = names.most_common(1)[0][0] or "unexplained"
        self._signal = _signal(outcomes[0].diagnosis)
        self.others = 0

    def __call__(self, case: Case) -> bool | None:
        """True for the same cause, False for a pass, None for everything else.

        A pass counts only where the cause would show: an output that is all bias is right with any crop.
        """
        if is_large(case):
            return None  # it takes a minute, and its output is not diagnosed
        tensors = input_tensors(case)
        reply = self._host.run(case, tensors)
        verdict = judge(case, tensors, reply)
        if verdict.status == "pass":
            return None if self._hides_in(case, tensors) else False
        if verdict.status not in ("fail", "crash", "timeout"):
            return None
        same = verdict.status == self._status and self._same(verdict, diagnose(case, tensors, reply, verdict))
        self.others += not same
        return True if same else None

    def _hides_in(self, case: Case, tensors: Tensors) -> bool:
        """Whether the cause is a known mistake that can be made in a case and changes none of its output."""
        try:
            problem = Problem.of(case, tensors)
        except DomainError:
            return False  # an invalid case, which is rejected as it should be
        mistakes = list(variations(problem.but(wanted=frozenset({self._transform}))))
        if not mistakes:
            return False
        expected = Solver()(problem)
        return all(_gives(mistake, problem, expected) for mistake in mistakes)

    def _same(self, verdict: Verdict, diagnosis: Diagnosis | None) -> bool:
        if verdict.kind == "rejected":
            # The message is taken as the cause: to find the argument, neighbours of each case would have to run.
            return _plain(verdict.detail) in self._messages
        if self._transform == "unexplained" and (verdict.status, verdict.kind) not in self._ways:
            return False
        names = [name or "unexplained" for name in transforms(diagnosis)]
        return self._transform in names and _signal(diagnosis) == self._signal


def _signal(diagnosis: Diagnosis | None) -> str | None:
    return diagnosis.signal if diagnosis else None


def _gives(mistake: Variation, problem: Problem, expected: Tensors) -> bool:
    try:
        changed = Solver()(mistake.apply(problem))
    except (ValueError, IndexError, KeyError):
        return False  # it cannot be made here
    return all(np.array_equal(changed[name], expected[name], equal_nan=True) for name in expected)


def _plain(message: str) -> str:
    """The first line of a message without its numbers, which vary from case to case."""
    return _NUMBERS.sub("#", message.strip().partition("\n")[0])
