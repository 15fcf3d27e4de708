"""Compare the outcomes of one adapter on several machines.

An adapter is recorded as ``ADAPTER~MACHINE@PYTHON``; those with the same first part are one adapter on several
machines.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from conformance import cases
from conformance.reports.record.adapter_names import machine_of, plain_name
from conformance.reports.record.fact_columns import shown
from conformance.reports.record.findings import Finding
from conformance.reports.record.statuses import label
from conformance.reports.record.store import Results

__all__ = [
    "KINDS",
    "ByMachine",
    "SeenOn",
    "by_machine",
    "changed_facts",
    "machine_lines",
    "seen_on",
    "unfamiliar",
]

SeenOn = dict[str, tuple[list[str], list[str]]]
"""By id of a finding: the machines on which it was seen, and those that ran its cases without showing it."""

KINDS = {
    "wrong": "wrong on some machines, right or declined on others",
    "refused": "declined on some machines, right on others",
    "bits": "right on all, with different bits",
}
"""How outcomes differ between machines."""

_MOST_CASES = 3
_NO_VERDICT = {"missing", "infra"}
_DECLINED = {"unsupported", "inexpressible"}


@dataclass(frozen=True, kw_only=True)
class ByMachine:
    """One adapter on several machines.

    Attributes
    ----------
    adapter : str
        Its plain name.
    machines : tuple of str
        The machines it was recorded on.
    compared : int
        Cases with an outcome on more than one of them.
    cases : dict of dict
        By kind of difference (see `KINDS`) and case id: the outcome on each machine.
    """

    adapter: str
    machines: tuple[str, ...]
    compared: int
    cases: dict[str, dict[str, dict[str, str]]]


def _groups(adapters: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    by_name: dict[str, list[str]] = {}
    for adapter in adapters:
        by_name.setdefault(plain_name(adapter), []).append(adapter)
    return ((plain, names) for plain, names in by_name.items() if len(names) > 1)


class _Brief(NamedTuple):
    """The parts of an outcome that are compared between machines."""

    status: str
    kind: str | None
    gates: bool
    digest: str


def _kind(outcomes: Collection[_Brief]) -> str | None:
    statuses = {outcome.status for outcome in outcomes}
    wrong = [outcome for outcome in outcomes if outcome.gates and outcome.status not in _NO_VERDICT]
    if wrong and statuses & {"pass", *_DECLINED}:
        return "wrong"
    if "pass" in statuses and statuses & _DECLINED:
        return "refused"
    if statuses == {"pass"} and len({outcome.digest for outcome in outcomes}) > 1:
        return "bits"
    return None


def by_machine(results: Results) -> list[ByMachine]:
    """What differs between the machines of a record, for each adapter that ran on more than one."""
    compared_adapters = []
    for plain, names in _groups(results.adapters()):
        recorded: dict[str, dict[str, _Brief]] = {}
        for name in names:
            for o in results.outcomes(name, details=False):
                recorded.setdefault(o.case_id, {})[machine_of(name)] = _Brief(o.status, o.kind, o.gates, o.digest)
        differing: dict[str, dict[str, dict[str, str]]] = {kind: {} for kind in KINDS}
        for case_id, outcomes in recorded.items():
            kind = _kind(outcomes.values())
            if kind is not None:
                differing[kind][case_id] = {name: label(o.status, o.kind) for name, o in outcomes.items()}
        compared = sum(len(outcomes) > 1 for outcomes in recorded.values())
        compared_adapters.append(
            ByMachine(adapter=plain, machines=tuple(map(machine_of, names)), compared=compared, cases=differing)
        )
    return compared_adapters


def seen_on(groups: Iterable[Finding], results: Results) -> SeenOn:
    """For each finding of an adapter on several machines: on which it was seen, and on which not.

    A finding is not seen on a machine that ran one of its cases and has no discrepancy of the same status, kind
    and transformation.

    Returns
    -------
    dict
        By id of the finding. A finding of an adapter that was run on one machine is not in it.
    """
    groups = list(groups)
    several = {name for _, names in _groups(results.adapters()) for name in names}
    ran = {name: set(results.case_ids(name)) for name in several}
    machines: SeenOn = {}
    for group in groups:
        if group.adapter not in several:
            continue
        members, seen, not_seen = set(group.members), [], []
        for name in sorted(several, key=lambda name: (machine_of(name) != "native", name)):
            if plain_name(name) != plain_name(group.adapter):
                continue
            there = [other for other in groups if other.adapter == name and _alike(group, other)]
            if any(not members.isdisjoint(other.members) for other in there):
                seen.append(machine_of(name))
            elif members & ran[name]:
                not_seen.append(machine_of(name))
        machines[group.id] = seen, not_seen
    return machines


def _alike(first: Finding, second: Finding) -> bool:
    return (first.status, first.kind, first.transform) == (second.status, second.kind, second.transform)


@cache
def _settled_kinds() -> frozenset[tuple[str, str]]:
    text = (Path(cases.__file__).parent / "machines.toml").read_text(encoding="utf-8")
    return frozenset((entry["arch"], entry["isa"]) for entry in tomllib.loads(text)["machine"])


def unfamiliar(environments: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The kinds of machines of a run on which no gate has been settled, such as ``aarch64 with neon``.

    Parameters
    ----------
    environments : mapping
        Environments by adapter, as a run records them; one without the kind of its machine is ignored.
    """
    kinds: dict[str, None] = {}
    for environment in environments.values():
        facts = environment.get("facts") or {}
        kind = facts.get("cpu.arch"), facts.get("cpu.isa")
        if all(kind) and kind not in _settled_kinds():
            kinds[f"{kind[0]} with {kind[1]}"] = None
    return list(kinds)


def changed_facts(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """The facts of each adapter that differ between two records, each with its old and its new value.

    Parameters
    ----------
    old, new : mapping
        Environments by adapter, as a run records them.
    """
    by_adapter: dict[str, dict[str, list[Any]]] = {}
    for adapter in old.keys() & new.keys():
        before, after = (side[adapter].get("facts") or {} for side in (old, new))
        changed = {
            name: [before[name], after[name]] for name in before if name in after and before[name] != after[name]
        }
        if changed:
            by_adapter[adapter] = changed
    return dict(sorted(by_adapter.items()))


def machine_lines(facts: Mapping[str, Mapping[str, Sequence[Any]]], machines: Iterable[ByMachine]) -> list[str]:
    """What differs between machines, for a terminal.

    Parameters
    ----------
    facts : mapping
        The facts that differ between two runs, as `changed_facts` returns them.
    machines : iterable of ByMachine
        The machines of the later run.
    """
    lines = []
    for adapter, changed_values in facts.items():
        changed = ", ".join(
            f"{name} was {shown(old)}, is {shown(new)}" for name, (old, new) in changed_values.items()
        )
        lines.append(f"{adapter} ran on a different machine: {changed}")
    for item in machines:
        counts = [f"{len(item.cases[kind])} {about}" for kind, about in KINDS.items() if item.cases[kind]]
        differs = "; ".join(counts) or "nothing differs"
        lines.append(
            f"{item.adapter} on {', '.join(item.machines)}: {item.compared} cases on more than one, {differs}"
        )
        for kind in ("wrong", "refused"):
            for case_id, outcomes in list(item.cases[kind].items())[:_MOST_CASES]:
                lines.append(f"  {case_id}: {', '.join(f'{name} {text}' for name, text in outcomes.items())}")
    return lines
