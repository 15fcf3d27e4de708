"""An outcome with what is known of it: the process that it came from, and the expectation that explains it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.execution.check import run_after, run_case
from conformance.oracle.expected_output import Tensors
from conformance.reports.gate.assess import matching_expectation
from conformance.reports.gate.expectations import Expectation, load
from conformance.reports.record.outcome import Outcome

__all__ = ["Checked", "check_on", "with_what_is_known"]

_KEYS = ("status", "kind", "profile", "budget", "max_abs_error", "detail", "diagnosis", "stage", "after")


@dataclass(frozen=True)
class Checked:
    """The outcome on one adapter, with its versions and facts, and the expectation that explains it.

    Attributes
    ----------
    outcome : Outcome
        The outcome.
    versions, facts : dict
        What the adapter runs on.
    expectation : Expectation or None
        The known discrepancy that it is.
    program : str or None
        The program that the adapter runs, where it is wanted.
    """

    outcome: Outcome
    versions: dict[str, str]
    facts: dict[str, Any]
    expectation: Expectation | None
    program: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The outcome as ``check --json`` and ``audit --json`` print it."""
        plain = self.outcome.to_json()
        entry = self.expectation
        return {
            "adapter": self.outcome.adapter,
            "versions": self.versions,
            "facts": self.facts,
            **{key: _finite(plain[key]) for key in _KEYS},
            "known": None if entry is None else {"finding": entry.finding, "reason": entry.reason},
            **({} if self.program is None else {"program": self.program}),
        }


def check_on(
    case: Case, host: AdapterProcess, *, after: Sequence[Case] = (), tensors: Tensors | None = None
) -> Checked:
    """Run a case and look up what is known of its outcome.

    Parameters
    ----------
    case : Case
        The case.
    host : AdapterProcess
        The adapter's process.
    after : sequence of Case
        Cases that the process runs first.
    tensors : dict of numpy.ndarray, optional
        Input data in place of the case's own.
    """
    outcome = run_after(case, host, after) if after else run_case(case, host, tensors=tensors)
    return with_what_is_known(case, outcome, host)


def with_what_is_known(case: Case, outcome: Outcome, host: AdapterProcess, program: str | None = None) -> Checked:
    """An outcome of a process with its versions and facts, and the expectation that explains it."""
    entry = matching_expectation(case, outcome, load(host.spec.name), host.environment)
    about = host.environment
    return Checked(outcome, about["versions"], about.get("facts", {}), entry, program)


def _finite(value: Any) -> Any:
    # JSON has no infinity; an infinite error says no more than an unknown one.
    return None if isinstance(value, float) and math.isinf(value) else value
