"""Standalone scripts of what a run recorded, for its report: written from the record, without asking again."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from conformance.adapters.registry import UnknownAdapter, load, resolve
from conformance.cases import Case
from conformance.oracle.expected_output import input_tensors
from conformance.reports.record.findings import Finding, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import GATING, STATUSES
from conformance.reports.record.store import Results
from conformance.triage.repro.comparison import shows_without_output
from conformance.triage.repro.observation import Before, Observation
from conformance.triage.repro.script import build_script

__all__ = ["scripts"]

_MOST_FINDINGS = 20


def scripts(results: Results) -> dict[str, str]:
    """The script of the smallest case of each finding, by finding id.

    Where an output was too large for the record, the script compares it with what is expected, as far as that can
    be said in a script.
    """
    wrong = (o for o in results.outcomes(statuses=GATING, details=False) if not STATUSES[o.status].ours)
    environments = results.meta().get("environments") or {}
    written = {}
    for finding in findings(wrong, results.cases())[:_MOST_FINDINGS]:
        outcome = results.outcome(finding.adapter, _shown(finding, results))
        asked = _asked(outcome, environments.get(finding.adapter, {}))
        if asked is not None:
            # A question that no oracle can answer, as its output is beyond memory, has no script either.
            with suppress(ValueError, MemoryError, OverflowError):
                written[finding.id] = build_script(asked)
    return written


def _shown(finding: Finding, results: Results) -> str:
    """The smallest case; of those that depend on earlier calls, the smallest for which the calls are known."""
    if finding.kind == "stateful":
        for case_id in finding.members:
            if results.outcome(finding.adapter, case_id).after_programs:
                return case_id
    return finding.smallest


def _asked(outcome: Outcome, environment: dict[str, Any]) -> Observation | None:
    try:
        spec = resolve(outcome.adapter)
    except UnknownAdapter:
        return None
    case = Case.parse(outcome.case_id)
    got = {
        name: np.array([float(value) for value in tensor["got"]]).reshape(tensor["shape"])
        for name, tensor in outcome.evidence.items()
    }
    if not outcome.program:
        return None
    # The first blank line ends the set-up, which may be empty.
    setup, _, body = f"\n{outcome.program}".partition("\n\n")
    asked = Observation(
        case,
        spec,
        outcome,
        dict(input_tensors(case)),
        got,
        load(spec.target).promise(case),
        tuple(setup.strip().splitlines()),
        tuple(body.splitlines()),
        environment,
        tuple(Before.of(Case.parse(other), text) for other, text in outcome.after_programs.items()),
    )
    return asked if got or not outcome.digest or shows_without_output(asked) else None
