"""New expectations from a run: one for each new discrepancy, with a condition for its cases and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from reports.expectations import plain_name, read
from reports.findings import Finding, findings
from reports.gate import Gate
from reports.outcome import Outcome
from reports.signature import Signature
from reports.signing import signature_of

__all__ = ["Proposal", "append", "propose"]

Row = dict[str, Any]
Narrow = Callable[[Sequence[Row], Sequence[Row]], str]

_MOST_IDS = 20
_MOST_EVIDENCE = 3


@dataclass(frozen=True)
class Proposal:
    """An entry to be written: see `reports.expectations.Expectation`."""

    adapter: str
    finding: str
    where: str
    kind: str
    signature: Signature
    versions: dict[str, str]
    reason: str
    upstream: str
    evidence: Sequence[str]

    def to_toml(self) -> str:
        """The entry as text."""
        ranges = ", ".join(f"{_quoted(name)} = {_quoted(text)}" for name, text in self.versions.items())
        lines = [
            "[[expectation]]",
            f"finding = {_quoted(self.finding)}",
            f"where = {_quoted(self.where)}",
            f"kind = {_quoted(self.kind)}",
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
    narrow: Narrow, *, reason: str, upstream: str = "",
) -> list[Proposal]:  # fmt: skip
    """Write an entry for every new discrepancy, and for every one that is not what an entry says.

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
    """
    answered: dict[str, set[str]] = {}
    for outcome in outcomes:
        # What is unsupported never meets an entry, so a condition need not leave it out.
        if outcome.status == "pass" or outcome.gates:
            answered.setdefault(outcome.adapter, set()).add(outcome.case_id)
    new = [item.outcome for item in gate.items if item.standing in ("new", "changed")]
    by_case = {(outcome.adapter, outcome.case_id): outcome for outcome in new}
    proposals = []
    for found in findings(new, cases):
        others = sorted(answered[found.adapter].difference(found.members))
        where = narrow([cases[case_id] for case_id in found.members], [cases[case_id] for case_id in others])
        parts = [(where, found.members)] if where else _by_ids(found.members)
        for number, (condition, members) in enumerate(parts):
            proposals.append(
                Proposal(
                    adapter=found.adapter,
                    finding=_name(found) + (f"-{number + 1}" if len(parts) > 1 else ""),
                    where=condition,
                    kind=found.kind or found.status,
                    signature=signature_of([by_case[found.adapter, case_id] for case_id in members]),
                    versions=_since(environments.get(found.adapter, {}).get("versions", {})),
                    reason=reason,
                    upstream=upstream,
                    evidence=members[:_MOST_EVIDENCE],
                )
            )
    return proposals


def _by_ids(members: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    parts = [members[start : start + _MOST_IDS] for start in range(0, len(members), _MOST_IDS)]
    return [(f"case_id in ({', '.join(repr(case_id) for case_id in part)})", part) for part in parts]


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
