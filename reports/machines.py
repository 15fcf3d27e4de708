"""By machine: what the outcomes of one adapter on several machines have in common and what not.

An adapter is recorded as ``ADAPTER~MACHINE@PYTHON``; those with the same first part are one adapter on several
machines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reports.outcome import Outcome
from reports.store import Results

__all__ = ["KINDS", "ByMachine", "by_machine", "changed_facts", "machine_of", "plain_name", "seen_on"]

_NAME = re.compile(r"(?P<adapter>.*?)(?:~(?P<machine>[A-Za-z0-9_-]+))?(?:@(?P<python>.*))?", re.DOTALL)
KINDS = {
    "wrong": "wrong on some machines, right on others",
    "refused": "declined on some machines, right on others",
    "bits": "right on all, in other bits",
}
"""How outcomes differ between machines."""


def plain_name(adapter: str) -> str:
    """The name of an adapter without its machine profile and its interpreter."""
    found = _NAME.fullmatch(adapter)
    return adapter if found is None else found["adapter"]


def machine_of(adapter: str) -> str:
    """Machine profile and interpreter of an adapter, such as ``avx2`` or ``native@/path/to/python``."""
    found = _NAME.fullmatch(adapter)
    if found is None:
        return "native"
    return (found["machine"] or "native") + (f"@{found['python']}" if found["python"] else "")


@dataclass(frozen=True)
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
        By kind of difference (see `KINDS`): what each machine's outcome is, by case id.
    """

    adapter: str
    machines: tuple[str, ...]
    compared: int = 0
    cases: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)


def _groups(adapters: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for adapter in adapters:
        found.setdefault(plain_name(adapter), []).append(adapter)
    return ((plain, names) for plain, names in found.items() if len(names) > 1)


def _kind(outcomes: Sequence[Outcome]) -> str | None:
    statuses = {outcome.status for outcome in outcomes}
    gating = {outcome.gates for outcome in outcomes}
    if len(gating) > 1 and not statuses <= {"missing", "infra", "pass"}:
        return "wrong"
    if "pass" in statuses and statuses & {"unsupported", "inexpressible"}:
        return "refused"
    if statuses == {"pass"} and len({outcome.digest for outcome in outcomes}) > 1:
        return "bits"
    return None


def by_machine(results: Results) -> list[ByMachine]:
    """What differs between the machines of a record, for each adapter that was run on more than one."""
    found = []
    for plain, names in _groups(results.adapters()):
        recorded = {name: {o.case_id: o for o in results.outcomes(name, details=False)} for name in names}
        entry = ByMachine(plain, tuple(machine_of(name) for name in names), 0, {kind: {} for kind in KINDS})
        compared = 0
        for case_id in dict.fromkeys(case_id for outcomes in recorded.values() for case_id in outcomes):
            here = {name: outcomes[case_id] for name, outcomes in recorded.items() if case_id in outcomes}
            compared += len(here) > 1
            kind = _kind(list(here.values()))
            if kind is not None:
                entry.cases[kind][case_id] = {machine_of(name): outcome.status for name, outcome in here.items()}
        found.append(ByMachine(entry.adapter, entry.machines, compared, entry.cases))
    return found


def seen_on(
    adapter: str, members: Sequence[str], gating: Mapping[str, Iterable[str]], ran: Mapping[str, frozenset[str]]
) -> tuple[list[str], list[str]]:
    """The machines that a finding was seen on, and those that it was looked for on and not seen.

    Parameters
    ----------
    adapter : str
        The adapter that shows it.
    members : sequence of str
        Ids of its cases.
    gating : mapping
        Ids of the cases with a discrepancy of the same status, kind and transformation, by adapter.
    ran : mapping
        Ids of its cases that were run, by adapter.
    """
    plain, wanted = plain_name(adapter), set(members)
    seen, not_seen = [], []
    for name, cases in ran.items():
        if plain_name(name) != plain:
            continue
        if wanted.intersection(gating.get(name, ())):
            seen.append(machine_of(name))
        elif wanted & cases:
            not_seen.append(machine_of(name))
    return seen, not_seen


def changed_facts(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """The facts of each adapter that are not the same in two records, each with its old and its new value.

    Parameters
    ----------
    old, new : mapping
        Environments by adapter, as a run records them.
    """
    found: dict[str, dict[str, list[Any]]] = {}
    for adapter in old.keys() & new.keys():
        before, after = (side[adapter].get("facts") or {} for side in (old, new))
        changed = {
            name: [before[name], after[name]] for name in before if name in after and before[name] != after[name]
        }
        if changed:
            found[adapter] = changed
    return dict(sorted(found.items()))
