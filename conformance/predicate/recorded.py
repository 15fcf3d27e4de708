"""When the findings of a recorded run happen, from its own outcomes alone."""

from __future__ import annotations

import random
import time
from dataclasses import asdict
from typing import Any

from conformance.predicate.active import explain_rows
from reports.findings import findings
from reports.store import Results

__all__ = ["conditions"]

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
    passing: dict[str, list[str]] = {}
    wrong = []
    for outcome in results.outcomes():
        if outcome.gates:
            wrong.append(outcome)
        elif outcome.status == "pass":
            passing.setdefault(outcome.adapter, []).append(outcome.case_id)
    found = {}
    for finding in findings(wrong, cases)[:_MOST_FINDINGS]:
        fails = [cases[case_id] for case_id in finding.members]
        right = [cases[case_id] for case_id in passing.get(finding.adapter, [])]
        condition = explain_rows(_some(fails), _some(right), fails, right, deadline=deadline)
        if condition is not None:
            found[finding.id] = asdict(condition)
    return found


def _some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows if len(rows) <= _MOST_CASES else random.Random(0).sample(rows, _MOST_CASES)
