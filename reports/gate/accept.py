"""New expectations from a run: one for each new discrepancy, with a condition that only its cases meet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from conformance.cases.columns import COLUMN_NAMES, Row
from conformance.reports.gate.assess import Gate
from conformance.reports.gate.expectations import plain_name, read
from conformance.reports.gate.signature import Signature
from conformance.reports.gate.signing import signature_of
from conformance.reports.record.conditions import Condition
from conformance.reports.record.findings import Finding, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.query import Table

__all__ = ["Proposal", "append", "propose"]

Narrow = Callable[[Sequence[Row], Sequence[Row]], str]

_MOST_IDS = 20
_MOST_EVIDENCE = 3
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Proposal:
    """An entry to write; see `conformance.reports.gate.expectations.Expectation`."""

    adapter: str
    finding: str
    where: str
    kinds: Sequence[str]
    signature: Signature
    versions: dict[str, str]
    reason: str
    upstream: str
    evidence: Sequence[str]
    note: str = ""

    def to_toml(self) -> str:
        """The entry as text."""
        ranges = ", ".join(f"{_quote(name)} = {_quote(text)}" for name, text in self.versions.items())
        kinds = [_quote(kind) for kind in self.kinds]
        kind_list = kinds[0] if len(kinds) == 1 else "[" + ", ".join(kinds) + "]"
        lines = [
            "[[expectation]]",
            *([f"# {self.note}"] if self.note else []),
            f"finding = {_quote(self.finding)}",
            f"where = {_quote(self.where)}",
            f"kind = {kind_list}",
            f"signature = {_table(self.signature.to_json())}",
            *([f"versions = {{ {ranges} }}"] if ranges else []),
            f"reason = {_quote(self.reason)}",
            *([f"upstream = {_quote(self.upstream)}"] if self.upstream else []),
            "evidence = [",
            *(f"    {_quote(case_id)}," for case_id in self.evidence),
            "]",
        ]
        return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    # TOML has the escapes of JSON; only this control character, which JSON leaves alone, needs one more.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _table(values: Mapping[str, Any]) -> str:
    """An inline table of strings and lists of strings; a list of one string is written as the string."""
    plain = {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in values.items()
    }
    written = (
        f"{name} = [{', '.join(map(_quote, value))}]" if isinstance(value, list) else f"{name} = {_quote(value)}"
        for name, value in plain.items()
    )
    return f"{{ {', '.join(written)} }}"


def propose(
    gate: Gate, outcomes: Iterable[Outcome], cases: Mapping[str, Row], environments: Mapping[str, dict[str, Any]],
    narrow: Narrow, *, reason: str, upstream: str = "", conditions: Mapping[str, Condition] | None = None,
) -> list[Proposal]:  # fmt: skip
    """Make an entry for every new discrepancy, and for every one that differs from what an entry says.

    The condition of an entry is the one that the run recorded for the finding if further cases confirmed it. Where
    there is none, `narrow` searches for one among the cases of the run, and a note in the entry says so.

    Parameters
    ----------
    gate : Gate
        The run compared with what is known already.
    outcomes : iterable of Outcome
        All outcomes of the run.
    cases : mapping
        Columns of every case.
    environments : mapping
        The environment of every adapter.
    narrow : callable
        Takes the columns of the cases that fail and of those that pass, and returns a condition that distinguishes
        them; if it returns an empty string, the entry lists the ids of its cases.
    reason, upstream : str
        Why this is accepted, and where it was reported.
    conditions : mapping, optional
        The recorded condition of each finding, by finding id.
    """
    passing: dict[str, list[Row]] = {}
    for outcome in outcomes:
        # Other failures are not counterexamples: one fault may show in several ways.
        if outcome.status == "pass":
            passing.setdefault(outcome.adapter, []).append(cases[outcome.case_id])
    new = [item.outcome for item in gate.items if item.standing in ("new", "changed")]
    by_case = {(outcome.adapter, outcome.case_id): outcome for outcome in new}
    proposals = []
    for finding in findings(new, cases, conditions):
        where, note = _where(finding, cases, passing.get(finding.adapter, []), narrow)
        parts = [(where, finding.members)] if where else _by_ids(finding.members)
        for number, (condition, members) in enumerate(parts):
            proposals.append(
                Proposal(
                    adapter=finding.adapter,
                    finding=_name(finding) + (f"-{number + 1}" if len(parts) > 1 else ""),
                    where=condition,
                    kinds=finding.kinds,
                    signature=signature_of([by_case[finding.adapter, case_id] for case_id in members]),
                    versions=_since(environments.get(finding.adapter, {}).get("versions", {})),
                    reason=reason,
                    upstream=upstream,
                    evidence=members[:_MOST_EVIDENCE],
                    note=note,
                )
            )
    return proposals


def _where(finding: Finding, cases: Mapping[str, Row], passing: Sequence[Row], narrow: Narrow) -> tuple[str, str]:
    """The condition of an entry, empty where its cases must be listed, and a note about it."""
    rows = [cases[case_id] for case_id in finding.members]
    recorded = finding.condition
    if recorded is not None and recorded.exact:
        with Table(rows, COLUMN_NAMES) as table:
            if all(table.matching(recorded.sql)):
                return recorded.sql, ""
    where = recorded.sql if recorded is not None else narrow(rows, passing)
    return where, f"Seen in {finding.counted}; no further cases confirmed the condition." if where else ""


def _by_ids(members: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    parts = [members[start : start + _MOST_IDS] for start in range(0, len(members), _MOST_IDS)]
    return [(f"case_id in ({', '.join(repr(case_id) for case_id in part)})", part) for part in parts]


def _name(finding: Finding) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", (finding.text or finding.kind or finding.status).lower()).strip("-")
    if len(name) > _LONGEST_NAME:  # cut between words
        name = name[: _LONGEST_NAME + 1].rpartition("-")[0] or name[:_LONGEST_NAME]
    return f"{name}-{finding.id}"


def _since(versions: Mapping[str, str]) -> dict[str, str]:
    """The range from the version of the framework on, which is listed first; empty where that is not a version."""
    for package, text in versions.items():
        try:
            return {package: f">={Version(text).public}"}
        except InvalidVersion:
            return {}
    return {}


def append(proposals: Sequence[Proposal], folder: Path) -> dict[Path, int]:
    """Add entries to the files of their adapters; check each file before and after.

    Returns
    -------
    dict
        Number of entries written, by file.

    Raises
    ------
    ExpectationError
        An existing file is malformed.
    OSError
        A file cannot be written.
    """
    written: dict[Path, int] = {}
    by_path: dict[Path, list[Proposal]] = {}
    for proposal in proposals:
        by_path.setdefault(folder / f"{plain_name(proposal.adapter)}.toml", []).append(proposal)
    for path, own in by_path.items():
        names = {entry.finding for entry in read(path)} if path.is_file() else set()
        fresh = [proposal for proposal in own if proposal.finding not in names]
        before = path.read_text("utf-8").rstrip("\n") + "\n\n" if path.is_file() else ""
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(before + "\n".join(proposal.to_toml() for proposal in fresh), encoding="utf-8")
        try:
            read(draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        written[path] = len(fresh)
    return written
