"""One case on one adapter for a command, in a process that may serve the next command, too."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.cases.case import Case
from conformance.cli.debug_options import program_text
from conformance.execution.check import run_after, run_case
from conformance.execution.checked import Checked, with_what_is_known
from conformance.execution.warm.client import Borrowed
from conformance.reports.record.outcome import Outcome

__all__ = ["check_adapter"]

_MOST_REMEMBERED = 64


def check_adapter(
    case: Case, borrowed: Borrowed, *, after: Sequence[Case] = (), show_program: bool = False
) -> Checked:
    """Run a case on an adapter, if wanted ``after`` others, and with the program that the adapter runs."""
    host = borrowed.host
    outcome = run_after(case, host, after) if after else _outcome_of(case, borrowed)
    return with_what_is_known(case, outcome, host, program_text(case, host) if show_program else None)


def _outcome_of(case: Case, borrowed: Borrowed) -> Outcome:
    """Run a case; in a new process if the outcome may depend on what the process has run for earlier commands.

    As in a run: many cases share a process, but a failure counts only if it happens in a new one. An outcome like
    the one that the same case had in a new process does not depend on the others.
    """
    outcome = run_case(case, borrowed.host)
    summary = _summary(outcome)
    earlier = borrowed.in_new.get(str(case))
    depends = outcome.gates if earlier is None else earlier != summary
    if borrowed.used and depends:
        borrowed.host.close()
        borrowed.used = False
        outcome = run_case(case, borrowed.host)
    if not borrowed.used:
        borrowed.in_new[str(case)] = _summary(outcome)
        while len(borrowed.in_new) > _MOST_REMEMBERED:
            del borrowed.in_new[next(iter(borrowed.in_new))]
    return outcome


def _summary(outcome: Outcome) -> list[str | None]:
    text = outcome.diagnosis.text if outcome.diagnosis else None
    return [outcome.status, outcome.kind, outcome.detail, text]
