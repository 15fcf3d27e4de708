"""Several records into one: shards, resumed runs, adapters that ran on different machines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.cases.case import Case
from conformance.cases.tiers import tier_hash
from conformance.reports.record.earlier import put_in_place
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results, ResultsError

__all__ = ["Merged", "merge"]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The result of a merge.

    Attributes
    ----------
    planned, missing : int
        Number of pairs of adapter and case of all runs, and how many of them have no outcome.
    twice, conflicts : int
        Number of pairs with an outcome in more than one file, and how many of them have different outcomes; the
        first file counts.
    earlier : Path or None
        Where a file is now that was at the target.
    """

    planned: int
    missing: int
    twice: int
    conflicts: int
    earlier: Path | None = None


def merge(paths: Sequence[Path], target: Path) -> Merged:
    """Merge records.

    Parameters
    ----------
    paths : sequence of Path
        Results files. The cases that a shard left to other shards are planned here too, so that those of a shard
        that is not among the files show as missing.
    target : Path
        The file to write; replaced completely, or not at all. A file that was there moves into ``earlier``.

    Raises
    ------
    ResultsError
        A file cannot be read, the target is one of them or cannot be written, or the versions of an adapter
        differ between files.
    """
    resolved = list(dict.fromkeys(path.resolve() for path in paths))
    if target.resolve() in resolved:
        raise ResultsError(f"{target} is one of the files to merge")
    draft = target.with_name(f".{target.name}.draft")
    recorded = duplicates = conflicts = 0
    with ExitStack() as stack:
        runs = [stack.enter_context(Results.open(path)) for path in resolved]
        meta = _combine([results.meta() for results in runs])
        adapters = dict.fromkeys(adapter for results in runs for adapter in results.adapters(here=False))
        parsed = {case_id: Case.parse(case_id) for results in runs for case_id in results.cases()}
        meta["case_set_hash"] = tier_hash(parsed.values())
        stack.callback(draft.unlink, missing_ok=True)
        try:
            with Results.create(draft) as merged:
                merged.plan(
                    (adapter, parsed[case_id])
                    for adapter in adapters
                    for results in runs
                    for case_id in results.case_ids(adapter, here=False)
                )
                planned = merged.count()
                for adapter in adapters:
                    part = _Chosen()
                    for results in runs:
                        part.add(results.outcomes(adapter))
                    merged.record_all(part.outcomes.values())
                    recorded += len(part.outcomes)
                    duplicates += len(part.duplicates)
                    conflicts += len(part.conflicts)
                for name, value in meta.items():
                    merged.set_meta(name, value)
            earlier = put_in_place(draft, target)
        except OSError as error:
            raise ResultsError(f"cannot write {target}: {error}") from None
    return Merged(
        planned=planned, missing=planned - recorded, twice=duplicates, conflicts=conflicts, earlier=earlier
    )


class _Chosen:
    """The outcomes of one adapter: for each case that of the first file, unless the suite itself failed there."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.duplicates: set[str] = set()
        self.conflicts: set[str] = set()

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Add the outcomes of a further file."""
        for outcome in outcomes:
            if outcome.status == "missing":
                continue
            first = self.outcomes.get(outcome.case_id)
            if first is None or (first.status == "infra" and outcome.status != "infra"):
                self.outcomes[outcome.case_id] = outcome
            elif outcome.status != "infra":
                self.duplicates.add(outcome.case_id)
                if (first.status, first.kind, first.digest) != (outcome.status, outcome.kind, outcome.digest):
                    self.conflicts.add(outcome.case_id)


def _combine(facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    environments: dict[str, Any] = {}
    for fact in facts:
        for adapter, environment in (fact.get("environments") or {}).items():
            first = environments.setdefault(adapter, environment).get("versions")
            other = environment.get("versions")
            if first != other:
                raise ResultsError(
                    f"{adapter} was {first} in one file and {other} in another; compare them with diff"
                )
    runs = sorted({str(fact.get("run_id")) for fact in facts})
    tiers = {fact.get("tier") for fact in facts}
    return {
        "run_id": hashlib.sha256("\0".join(runs).encode()).hexdigest()[:32],
        "merged": runs,
        "started": min((fact.get("started") or 0 for fact in facts), default=0),
        "seconds": sum(fact.get("seconds") or 0 for fact in facts),
        "tier": tiers.pop() if len(tiers) == 1 else None,
        "environments": environments,
    }
