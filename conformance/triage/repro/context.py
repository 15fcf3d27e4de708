"""What lies around a question, for an issue: other implementations, its neighbours, the condition they fit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import expand, resolve
from conformance.cases import Case, CaseError, DomainError
from conformance.conditions import Alike, infer_condition, terms_of
from conformance.execution.check import run_case
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import label
from conformance.triage.repro.observation import Observation

__all__ = ["condition", "neighbourhood", "neighbours", "others"]

_NOT_ASKED = ("unsupported", "inexpressible", "infra")
_QUESTIONS = 300
_LONGEST = 120


def others(asked: Observation, limits: ProcessLimits) -> str:
    """A table of what everybody else answers."""
    try:
        is_valid = bool(asked.case.geometry())
    except DomainError:
        is_valid = False

    def one(name: str) -> str:
        with AdapterProcess(resolve(name), limits) as host:
            outcome = run_case(asked.case, host)
            version = next(iter(host.environment.get("versions", {}).values()), "")
        said = label(outcome.status, outcome.kind)
        if outcome.status == "pass" and not is_valid:
            said = "refused"
        why = f": {' '.join(outcome.detail.split())[:_LONGEST]}" if outcome.status in _NOT_ASKED else ""
        return f"| {name} | {version} | {said}{why} |"

    names = [name for name in expand([]) if name != asked.spec.name]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return "\n".join(["| implementation | version | outcome |", "| --- | --- | --- |", *pool.map(one, names)])


def neighbours(case: Case) -> Iterator[tuple[str, Case]]:
    """The case with one parameter at a time made plain (or another, where neither is), and what was changed."""
    plain: dict[str, Any] = {
        "batch": 1,
        "in_channels": 1,
        "out_channels": 1,
        "groups": 1,
        "stride": (1,),
        "dilation": (1,),
        "padding": "valid",
        "output_padding": None,
        "layout": "channels_last" if case.layout == "channels_first" else "channels_first",
        "dtype": "f64" if case.dtype == "f32" else "f32",
        "bias": False,
        "direction": "fwd",
        "data": "ints",
    }
    for name, value in plain.items():
        try:
            changed = replace(case, **{name: value})
            changed.geometry()
        except (CaseError, DomainError):
            continue
        if changed != case:
            shown = value[0] if isinstance(value, tuple) else "not given" if value is None else value
            yield f"{name} {shown}", changed


def neighbourhood(asked: Observation, limits: ProcessLimits) -> str:
    """Which single changes make the outcome go away, and which leave it."""
    gone: list[str] = []
    stays: list[str] = []
    otherwise: list[str] = []
    silent: list[str] = []
    with AdapterProcess(asked.spec, limits) as host:
        for words, case in neighbours(asked.case):
            outcome = run_case(case, host)
            bucket = silent if outcome.status in _NOT_ASKED else otherwise if outcome.gates else gone
            (stays if _alike(outcome, asked.outcome) else bucket).append(words)
    lines = [
        f"- it goes away with: {', '.join(gone) or 'no single change to a plainer parameter'}",
        f"- it stays with: {', '.join(stays) or 'none of them'}",
    ]
    if otherwise:
        lines.append(f"- it fails otherwise with: {', '.join(otherwise)}")
    if silent:
        lines.append(f"- not asked, being outside what the interface takes: {', '.join(silent)}")
    return "\n".join(["One parameter changed at a time:", "", *lines])


def _alike(first: Outcome, second: Outcome) -> bool:
    return (first.status, first.kind) == (second.status, second.kind)


def condition(asked: Observation, limits: ProcessLimits) -> str:
    """The smallest condition that fits further cases, confirmed by some more; empty where there is none.

    A crash takes its process along, so that each further question would wait for the framework to start.
    """
    if asked.outcome.status != "fail" or not asked.outcome.gates or asked.outcome.kind == "accepted":
        return ""
    with AdapterProcess(asked.spec, limits) as host:
        alike = Alike([asked.outcome], host)
        terms = terms_of([(asked.outcome.diagnosis or {}).get("text") or ""])
        found = infer_condition([asked.case], [], alike, budget=_QUESTIONS, terms=terms)
    if found.predicate is None or found.failing < 2 or not found.passing or len(str(found.predicate)) > _LONGEST:
        return ""
    others = f" {alike.others} more fail otherwise." if alike.others else ""
    sure = "" if found.exact else " No more cases were run, so this may be an accident."
    return (
        f"Of {found.failing + found.passing} cases around this one, the {found.failing} with `{found.predicate}` "
        f"fail in this way and the {found.passing} others pass.{others}{sure} "
        "crop_low and crop_high are cut at the front and the back."
    )
