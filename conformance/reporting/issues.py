"""Texts for issue reports about the findings of a run, written from the record without running a case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from conformance.cases import Case
from conformance.reporting.scripts import observation_of
from conformance.reports.record.conditions import Condition
from conformance.reports.record.evidence import Evidence
from conformance.reports.record.findings import Finding, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import GATING, STATUSES
from conformance.reports.record.store import Results
from conformance.triage.repro.context import outcome_table
from conformance.triage.repro.issue import fenced, issue_text

__all__ = ["issues"]

_MOST_ELEMENTS = 64


def issues(results: Results, scripts: Mapping[str, str], conditions: Mapping[str, Condition]) -> dict[str, str]:
    """The text about the smallest case of each finding that has a script, by finding id.

    Parameters
    ----------
    results : Results
        The record.
    scripts : mapping
        Standalone scripts by finding id.
    conditions : mapping
        Conditions by finding id.
    """
    wrong = (o for o in results.outcomes(statuses=GATING, details=False) if not STATUSES[o.status].ours)
    written = {}
    for finding in findings(wrong, results.cases(), conditions):
        observation = observation_of(finding, results) if finding.id in scripts else None
        if observation is not None:
            written[finding.id] = issue_text(
                observation,
                scripts[finding.id],
                output="\n\n".join(_tensors(observation.outcome.evidence)),
                others=_others(finding.adapter, observation.case, results),
                when=_when(finding),
            )
    return written


def _tensors(evidence: Mapping[str, Evidence]) -> Iterator[str]:
    """Both outputs as text, where they are small."""
    for name, tensor in evidence.items():
        if tensor.expected is not None and max(len(tensor.got), len(tensor.expected)) <= _MOST_ELEMENTS:
            expected, got = _array(tensor.expected, tensor.expected_shape), _array(tensor.got, tensor.shape)
            yield fenced(f"{name} expected\n{expected}\n{name} got\n{got}")


def _array(values: list[float | str], shape: list[int] | None) -> str:
    array = np.array([float(value) for value in values])
    return np.array2string(array if shape is None else array.reshape(shape), separator=", ")


def _others(adapter: str, case: Case, results: Results) -> str:
    environments = results.meta().get("environments") or {}

    def recorded() -> Iterator[tuple[str, str, Outcome]]:
        for other in results.adapters():
            if other != adapter:
                versions = environments.get(other, {}).get("versions") or {}
                try:
                    yield other, next(iter(versions.values()), ""), results.outcome(other, str(case))
                except KeyError:  # it did not run this case
                    continue

    outcomes = list(recorded())
    return outcome_table(case, outcomes) if outcomes else ""


def _when(finding: Finding) -> str:
    """The condition and what supports it, and the cases by kind of failure, dtype, direction and data."""
    parts = []
    if condition := finding.condition:
        start = "It happens when" if condition.exact else "Seen in cases with"
        parts.append(f"{start} `{condition.text}`. {condition.counted}")
    parts.append(f"The run has {'; '.join(filter(None, [finding.counted, finding.spread]))}.")
    return "\n\n".join(parts)
