"""Under which conditions the findings of a recorded run happen, from its own outcomes alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from conformance.cases.columns import Row
from conformance.conditions.atoms import Predicate
from conformance.conditions.inference import separating
from conformance.conditions.terms import terms_of
from conformance.reports.record.conditions import Condition
from conformance.reports.record.findings import Finding, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import GATING, STATUSES
from conformance.reports.record.store import Results

__all__ = ["Recorded", "conditions", "sample"]

_Item = TypeVar("_Item")

# Only the worst findings get a condition. More failing or passing cases than this add little and take long.
_MOST_FINDINGS = 20
_MOST_CASES = 400


@dataclass(frozen=True)
class Recorded:
    """The cases of a run that matter for one finding.

    Attributes
    ----------
    failing, passing, others : list of dict
        Columns of the cases that show the finding, of those of the same adapter that pass, and of those that fail
        for a different cause.
    terms : frozenset of str
        Prefixes of the columns that its diagnosis names.
    """

    failing: list[Row]
    passing: list[Row]
    others: list[Row]
    terms: frozenset[str]

    @classmethod
    def of(cls, results: Results, finding: Finding) -> Recorded:
        """Read the outcomes of the finding's adapter."""
        cases, own = results.cases(), set(finding.members)
        passing, others = [], []
        for outcome in results.outcomes(finding.adapter, details=False):
            if outcome.status == "pass":
                passing.append(cases[outcome.case_id])
            elif outcome.gates and not STATUSES[outcome.status].ours and outcome.case_id not in own:
                others.append(cases[outcome.case_id])
        return cls([cases[case_id] for case_id in finding.members], passing, others, terms_of([finding.text]))

    def condition(self, predicate: Predicate) -> Condition:
        """The condition with the counts of this run."""
        return Condition(
            text=predicate.text,
            sql=str(predicate),
            failing=len(self.failing),
            passing=len(self.passing),
            others=sum(map(predicate, self.others)),
        )

    def misjudged(self, predicate: Predicate) -> tuple[list[Row], list[Row]]:
        """The cases that show the finding without meeting a condition, and those that pass and meet it."""
        missed = [row for row in self.failing if not predicate(row)]
        return missed, [row for row in self.passing if predicate(row)]


def conditions(results: Results, wrong: Iterable[Outcome] | None = None) -> dict[str, Condition]:
    """The smallest condition for each finding, by finding id.

    No further cases confirm the conditions, so none is exact. A finding has a condition only if it separates all
    cases that show the finding from all that pass.

    Parameters
    ----------
    results : Results
        The run.
    wrong : iterable of Outcome, optional
        The outcomes whose findings get a condition; by default all that fail the gate.
    """
    if wrong is None:
        wrong = results.outcomes(statuses=GATING, details=False)
    by_finding = {}
    for finding in findings(wrong, results.cases())[:_MOST_FINDINGS]:
        recorded = Recorded.of(results, finding)
        failing, passing = sample(recorded.failing, _MOST_CASES), sample(recorded.passing, _MOST_CASES)
        predicate = separating(failing, passing, recorded.failing, recorded.passing, terms=recorded.terms)
        if predicate is not None:
            by_finding[finding.id] = recorded.condition(predicate)
    return by_finding


def sample(items: Sequence[_Item], most: int) -> list[_Item]:
    """At most a number of the items, chosen at random, but the same each time."""
    return list(items) if len(items) <= most else random.Random(0).sample(items, most)
