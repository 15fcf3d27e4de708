"""How a run relates to the record that is in its folder: the same selection, a part of it, or a different one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Literal

from conformance.reports.record.store import Results
from conformance.runner.plan import Key, Plan

__all__ = ["describe", "relation"]

Relation = Literal["same", "part", "different"]


def relation(record: Results, plan: Plan, *, shard: str | None, collected: Collection[Key] | None) -> Relation:
    """Compare the selection of a run with that of a record.

    Parameters
    ----------
    record : Results
        The record.
    plan : Plan
        The plan of the run.
    shard : str or None
        The shard of the run.
    collected : collection of pairs or None
        Adapters and case ids that are left after pytest's own options, such as ``-k``; None for all of the plan.

    Returns
    -------
    str
        ``same`` also for a record without any outcome. ``part`` only where pytest's options left cases out.
    """
    if not any(status != "missing" for counts in record.counts().values() for status in counts):
        return "same"
    if record.meta().get("shard") != shard:
        return "different"
    if collected is None:
        names = [spec.name for spec in plan.specs]
        case_ids = sorted(map(str, plan.cases))
        same = record.adapters(here=False) == sorted(names)
        same = same and all(record.case_ids(name, here=False) == case_ids for name in names)
        return "same" if same else "different"
    here = {(adapter, case_id) for adapter in record.adapters() for case_id in record.case_ids(adapter)}
    if here.issuperset(collected):
        return "same" if len(here) == len(collected) else "part"
    return "different"


def describe(record: Results) -> str:
    """The selection of a record in a few words, such as ``202 outcomes of torch, 2026-11-30 02:58``."""
    names = record.adapters()
    adapters = _some(names) if names else "no adapter"
    started = record.meta().get("started")
    time = f", {datetime.fromtimestamp(started):%Y-%m-%d %H:%M}" if started else ""
    return f"{record.count()} outcomes of {adapters}{time}"


def _some(names: Iterable[str], most: int = 3) -> str:
    first, rest = list(names)[:most], list(names)[most:]
    return ", ".join([*first, f"{len(rest)} more"] if rest else first)
