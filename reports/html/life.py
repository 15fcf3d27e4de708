"""The history of findings over many runs, by the outcomes of their smallest cases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from conformance.reports.record.findings import Finding
from conformance.reports.record.history import History, Streak
from conformance.reports.record.statuses import GATING, STATUSES

__all__ = ["Lives", "Stage", "fixed_cases", "lives_of", "recorded_runs"]

_MOST_FINDINGS = 100
_MOST_FIXED = 50
_FAILING = frozenset(STATUSES[name].label for name in GATING)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Consecutive runs with one outcome: their numbers, and the versions of the first and the last of them."""

    label: str
    transform: str
    since: str
    until: str
    first_run: int
    last_run: int
    runs: int


Lives = dict[str, list[Stage]]


def lives_of(findings: Sequence[Finding], history: History) -> Lives:
    """Stages by finding id, the oldest first."""
    return {
        finding.id: _stages(history.streaks(case_id=finding.smallest, adapter=finding.adapter))
        for finding in findings[:_MOST_FINDINGS]
    }


def fixed_cases(history: History) -> list[dict[str, Any]]:
    """Cases that failed in an earlier run and are right in the last one: adapter, case and stages.

    Of the cases of an adapter that failed in the same way, the first by its id; at most 50 in all.
    """
    fixed: dict[tuple[str, ...], dict[str, Any]] = {}
    for (adapter, case_id), streaks in groupby(history.streaks(), lambda streak: (streak.adapter, streak.case_id)):
        stages = _stages(streaks)
        failures = [stage for stage in stages if _fails(stage)]
        if failures and not _fails(stages[-1]):
            key = adapter, failures[-1].label, failures[-1].transform
            fixed.setdefault(key, {"adapter": adapter, "case": case_id, "life": [*map(asdict, stages)]})
    return list(fixed.values())[:_MOST_FIXED]


def _fails(stage: Stage) -> bool:
    return stage.label.partition(":")[0] in _FAILING


def recorded_runs(history: History) -> list[dict[str, Any]]:
    """The runs of a history, in the order in which they started: number, start and versions by adapter."""
    return [
        {
            "run": row["run"],
            "started": row["started"],
            "versions": {
                adapter: _versions_text(about.get("versions") or {})
                for adapter, about in row["environments"].items()
            },
        }
        for row in history.runs()
    ]


def _stages(streaks: Iterable[Streak]) -> list[Stage]:
    return [
        Stage(
            label=streak.label,
            transform=streak.transform,
            since=_versions_text(streak.since),
            until=_versions_text(streak.until),
            first_run=streak.first_run,
            last_run=streak.last_run,
            runs=streak.last_run - streak.first_run + 1,
        )
        for streak in streaks
    ]


def _versions_text(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "versions not recorded"
