"""Exit codes: 0 nothing new, 1 something new, 2 wrong usage, 3 the suite itself failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line imports this before anything large
    from conformance.reports.gate.assess import Gate
    from conformance.reports.record.outcome import Outcome

__all__ = ["DISCREPANCY", "INFRA", "INTERRUPTED", "NOTHING_NEW", "USAGE", "exit_code", "gate_exit_code"]

NOTHING_NEW, DISCREPANCY, USAGE, INFRA = 0, 1, 2, 3
INTERRUPTED = 130
"""Interrupted by the user: 128 plus the number of SIGINT, as shells report it."""


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """The exit code of a set of outcomes; a failure of the suite outweighs a discrepancy."""
    code = NOTHING_NEW
    for outcome in outcomes:
        if outcome.status == "infra" or outcome.own_failure is not None:
            return INFRA
        if outcome.gates:
            code = DISCREPANCY
    return code


def gate_exit_code(gate: Gate) -> int:
    """The exit code of a run: 1 for a new discrepancy, a stale expectation, lost precision or a missing outcome.

    A failure of the suite itself outweighs them.
    """
    if gate.broken:
        return INFRA
    return DISCREPANCY if gate.fails else NOTHING_NEW
