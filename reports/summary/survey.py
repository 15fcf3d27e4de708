"""What a run found, in numbers and in words: the plain data that summaries and pages are made from."""

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
    """A run at a glance.

    Attributes
    ----------
    counts : dict of Counter
        Number of outcomes by adapter and status.
    groups : list of Finding
        Discrepancies, gravest first.
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
        found: dict[str, str] = self.meta.get("scripts") or {}
        return found

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What else was recorded about the run, for people."""
        return [(name, shown(self.meta[key])) for key, (name, shown) in _FACTS.items() if self.meta.get(key)]

    @property
    def environments(self) -> dict[str, dict[str, Any]]:
        """Versions, processor and settings by adapter, as far as recorded."""
        found: dict[str, dict[str, Any]] = self.meta.get("environments") or {}
        return found


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


_FACTS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "tier": ("tier", str),
    "started": ("started", lambda at: time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))),
    "seconds": ("took", _duration),
    "case_set_hash": ("case set", str),
    "command": ("command", lambda words: shlex.join([Path(words[0]).name, *words[1:]] if words else [])),
}
"""What else is recorded about a run: its name for people, and how it is shown."""


def survey(results: Results) -> Survey:
    """Count and group what a run recorded."""
    discrepancies = results.outcomes(statuses=GATING, details=False)
    meta = results.meta()
    conditions = {name: Condition(**known) for name, known in (meta.get("conditions") or {}).items()}
    return Survey(results.counts(), findings(discrepancies, results.cases(), conditions), meta)


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}".replace(",", "\u202f")


def sentence(found: Survey) -> str:
    """The result of a run in one sentence that starts with what is wrong."""
    totals = found.totals
    wrong = {
        adapter: sum(count for name, count in counts.items() if STATUSES[name].gates and not STATUSES[name].ours)
        for adapter, counts in found.counts.items()
    }
    parts = []
    if any(wrong.values()):
        worst = sorted((name for name in wrong if wrong[name]), key=lambda name: -wrong[name])
        who = ", ".join(f"{name} {wrong[name]}" for name in worst[:5]) + (", …" if len(worst) > 5 else "")
        noun = _count(sum(wrong.values()), "discrepancy")
        parts.append(f"{noun} in {len(worst)} of {_count(len(wrong), 'adapter')} ({who})")
    ours = {name: totals[name] for name in totals if STATUSES[name].ours}
    if ours:
        named = ", ".join(f"{STATUSES[name].label} {count}" for name, count in ours.items())
        parts.append(
            f"{_count(sum(ours.values()), 'question')} without a verdict, by no framework's fault ({named})"
        )
    agreeing = sum(1 for counts in found.counts.values() if counts["pass"])
    verb = "agrees" if totals["pass"] == 1 else "agree"
    agree = f"{_count(totals['pass'], 'answer')} of {_count(agreeing, 'adapter')} {verb} with the oracle"
    if not agreeing:
        agree = "no answer agrees with the oracle"
    if not totals:
        return "Nothing was asked."
    if not totals.keys() - UNCOMPARED and not parts:
        if totals["unchecked"]:
            return "Nothing was compared: no promised error bound says anything about an answer."
        return "Nothing was compared: no adapter could be asked any of the questions."
    silent = [adapter for adapter, counts in found.counts.items() if counts and not counts.keys() - UNCOMPARED]
    if silent:
        agree += f"; nothing of {', '.join(silent)} was compared"
    if not parts:
        return f"No discrepancy: {agree}."
    return "; ".join([*parts, agree]) + "."


def totals_line(results: Results) -> str:
    """Totals in one line, such as ``600 outcomes: 570 pass, 2 fail, 28 unsupported; case set 0b1f...``."""
    found = survey(results)
    named = [f"{found.totals[name]} {status.label}" for name, status in STATUSES.items() if found.totals[name]]
    count = found.totals.total()
    line = f"{count} outcome{'' if count == 1 else 's'}: {', '.join(named) or 'none'}"
    if shard := found.meta.get("shard"):
        line += f"; shard {shard} of {results.count(here=False)} questions"
    return f"{line}; case set {found.meta['case_set_hash']}" if "case_set_hash" in found.meta else line
