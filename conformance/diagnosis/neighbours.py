"""The cases that explanations are told apart with, and refuted by: those a change or two away."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS
from conformance.cases.errors import CaseError, DomainError

__all__ = ["larger", "neighbours"]

_MAX_WORK = 1 << 20


def neighbours(case: Case) -> Iterator[Case]:
    """Cases a step away, nearest first: other data, then one number changed, then two."""
    changes = list(_changes(case))
    pairs = [{**a, **b} for a, b in itertools.combinations(changes, 2) if not a.keys() & b.keys()]
    for change in (*changes, *pairs):
        neighbour = _replaced(case, change)
        if neighbour is not None:
            yield neighbour


def larger(case: Case) -> Iterator[Case]:
    """Cases in which an accident of small numbers is unlikely to happen again: other data, then longer axes."""
    steps = (1, 2, 3)[: case.rank]
    yield from filter(None, [_replaced(case, {"seed": case.seed + 1})])
    for name, by in (("input_size", steps), ("kernel_size", steps[::-1])):
        # By one only where more would be a large case.
        ways = (_replaced(case, _plus(case, name, growth)) for growth in (by, (1,) * case.rank))
        yield from itertools.islice(filter(None, ways), 1)
    if not isinstance(case.padding, str):
        wider = ((low + n, high + n) for (low, high), n in zip(case.padding, steps, strict=True))
        yield from filter(None, [_replaced(case, {"padding": tuple(wider)})])
    elif case.output_padding is not None and any(case.output_padding):
        more = _plus(case, "output_padding", tuple(int(n > 0) for n in case.output_padding))
        yield from filter(None, [_replaced(case, more)])


def _replaced(case: Case, change: dict[str, Any]) -> Case | None:
    """The case changed; None where it has no output then, or one too large."""
    try:
        changed = replace(case, **change)
        size = math.prod(changed.output_shape) * math.prod(changed.weight_shape)
    except (CaseError, DomainError):
        return None
    most = max(_MAX_WORK, 8 * math.prod(case.output_shape) * math.prod(case.weight_shape))
    return changed if size <= most else None


def _plus(case: Case, name: str, by: tuple[int, ...]) -> dict[str, Any]:
    return {name: tuple(value + n for value, n in zip(getattr(case, name), by, strict=True))}


def _changes(case: Case) -> Iterator[dict[str, Any]]:
    """Fields to change, one at a time but for the last; each axis by another step where it matters."""
    rank = case.rank
    steps = (1, 2, 3)[:rank]

    def plus(name: str, by: tuple[int, ...]) -> dict[str, Any]:
        return _plus(case, name, by)

    yield {"seed": case.seed + 1}
    if DATA_KINDS[case.data].judged not in ("exact", "bound"):
        # Special values may hide what else is wrong, or be all that is.
        yield from ({"data": kind} for kind in ("ints", "naninput", "nanbias", "infweight") if kind != case.data)
    elif not DATA_KINDS[case.data].exact:
        # Formats differ in their bits and in their range.
        yield from ({"data": kind} for kind in ("normal", "large", "small") if kind != case.data)
    if isinstance(case.padding, str):
        yield {"padding": tuple((n, 2 * n + 1) for n in reversed(steps))}
    else:
        for low, high in ((0, 1), (1, 0), (1, 1), (2, 5)):
            grown = ((a + low * n, b + high * n) for (a, b), n in zip(case.padding, steps, strict=True))
            yield {"padding": tuple(grown)}
        yield {"padding": tuple((high, low) for low, high in case.padding)}
        yield {"padding": tuple((abs(low) + 1, abs(high)) for low, high in case.padding)}
    if case.output_padding is not None:
        yield plus("output_padding", tuple(int(n > 0) for n in case.output_padding))
        yield plus("output_padding", (1,) * rank)
        yield plus("output_padding", steps)
    for name in ("kernel_size", "stride", "dilation", "input_size"):
        yield plus(name, steps)
        yield plus(name, steps[::-1])
        yield plus(name, (1,) * rank)
    yield plus("kernel_size", (2,) * rank)
    yield {"in_channels": 2 * case.in_channels}
    yield {"out_channels": 2 * case.out_channels}
    yield {"in_channels": 3 * case.in_channels, "out_channels": 2 * case.out_channels}
    yield {"batch": case.batch + 1}
    for by in (steps, steps[::-1]):
        yield {**plus("kernel_size", tuple(2 * n for n in by)), **plus("stride", by), **plus("input_size", by)}
        yield {**plus("kernel_size", by), **plus("stride", by[::-1]), **plus("dilation", by)}
