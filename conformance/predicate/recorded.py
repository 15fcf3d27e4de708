"""When the findings of a recorded run happen, from its own outcomes alone."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from conformance.predicate.active import explain_rows
from reports.findings import findings
from reports.outcome import Outcome
from reports.statuses import GATING
from reports.store import Results

__all__ = ["conditions", "some", "wrong_and_passing"]

_Item = TypeVar("_Item")

# The gravest findings get a condition; more cases than this on a side add little and take long.
_MOST_FINDINGS = 20
_MOST_CASES = 400
_SECONDS = 30.0


def conditions(results: Results) -> dict[str, dict[str, Any]]:
    """The smallest condition for each finding, as plain data by finding id; see `reports.findings.Condition`.

    It is not confirmed by further questions, so none is exact. A condition is given only where it separates all
    recorded cases of the adapter, and counts them; where many findings follow no condition, the search ends after
    half a minute.
    """
    deadline = time.monotonic() + _SECONDS
    cases = results.cases()
    wrong, passing = wrong_and_passing(results)
    found = {}
    for finding in findings(wrong, cases)[:_MOST_FINDINGS]:
        fails = [cases[case_id] for case_id in finding.members]
        right = [cases[case_id] for case_id in passing.get(finding.adapter, [])]
        condition = explain_rows(
            some(fails, _MOST_CASES), some(right, _MOST_CASES), fails, right, deadline=deadline
        )
        if condition is not None:
            found[finding.id] = asdict(condition)
    return found


def wrong_and_passing(results: Results) -> tuple[list[Outcome], dict[str, list[str]]]:
    """The outcomes that fail the gate, and the ids of the cases that the adapters they are of pass."""
    wrong = list(results.outcomes(statuses=GATING, details=False))
    adapters = dict.fromkeys(outcome.adapter for outcome in wrong)
    return wrong, {
        name: [outcome.case_id for outcome in results.outcomes(name, ["pass"], details=False)] for name in adapters
    }


def some(items: Sequence[_Item], most: int) -> list[_Item]:
    """As many of some items as there may be, chosen at random but always alike."""
    return list(items) if len(items) <= most else random.Random(0).sample(items, most)
