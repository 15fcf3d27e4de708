"""Standalone scripts for the report of a run, written from the record without running a case."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from conformance.adapters.registry import UnknownAdapter, load, resolve
from conformance.cases import Case
from conformance.cases.large import is_large
from conformance.oracle.expected_output import input_tensors
from conformance.reports.record.findings import Finding, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import GATING, STATUSES
from conformance.reports.record.store import Results
from conformance.triage.repro.comparison import shows_without_output
from conformance.triage.repro.observation import Before, Observation
from conformance.triage.repro.script import build_script

__all__ = ["observation_of", "scripts"]

_MOST_FINDINGS = 20


def scripts(results: Results) -> dict[str, str]:
    """The script of the smallest case of each finding, by finding id.

    If an output was too large for the record, the script compares with the expected output instead, if that can be
    written into a script.
    """
    wrong = (o for o in results.outcomes(statuses=GATING, details=False) if not STATUSES[o.status].ours)
    written = {}
    for finding in findings(wrong, results.cases())[:_MOST_FINDINGS]:
        observation = observation_of(finding, results)
        if observation is not None:
            # A case whose output is too large for memory has no expected output, and so no script.
            with suppress(ValueError, MemoryError, OverflowError):
                written[finding.id] = build_script(observation)
    return written


def observation_of(finding: Finding, results: Results) -> Observation | None:
    """What the record has about the smallest case of a finding; None if that is too little for a script."""
    environments = results.meta().get("environments") or {}
    outcome = results.outcome(finding.adapter, _representative(finding, results))
    return _observation(outcome, environments.get(finding.adapter, {}))


def _representative(finding: Finding, results: Results) -> str:
    """The smallest case; if the finding depends on earlier calls, the smallest case with recorded calls."""
    if finding.kind == "stateful":
        for case_id in finding.members:
            if results.outcome(finding.adapter, case_id).after_programs:
                return case_id
    return finding.smallest


def _observation(outcome: Outcome, environment: dict[str, Any]) -> Observation | None:
    try:
        spec = resolve(outcome.adapter)
    except UnknownAdapter:
        return None
    case = Case.parse(outcome.case_id)
    got = {
        name: np.array([float(value) for value in tensor.got]).reshape(tensor.shape)
        for name, tensor in outcome.evidence.items()
    }
    if outcome.program is None or is_large(case):
        return None
    observation = Observation(
        case=case,
        spec=spec,
        outcome=outcome,
        tensors=dict(input_tensors(case)),
        got=got,
        promise=load(spec.target).promise(case),
        program=outcome.program,
        environment=environment,
        before=tuple(Before(Case.parse(other), program) for other, program in outcome.after_programs.items()),
    )
    return observation if got or not outcome.digest or shows_without_output(observation) else None
