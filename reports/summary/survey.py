"""The result of a run in numbers and as text: the data from which summaries and pages are made."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.reports.record.findings import Condition, Finding, findings
from conformance.reports.record.statuses import GATING, STATUSES, UNCOMPARED
from conformance.reports.record.store import Results

__all__ = ["Survey", "sentence", "survey", "totals_line"]


@dataclass(frozen=True)
class Survey:
    """The result of a run.

    Attributes
    ----------
    counts : dict of Counter
        Number of outcomes by adapter and status.
    groups : list of Finding
        Discrepancies by cause, the worst first.
    meta : dict
        Facts about the run as recorded, environments among them.
    """

    counts: dict[str, Counter[str]]
    groups: list[Finding]
    meta: dict[str, Any]

    @property
    def totals(self) -> Counter[str]:
        """Number of outcomes by status."""
        return sum(self.counts.values(), Counter())

    @property
    def scripts(self) -> dict[str, str]:
        """Standalone scripts that show the smallest case of a finding, by its id, as far as recorded."""
        scripts: dict[str, str] = self.meta.get("scripts") or {}
        return scripts

    @property
    def issues(self) -> dict[str, str]:
        """Texts for an issue report about the smallest case of a finding, by its id, as far as recorded."""
        issues: dict[str, str] = self.meta.get("issues") or {}
        return issues

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Other recorded facts about the run, as names and text for people."""
        return [(name, shown(self.meta[key])) for key, (name, shown) in _FACTS.items() if self.meta.get(key)]

    @property
    def environments(self) -> dict[str, dict[str, Any]]:
        """Versions, processor and settings by adapter, as far as recorded."""
        environments: dict[str, dict[str, Any]] = self.meta.get("environments") or {}
        return environments


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


_FACTS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "tier": ("tier", str),
    "started": ("started", lambda at: time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))),
    "seconds": ("took", _duration),
    "case_set_hash": ("case set", str),
    "command": (
        "command",
        lambda arguments: shlex.join([Path(arguments[0]).name, *arguments[1:]] if arguments else []),
    ),
}
"""Other facts that a run records: the name for people, and the function that makes the text."""


def survey(results: Results) -> Survey:
    """Count and group what a run recorded."""
    discrepancies = results.outcomes(statuses=GATING, details=False)
    meta = results.meta()
    conditions = {name: Condition(**values) for name, values in (meta.get("conditions") or {}).items()}
    return Survey(results.counts(), findings(discrepancies, results.cases(), conditions), meta)


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}".replace(",", "\u202f")


def sentence(run: Survey) -> str:
    """The result of a run in one sentence that starts with what is wrong."""
    totals = run.totals
    wrong = {
        adapter: sum(count for name, count in counts.items() if STATUSES[name].gates and not STATUSES[name].ours)
        for adapter, counts in run.counts.items()
    }
    parts = []
    if any(wrong.values()):
        worst = sorted((name for name in wrong if wrong[name]), key=lambda name: -wrong[name])
        adapters = ", ".join(f"{name} {wrong[name]}" for name in worst[:5]) + (", …" if len(worst) > 5 else "")
        noun = _count(sum(wrong.values()), "discrepancy")
        parts.append(f"{noun} in {len(worst)} of {_count(len(wrong), 'adapter')} ({adapters})")
    ours = {name: totals[name] for name in totals if STATUSES[name].ours}
    if ours:
        named = ", ".join(f"{STATUSES[name].label} {count}" for name, count in ours.items())
        verb = "was" if sum(ours.values()) == 1 else "were"
        parts.append(
            f"{_count(sum(ours.values()), 'case')} {verb} not judged, through no fault of a framework ({named})"
        )
    agreeing = sum(1 for counts in run.counts.values() if counts["pass"])
    verb = "agrees" if totals["pass"] == 1 else "agree"
    agree = f"{_count(totals['pass'], 'output')} of {_count(agreeing, 'adapter')} {verb} with the oracle"
    if not agreeing:
        agree = "no output agrees with the oracle"
    if not totals:
        return "No case was selected."
    if not totals.keys() - UNCOMPARED and not parts:
        if totals["unchecked"]:
            return "Nothing was compared: the promised error bounds cover none of the outputs."
        return "Nothing was compared: no adapter could run any selected case."
    silent = [adapter for adapter, counts in run.counts.items() if counts and not counts.keys() - UNCOMPARED]
    if silent:
        agree += f"; nothing was compared for {', '.join(silent)}"
    if not parts:
        return f"No discrepancy: {agree}."
    return "; ".join([*parts, agree]) + "."


def totals_line(results: Results) -> str:
    """Totals in one line, such as ``600 outcomes: 570 pass, 2 fail, 28 unsupported; case set 0b1f...``."""
    run = survey(results)
    named = [f"{run.totals[name]} {status.label}" for name, status in STATUSES.items() if run.totals[name]]
    count = run.totals.total()
    line = f"{count} outcome{'' if count == 1 else 's'}: {', '.join(named) or 'none'}"
    if shard := run.meta.get("shard"):
        line += f"; shard {shard} of {results.count(here=False)} outcomes"
    return f"{line}; case set {run.meta['case_set_hash']}" if "case_set_hash" in run.meta else line
