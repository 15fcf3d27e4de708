"""When the findings of a recorded run happen, from its own outcomes alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from conformance.conditions.atoms import Predicate, Row
from conformance.conditions.inference import separating
from conformance.conditions.terms import terms_of
from conformance.reports.record.conditions import Condition
from conformance.reports.record.findings import Finding, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import GATING, STATUSES
from conformance.reports.record.store import Results

__all__ = ["Recorded", "conditions", "sample"]

_Item = TypeVar("_Item")

# The gravest findings get a condition; more cases than this on a side add little and take long.
_MOST_FINDINGS = 20
_MOST_CASES = 400


@dataclass(frozen=True)
class Recorded:
    """What a run says of one finding.

    Attributes
    ----------
    failing, passing, others : list of dict
        Columns of the cases that show it, of those of the same adapter that pass, and of those that fail with
        another cause.
    terms : frozenset of str
        Beginnings of the columns that its diagnosis names.
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

    def condition(self, predicate: Predicate, **further: Any) -> Condition:
        """The condition with what this run counts; ``further`` are the counts of cases beyond the run."""
        return Condition(
            predicate.text, str(predicate), len(self.failing), len(self.passing),
            others=sum(map(predicate, self.others)), **further,
        )  # fmt: skip

    def misjudged(self, predicate: Predicate) -> tuple[list[Row], list[Row]]:
        """The cases that show the finding without meeting a condition, and those that pass and meet it."""
        missed = [row for row in self.failing if not predicate(row)]
        return missed, [row for row in self.passing if predicate(row)]


def conditions(results: Results, wrong: Iterable[Outcome] | None = None) -> dict[str, dict[str, Any]]:
    """The smallest condition for each finding, as plain data by finding id.

    `conformance.reports.record.conditions.Condition` has the keys. It is not confirmed by further cases, so none
    is exact. A condition is given only where it separates all cases that show the finding from all that pass.

    Parameters
    ----------
    results : Results
        The run.
    wrong : iterable of Outcome, optional
        The outcomes whose findings are looked at; all that fail the gate without it.
    """
    if wrong is None:
        wrong = results.outcomes(statuses=GATING, details=False)
    found = {}
    for finding in findings(wrong, results.cases())[:_MOST_FINDINGS]:
        known = Recorded.of(results, finding)
        predicate = separating(
            sample(known.failing, _MOST_CASES), sample(known.passing, _MOST_CASES), known.failing, known.passing,
            terms=known.terms,
        )  # fmt: skip
        if predicate is not None:
            found[finding.id] = asdict(known.condition(predicate))
    return found


def sample(items: Sequence[_Item], most: int) -> list[_Item]:
    """As many of some items as there may be, chosen at random but always alike."""
    return list(items) if len(items) <= most else random.Random(0).sample(items, most)
