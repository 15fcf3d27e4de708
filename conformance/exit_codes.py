"""Exit codes: 0 nothing new, 1 a discrepancy or a missing result, 2 wrong usage, 3 our own machinery."""

from __future__ import annotations

from collections.abc import Iterable

from reports.outcome import Outcome

__all__ = ["DISCREPANCY", "INFRA", "NOTHING_NEW", "USAGE", "exit_code"]

NOTHING_NEW, DISCREPANCY, USAGE, INFRA = 0, 1, 2, 3


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """The exit code of a set of outcomes; a failure of ours outweighs a discrepancy."""
    code = NOTHING_NEW
    for outcome in outcomes:
        if outcome.status == "infra":
            return INFRA
        if outcome.gates:
            code = DISCREPANCY
    return code
