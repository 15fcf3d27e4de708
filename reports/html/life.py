"""The history of a finding over many runs, by the outcomes of its smallest case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.reports.record.findings import Finding
from conformance.reports.record.history import History

__all__ = ["Lives", "Stage", "lives_of"]

_MOST_FINDINGS = 100


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Consecutive runs with one outcome, and the versions of the first and the last of them."""

    label: str
    transform: str
    since: str
    until: str
    runs: int


Lives = dict[str, list[Stage]]


def lives_of(findings: Sequence[Finding], history: History) -> Lives:
    """Stages by finding id, the oldest first."""
    lives: Lives = {}
    for finding in findings[:_MOST_FINDINGS]:
        streaks = history.streaks(case_id=finding.smallest, adapter=finding.adapter)
        lives[finding.id] = [
            Stage(
                label=streak.label,
                transform=streak.transform,
                since=_versions_text(streak.since),
                until=_versions_text(streak.until),
                runs=streak.last_run - streak.first_run + 1,
            )
            for streak in streaks
        ]
    return lives


def _versions_text(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "versions not recorded"
