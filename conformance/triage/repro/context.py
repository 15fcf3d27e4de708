"""The context of a case, for an issue: other implementations, cases near it, and the condition that they fit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import resolve
from conformance.adapters.selection import expand
from conformance.cases import Case, CaseError, DomainError
from conformance.cases.fields import FieldValues
from conformance.conditions import Alike, infer_condition, terms_of
from conformance.execution.check import run_case
from conformance.reports.record.cut_text import cut
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import label
from conformance.triage.repro.observation import Observation

__all__ = ["condition", "neighbourhood", "neighbours", "others", "outcome_table"]

_NOT_RUN = ("unsupported", "inexpressible", "infra")
_MOST_CASES = 300
_LONGEST = 120


def others(observed: Observation, limits: ProcessLimits) -> str:
    """Return a table of the outcomes of all other implementations."""

    def one(name: str) -> tuple[str, str, Outcome]:
        with AdapterProcess(resolve(name), limits) as host:
            outcome = run_case(observed.case, host)
            return name, next(iter(host.environment.get("versions", {}).values()), ""), outcome

    names = [name for name in expand([]) if name != observed.spec.name]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return outcome_table(observed.case, pool.map(one, names))


def outcome_table(case: Case, outcomes: Iterable[tuple[str, str, Outcome]]) -> str:
    """Return a table of the outcomes of a case: name of the implementation, version, outcome."""
    lines = ["| implementation | version | outcome |", "| --- | --- | --- |"]
    for name, version, outcome in outcomes:
        shown = label(outcome.status, outcome.kind)
        if outcome.status == "pass" and not case.is_valid:
            shown = "refused"
        why = f": {cut(outcome.detail, _LONGEST)}" if outcome.status in _NOT_RUN else ""
        lines.append(f"| {name} | {version} | {shown}{why} |")
    return "\n".join(lines)


def neighbours(case: Case) -> Iterator[tuple[str, Case]]:
    """Yield the case with one parameter made plain (or swapped, where no value is plainer), and the change."""
    plain: FieldValues = {
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


def neighbourhood(observed: Observation, limits: ProcessLimits) -> str:
    """Say which single changes make the problem go away, and which do not."""
    gone: list[str] = []
    stays: list[str] = []
    otherwise: list[str] = []
    silent: list[str] = []
    with AdapterProcess(observed.spec, limits) as host:
        for change, case in neighbours(observed.case):
            outcome = run_case(case, host)
            bucket = silent if outcome.status in _NOT_RUN else otherwise if outcome.gates else gone
            (stays if _alike(outcome, observed.outcome) else bucket).append(change)
    lines = [
        f"- the problem goes away with: {', '.join(gone) or 'no single change to a plainer parameter'}",
        f"- the problem stays with: {', '.join(stays) or 'none of them'}",
    ]
    if otherwise:
        lines.append(f"- the case fails in a different way with: {', '.join(otherwise)}")
    if silent:
        lines.append(f"- not run, because the interface does not support it: {', '.join(silent)}")
    return "\n".join(["One parameter changed at a time:", "", *lines])


def _alike(first: Outcome, second: Outcome) -> bool:
    return (first.status, first.kind) == (second.status, second.kind)


def condition(observed: Observation, limits: ProcessLimits) -> str:
    """Return the smallest condition that fits further cases, confirmed by some more; empty where there is none.

    After a crash there is no search: each further case would wait for the framework to start.
    """
    if observed.outcome.status != "fail" or not observed.outcome.gates or observed.outcome.kind == "accepted":
        return ""
    with AdapterProcess(observed.spec, limits) as host:
        alike = Alike([observed.outcome], host)
        terms = terms_of([observed.outcome.explanation or ""])
        inferred = infer_condition([observed.case], [], alike, budget=_MOST_CASES, terms=terms)
    if inferred.predicate is None or inferred.failing < 2 or not inferred.passing:
        return ""
    if len(str(inferred.predicate)) > _LONGEST:
        return ""
    others = f", and {alike.others} fail in a different way" if alike.others else ""
    sure = "" if inferred.exact else " No more cases were run, so this may be an accident."
    return (
        f"Of {inferred.failing + inferred.passing + alike.others} similar cases, {inferred.failing} meet "
        f"`{inferred.predicate}` and fail in this way, {inferred.passing} do not meet it and pass{others}.{sure} "
        "(crop_low and crop_high: how many positions are cut at the front and the back.)"
    )
