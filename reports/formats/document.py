"""A run as one JSON document, which ``report.schema.json`` describes; and a badge of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

from conformance.reports.gate.assess import Gate, Item
from conformance.reports.gate.text import headline, lines
from conformance.reports.record.conditions import Condition
from conformance.reports.record.findings import Finding
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results
from conformance.reports.summary.survey import Survey, survey

__all__ = ["badge", "document", "schema"]

VERSION = 1
_RUN = ("run_id", "started", "seconds", "tier", "shard", "case_set_hash")
_OUTCOME = (
    "status",
    "kind",
    "profile",
    "budget",
    "max_abs_error",
    "detail",
    "diagnosis",
    "stage",
    "after",
    "seconds",
)

Items = Mapping[tuple[str, str], Item]


def schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    text = resources.files("conformance.reports.formats").joinpath("report.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def document(results: Results, gate: Gate) -> dict[str, Any]:
    """The run, its gate, its adapters, findings and outcomes as plain data.

    Parameters
    ----------
    results : Results
        The record.
    gate : Gate
        The run compared with what was known.
    """
    run = survey(results)
    items = {(item.outcome.adapter, item.outcome.case_id): item for item in gate.items}
    remarks = lines(gate, results.cases())
    return {
        "version": VERSION,
        "run": {name: run.meta.get(name) for name in _RUN},
        "gate": {
            "headline": headline(gate),
            "fails": gate.fails,
            "compared": gate.compared,
            "standings": dict(gate.standings),
            "remarks": [{"standing": line.standing, "text": line.text, "fails": line.fails} for line in remarks],
        },
        "totals": dict(run.totals),
        "adapters": [
            {
                "adapter": name,
                "versions": run.environments.get(name, {}).get("versions", {}),
                "facts": run.environments.get(name, {}).get("facts") or {},
                "counts": dict(counts),
            }
            for name, counts in run.counts.items()
        ],
        "findings": [_finding(finding, run, items) for finding in run.groups],
        "outcomes": [_outcome(outcome, items) for outcome in results.outcomes(details=False)],
    }


def _finding(finding: Finding, run: Survey, items: Items) -> dict[str, Any]:
    members = [items[key] for case_id in finding.members if (key := (finding.adapter, case_id)) in items]
    standings: dict[str, int] = {}
    for item in members:
        standings[item.standing] = standings.get(item.standing, 0) + 1
    return {
        "id": finding.id,
        "adapter": finding.adapter,
        "label": finding.label,
        "text": finding.text or finding.detail,
        "transform": finding.transform,
        "smallest": finding.smallest,
        "cases": list(finding.members),
        "standings": standings,
        "expectations": list(dict.fromkeys(item.entry.finding for item in members if item.entry)),
        "breakdown": finding.breakdown,
        "condition": _condition(finding.condition),
        "script": run.scripts.get(finding.id),
    }


def _condition(condition: Condition | None) -> dict[str, Any] | None:
    return None if condition is None else {**asdict(condition), "phrase": condition.phrase}


def _outcome(outcome: Outcome, items: Items) -> dict[str, Any]:
    plain = outcome.to_json()
    item = items.get((outcome.adapter, outcome.case_id))
    return {
        "adapter": outcome.adapter,
        "case": outcome.case_id,
        **{name: _finite(plain[name]) for name in _OUTCOME},
        "standing": item.standing if item else None,
        "expectation": item.entry.finding if item and item.entry else None,
    }


def _finite(value: Any) -> Any:
    """The value, where JSON has it: an infinite error becomes null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def badge(results: Results, gate: Gate) -> dict[str, Any]:
    """The result as an endpoint of https://shields.io/badges/endpoint-badge."""
    adapters = len(results.adapters())
    message, colour = f"{adapters} adapter{'s' * (adapters != 1)}, nothing new", "brightgreen"
    if gate.fails:
        count = len(gate.failing) + len(gate.stale) + len(gate.drifts) + len(gate.unsteady)
        message, colour = f"{count} to look at", "red"
    elif not gate.compared:
        message, colour = "nothing compared", "lightgrey"
    return {"schemaVersion": 1, "label": "transposed convolutions", "message": message, "color": colour}
