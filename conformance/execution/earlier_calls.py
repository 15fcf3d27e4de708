"""Outcomes that depend on earlier calls in the same process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.program import Program
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import FailKind, label

__all__ = ["differing_fields", "failed_outcome", "programs_of", "stateful_outcome"]


def differing_fields(first: Case, second: Case) -> list[str]:
    """Names of the fields in which two cases differ."""
    return [
        item.name
        for item in fields(Case)
        if item.compare and getattr(first, item.name) != getattr(second, item.name)
    ]


def programs_of(cases: Sequence[Case], host: AdapterProcess) -> dict[str, Program]:
    """The programs of cases, by case id; without those for which the adapter has none."""
    programs = {str(case): host.program(case) for case in cases}
    return {case_id: program for case_id, program in programs.items() if isinstance(program, Program)}


def stateful_outcome(first: Outcome, case: Case, after: Sequence[Case], programs: dict[str, Program]) -> Outcome:
    """The outcome of a case that fails after other cases and not alone.

    Parameters
    ----------
    first : Outcome
        The failure.
    case : Case
        The case that failed.
    after : sequence of Case
        The cases that ran before it, oldest first.
    programs : dict
        The programs of those cases, by case id.
    """
    text = f"right in a process of its own, wrong after {_describe(case, after)}"
    failed = f"{label(first.status, first.kind)}: {first.detail}"
    return replace(
        failed_outcome(first, "stateful", f"{text}: {failed}", text),
        after=[str(other) for other in after],
        after_programs=programs,
    )


def _describe(case: Case, after: Sequence[Case]) -> str:
    if len(after) != 1:
        return f"{len(after)} other calls"
    names = [name.replace("_", " ") for name in differing_fields(after[0], case)]
    return f"a call that differs in {' and '.join(names)} alone" if names else "the same call"


def failed_outcome(first: Outcome, kind: FailKind, detail: str, text: str) -> Outcome:
    """A copy of an outcome as a failure of a different kind, with a diagnosis text."""
    transform = "earlier_calls" if kind == "stateful" else kind
    return replace(
        first,
        status="fail",
        kind=kind,
        detail=detail,
        diagnosis=Diagnosis(transform=transform, text=text),
    )
