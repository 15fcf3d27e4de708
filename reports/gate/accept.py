"""New expectations from a run: one for each new discrepancy, with a condition for its cases and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from conformance.cases.columns import COLUMN_NAMES
from conformance.reports.gate.assess import Gate
from conformance.reports.gate.expectations import plain_name, read
from conformance.reports.gate.signature import Signature
from conformance.reports.gate.signing import signature_of
from conformance.reports.record.conditions import Condition
from conformance.reports.record.findings import Finding, findings
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.query import Table

__all__ = ["Proposal", "append", "propose"]

Row = dict[str, Any]
Narrow = Callable[[Sequence[Row], Sequence[Row]], str]

_MOST_IDS = 20
_MOST_EVIDENCE = 3
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Proposal:
    """An entry to be written: see `conformance.reports.gate.expectations.Expectation`."""

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
        ranges = ", ".join(f"{_quoted(name)} = {_quoted(text)}" for name, text in self.versions.items())
        kinds = [_quoted(kind) for kind in self.kinds]
        listed = kinds[0] if len(kinds) == 1 else "[" + ", ".join(kinds) + "]"
        lines = [
            "[[expectation]]",
            *([f"# {self.note}"] if self.note else []),
            f"finding = {_quoted(self.finding)}",
            f"where = {_quoted(self.where)}",
            f"kind = {listed}",
            f"signature = {_table(self.signature.to_json())}",
            *([f"versions = {{ {ranges} }}"] if ranges else []),
            f"reason = {_quoted(self.reason)}",
            *([f"upstream = {_quoted(self.upstream)}"] if self.upstream else []),
            "evidence = [",
            *(f"    {_quoted(case_id)}," for case_id in self.evidence),
            "]",
        ]
        return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's, but for the one control character that JSON leaves alone.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _table(values: Mapping[str, Any]) -> str:
    """An inline table of texts and lists of texts; a list of one is written as its text."""
    plain = {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in values.items()
    }
    written = (
        f"{name} = [{', '.join(map(_quoted, value))}]" if isinstance(value, list) else f"{name} = {_quoted(value)}"
        for name, value in plain.items()
    )
    return f"{{ {', '.join(written)} }}"


def propose(
    gate: Gate, outcomes: Iterable[Outcome], cases: Mapping[str, Row], environments: Mapping[str, dict[str, Any]],
    narrow: Narrow, *, reason: str, upstream: str = "", conditions: Mapping[str, Condition] | None = None,
) -> list[Proposal]:  # fmt: skip
    """Write an entry for every new discrepancy, and for every one that is not what an entry says.

    The condition of an entry is the one that the run recorded for the finding, which further cases confirmed; only
    where there is none it is searched now, among the cases of the run, and the entry says so.

    Parameters
    ----------
    gate : Gate
        The run against what is known already.
    outcomes : iterable of Outcome
        All of the run.
    cases : mapping
        Columns of every case.
    environments : mapping
        What every adapter ran in.
    narrow : callable
        From the columns of the cases that fail and of those that do not to a condition that tells them apart; an
        empty text where there is none, and the cases are listed by their ids.
    reason, upstream : str
        Why this is accepted, and where it was reported.
    conditions : mapping, optional
        When findings happen, by their id, as the run recorded it.
    """
    passing: dict[str, list[Row]] = {}
    for outcome in outcomes:
        # Other failures are no counterexamples: one fault may show in several ways.
        if outcome.status == "pass":
            passing.setdefault(outcome.adapter, []).append(cases[outcome.case_id])
    new = [item.outcome for item in gate.items if item.standing in ("new", "changed")]
    by_case = {(outcome.adapter, outcome.case_id): outcome for outcome in new}
    proposals = []
    for found in findings(new, cases, conditions):
        where, note = _where(found, cases, passing.get(found.adapter, []), narrow)
        parts = [(where, found.members)] if where else _by_ids(found.members)
        for number, (condition, members) in enumerate(parts):
            proposals.append(
                Proposal(
                    adapter=found.adapter,
                    finding=_name(found) + (f"-{number + 1}" if len(parts) > 1 else ""),
                    where=condition,
                    kinds=found.kinds,
                    signature=signature_of([by_case[found.adapter, case_id] for case_id in members]),
                    versions=_since(environments.get(found.adapter, {}).get("versions", {})),
                    reason=reason,
                    upstream=upstream,
                    evidence=members[:_MOST_EVIDENCE],
                    note=note,
                )
            )
    return proposals


def _where(found: Finding, cases: Mapping[str, Row], passing: Sequence[Row], narrow: Narrow) -> tuple[str, str]:
    """The condition of an entry, and what to say of it; empty where cases have to be listed."""
    rows = [cases[case_id] for case_id in found.members]
    recorded = found.condition
    if recorded is not None and recorded.exact:
        with Table(rows, COLUMN_NAMES) as table:
            if all(table.matching(recorded.sql)):
                return recorded.sql, ""
    where = recorded.sql if recorded is not None else narrow(rows, passing)
    return where, f"Seen in {found.counted}; no further cases confirmed the condition." if where else ""


def _by_ids(members: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    parts = [members[start : start + _MOST_IDS] for start in range(0, len(members), _MOST_IDS)]
    return [(f"case_id in ({', '.join(repr(case_id) for case_id in part)})", part) for part in parts]


def _name(found: Finding) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", (found.text or found.kind or found.status).lower()).strip("-")
    if len(words) > _LONGEST_NAME:  # no word is cut
        words = words[: _LONGEST_NAME + 1].rpartition("-")[0] or words[:_LONGEST_NAME]
    return f"{words}-{found.id}"


def _since(versions: Mapping[str, str]) -> dict[str, str]:
    """From the version of the framework itself on, which comes first; nothing where it is no version."""
    for package, text in versions.items():
        try:
            return {package: f">={Version(text).public}"}
        except InvalidVersion:
            return {}
    return {}


def append(proposals: Sequence[Proposal], folder: Path) -> dict[Path, int]:
    """Add entries to the files of their adapters; the files are checked before and after.

    Returns
    -------
    dict
        Number of entries written, by file.

    Raises
    ------
    ExpectationError
        A file that is there is malformed.
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
