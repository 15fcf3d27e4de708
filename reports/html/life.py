"""The life of a finding over many runs, by the answers to its smallest case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.reports.record.findings import Finding
from conformance.reports.record.history import History

__all__ = ["Lives", "Stage", "lives_of"]

_MOST_FINDINGS = 100


@dataclass(frozen=True)
class Stage:
    """A stretch of runs with one answer: what it was, and the versions of the first and the last of them."""

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
                spell.label,
                spell.transform,
                _shown(spell.since),
                _shown(spell.until),
                spell.last_run - spell.first_run + 1,
            )
            for spell in streaks
        ]
    return lives


def _shown(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "versions not recorded"
