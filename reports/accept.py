"""New expectations from a run: the narrowest condition that holds for a discrepancy's cases and for no other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from reports.expectations import plain_name, read
from reports.findings import Finding, findings
from reports.gate import Gate
from reports.outcome import Outcome

__all__ = ["Proposal", "append", "narrow", "propose"]

_MOST_IDS = 20
_MOST_EVIDENCE = 3


@dataclass(frozen=True)
class Proposal:
    """An entry to be written: see `reports.expectations.Expectation`."""

    adapter: str
    finding: str
    where: str
    kind: str
    versions: dict[str, str]
    reason: str
    upstream: str
    evidence: tuple[str, ...]

    def to_toml(self) -> str:
        """The entry as text."""
        ranges = ", ".join(f"{_quoted(name)} = {_quoted(text)}" for name, text in self.versions.items())
        lines = [
            "[[expectation]]",
            f"finding = {_quoted(self.finding)}",
            f"where = {_quoted(self.where)}",
            f"kind = {_quoted(self.kind)}",
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


def propose(
    gate: Gate, cases: Mapping[str, dict[str, Any]], asked: Mapping[str, Sequence[str]],
    environments: Mapping[str, dict[str, Any]], *, reason: str, upstream: str = "",
) -> list[Proposal]:  # fmt: skip
    """Write an entry for every new discrepancy.

    Parameters
    ----------
    gate : Gate
        The run against what is known already.
    cases : mapping
        Columns of every case.
    asked : mapping
        Ids of the cases every adapter was asked.
    environments : mapping
        What every adapter ran in.
    reason, upstream : str
        Why this is accepted, and where it was reported.
    """
    new = [
        item.outcome for item in gate.items if item.standing in ("new", "changed", "worse") and item.outcome.gates
    ]
    return [
        Proposal(
            adapter=found.adapter,
            finding=_name(found),
            where=narrow(found.members, asked[found.adapter], cases),
            kind=found.kind or found.status,
            versions=_since(environments.get(found.adapter, {}).get("versions", {})),
            reason=reason,
            upstream=upstream,
            evidence=found.members[:_MOST_EVIDENCE],
        )
        for found in findings(new, dict(cases))
    ]


def _name(found: Finding) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", (found.text or found.kind or found.status).lower()).strip("-")[:40]
    return f"{words}-{found.id}"


def _since(versions: Mapping[str, str]) -> dict[str, str]:
    """From the version of the framework itself on, which comes first; nothing where it is no version."""
    for package, text in versions.items():
        try:
            return {package: f">={Version(text).public}"}
        except InvalidVersion:
            return {}
    return {}


def narrow(members: Sequence[str], asked: Sequence[str], cases: Mapping[str, dict[str, Any]]) -> str:
    """A condition over the columns of a case that holds for some cases and for no other that was asked.

    Parameters
    ----------
    members : sequence of str
        Ids of the cases it holds for.
    asked : sequence of str
        Ids of all cases.
    cases : mapping
        Their columns.

    Returns
    -------
    str
        A conjunction of comparisons where one separates the cases, found greedily; else their ids.
    """
    inside = [cases[case_id] for case_id in members]
    outside = [cases[case_id] for case_id in set(asked) - set(members)]
    chosen = []
    candidates = _comparisons(inside)
    while outside and candidates:
        text, holds = max(candidates, key=lambda pair: sum(not pair[1](row) for row in outside))
        left = [row for row in outside if holds(row)]
        if len(left) == len(outside):
            break
        chosen.append(text)
        outside = left
    if not outside and len(chosen) < len(members):
        return " and ".join(chosen) or "1"
    if len(members) > _MOST_IDS:
        return " and ".join(chosen) or "1"  # wider than what was seen, and still to be read by a person
    return f"case_id in ({', '.join(repr(case_id) for case_id in members)})"


def _comparisons(rows: Sequence[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Comparisons of a column with a constant that hold for all rows, as text and as a function."""
    found: list[tuple[str, Any]] = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name == "case_id" or any(value is None for value in values):
            continue
        if len(set(values)) == 1:
            value = values[0]
            found.append((f"{name} = {value!r}", lambda row, n=name, v=value: row[n] == v))
        elif all(isinstance(value, int) for value in values):
            low, high = min(values), max(values)
            found.append((f"{name} >= {low}", lambda row, n=name, v=low: row[n] is not None and row[n] >= v))
            found.append((f"{name} <= {high}", lambda row, n=name, v=high: row[n] is not None and row[n] <= v))
    return found


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


def asked_by_adapter(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    """Ids of the cases every adapter was asked."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.adapter, []).append(outcome.case_id)
    return found
