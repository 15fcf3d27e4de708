"""Cases a change or two away from one that ran already."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.cases.case import Case
from conformance.cases.errors import CaseError, DomainError
from conformance.cases.fields import FieldValues

__all__ = ["CHANGES", "SPATIAL", "on_every_axis", "pool", "with_changes", "work_of"]

_POOL = 60
_MAX_WORK = 1 << 18
CHANGES: dict[str, tuple[Any, ...]] = {
    "rank": (1, 2, 3),
    "batch": (1, 2, 3),
    "in_channels": (1, 2, 3, 4, 6),
    "out_channels": (1, 2, 3, 4, 6),
    "input_size": (1, 2, 3, 4, 5, 6),
    "kernel_size": (1, 2, 3, 4, 5),
    "stride": (1, 2, 3, 4, 5),
    "dilation": (1, 2, 3),
    "groups": (1, 2, 3),
    "padding": ("valid", "same", 0, 1, 2),
    "output_padding": (None, 0, 1, 2),
    "layout": ("channels_first", "channels_last"),
    "dtype": ("f64", "f32", "f16", "bf16"),
    "bias": (False, True),
    "direction": ("fwd", "grad"),
    "seed": (0, 1, 2),
}
SPATIAL = ("input_size", "kernel_size", "stride", "dilation", "padding", "output_padding", "given_output_size")


def on_every_axis(name: str, value: Any, rank: int) -> Any:
    if name not in SPATIAL or not isinstance(value, int):
        return value
    return ((value, value),) * rank if name == "padding" else (value,) * rank


def pool(results: dict[Case, bool], near: dict[str, tuple[Any, ...]], chance: random.Random) -> Iterator[Case]:
    """New cases a change or two away from earlier ones, mostly from failing ones."""
    wrong = [case for case, fails in results.items() if fails]
    right = [case for case, fails in results.items() if not fails]
    for _ in range(_POOL):
        start = chance.choice(wrong if not right or chance.random() < 0.7 else right)
        case = _changed(start, near, chance, 1 + int(chance.random() * 3))
        if case is not None and case not in results:
            yield case


def _changed(case: Case, near: dict[str, tuple[Any, ...]], chance: random.Random, count: int) -> Case | None:
    """A case with some fields at other values; None where that is invalid or too large."""
    fields = chance.sample(list(CHANGES), count)
    rank = chance.choice(CHANGES["rank"]) if "rank" in fields else case.rank
    values = {name: _value(_choices(name, near, chance), name, rank, chance) for name in fields if name != "rank"}
    return with_changes(case, values | ({"rank": rank} if "rank" in fields else {}))


def _choices(name: str, near: dict[str, tuple[Any, ...]], chance: random.Random) -> tuple[Any, ...]:
    """Values for a field; sometimes those near the border of a condition."""
    border = near.get(name, ())
    return border if border and chance.random() < 0.3 else CHANGES[name]


def with_changes(case: Case, changes: FieldValues) -> Case | None:
    """A case with other values of some fields; None where that is invalid, empty or too large."""
    rank = changes.get("rank", case.rank)
    for name in SPATIAL:
        value = getattr(case, name)
        if rank != case.rank and name not in changes and not isinstance(value, str) and value is not None:
            changes[name] = tuple(value[n % case.rank] for n in range(rank))
    if "groups" in changes:
        for name in ("in_channels", "out_channels"):
            changes.setdefault(name, getattr(case, name) // (case.groups or 1) * changes["groups"])
    try:
        changed = replace(case, **changes)
        size = changed.geometry().output_size
    except (CaseError, DomainError):
        return None
    return changed if min(size) > 0 and 0 < work_of(changed) <= _MAX_WORK else None


def work_of(case: Case) -> int:
    """Roughly the number of products of a case; an invalid case has no output, so its input counts."""
    try:
        size = case.geometry().output_size
    except DomainError:
        size = case.input_size
    work = case.batch * case.in_channels * case.out_channels
    for count_out, count_in in zip(size, case.kernel_size, strict=True):
        work *= count_out * count_in
    return work


def _value(choices: tuple[Any, ...], name: str, rank: int, chance: random.Random) -> Any:
    if name not in SPATIAL:
        return chance.choice(choices)
    first = chance.choice(choices)
    if first is None or isinstance(first, str):
        return first
    numbers = [n for n in choices if isinstance(n, int)]
    # Half of the time all axes are equal, as in most cases; else they differ, to distinguish some from every axis.
    values = [first] * rank if chance.random() < 0.5 else [chance.choice(numbers) for _ in range(rank)]
    return tuple((n, n) for n in values) if name == "padding" else tuple(values)
