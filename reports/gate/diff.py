"""Compare two runs, as plain data."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

from conformance.reports.gate.assess import Gate, assess
from conformance.reports.gate.machines import by_machine, changed_facts
from conformance.reports.gate.standings import STANDINGS
from conformance.reports.record.findings import findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import label
from conformance.reports.record.store import Results

__all__ = ["compare", "gate_of", "not_asked_before"]

_FACTS = ("run_id", "started", "tier", "case_set_hash")
_SHOWN = ("status", "kind", "profile", "budget", "max_abs_error", "detail", "diagnosis", "digest")


def gate_of(old: Results, new: Results, profiles: tuple[str, ...]) -> Gate:
    """Compare the later run with the earlier one, without any expectation.

    Outcomes of an adapter that the earlier run does not have are not a change, and are left out.
    """
    gate = assess(new, {}, old, profiles)
    new_adapters = set(not_asked_before(old, new))
    return replace(gate, items=[item for item in gate.items if item.outcome.adapter not in new_adapters])


def not_asked_before(old: Results, new: Results) -> dict[str, int]:
    """The adapters that only the later run has, and how many of their outcomes fail."""
    before = set(old.adapters(here=False))
    return {
        adapter: sum(1 for outcome in new.outcomes(adapter, details=False) if outcome.gates)
        for adapter in new.adapters()
        if adapter not in before
    }


def compare(old: Results, new: Results, gate: Gate) -> dict[str, Any]:
    """Everything that differs between two runs.

    Returns
    -------
    dict
        ``old`` and ``new`` (facts and versions), ``counts`` by standing, ``findings`` (changes that share adapter,
        standing, kind and diagnosis, with their cases), ``changes`` (each case with its earlier and its later
        outcome), ``drift``, ``asked`` (number of cases in both runs, only in the earlier, only in the later),
        ``not_asked_before`` (adapters that only the later run has, with their number of failures).
    """
    items = [item for item in gate.items if item.standing != "known"]
    changed_keys = {(item.outcome.adapter, item.outcome.case_id) for item in items}
    before = {
        (o.adapter, o.case_id): o for o in old.outcomes(details=False) if (o.adapter, o.case_id) in changed_keys
    }
    changed_findings = []
    for name in STANDINGS:
        members = [item.outcome for item in items if item.standing == name]
        # Outcomes that are right now are grouped by how they failed before.
        shown = [before[(o.adapter, o.case_id)] if name == "fixed" else o for o in members]
        changed_findings += [
            {"standing": name, "adapter": item.adapter, "label": item.label, "text": item.text or item.detail,
             "cases": list(item.members)}
            for item in findings(shown, new.cases())
        ]  # fmt: skip
    return {
        "old": _facts(old),
        "new": _facts(new),
        "counts": dict(gate.standings),
        "asked": _count_cases(old, new),
        "not_asked_before": not_asked_before(old, new),
        "findings": changed_findings,
        "changes": [
            {
                "standing": item.standing,
                "adapter": item.outcome.adapter,
                "case": item.outcome.case_id,
                "old": _plain(before.get((item.outcome.adapter, item.outcome.case_id))),
                "new": _plain(item.outcome),
            }
            for item in items
        ],
        "facts": changed_facts(*(side.meta().get("environments") or {} for side in (old, new))),
        "machines": [asdict(item) for item in by_machine(new)],
        "drift": [{**asdict(drift), "text": str(drift)} for drift in gate.drifts],
    }


def _count_cases(old: Results, new: Results) -> dict[str, int]:
    both = sum(len(set(old.case_ids(adapter)).intersection(new.case_ids(adapter))) for adapter in new.adapters())
    return {"both": both, "only_old": old.count() - both, "only_new": new.count() - both}


def _facts(results: Results) -> dict[str, Any]:
    meta = results.meta()
    environments = meta.get("environments") or {}
    versions = {adapter: environment.get("versions", {}) for adapter, environment in environments.items()}
    return {**{name: meta.get(name) for name in _FACTS}, "questions": results.count(), "versions": versions}


def _plain(outcome: Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    plain = outcome.to_json()
    values = {name: plain[name] for name in _SHOWN}
    return {
        "label": label(outcome.status, outcome.kind),
        # JSON has no infinity.
        **{name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values.items()},
    }
