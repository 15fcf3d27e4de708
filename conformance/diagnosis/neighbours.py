"""The cases that distinguish and refute explanations: those a change or two away."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS
from conformance.cases.errors import CaseError, DomainError
from conformance.cases.fields import FieldValues

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
    """Cases in which a coincidence of small numbers is unlikely to recur: other data, then longer axes."""
    steps = (1, 2, 3)[: case.rank]
    if (other_data := _replaced(case, {"seed": case.seed + 1})) is not None:
        yield other_data
    for name, by in (("input_size", steps), ("kernel_size", steps[::-1])):
        # By one only where more would make the case too large.
        ways = (_replaced(case, _plus(case, name, growth)) for growth in (by, (1,) * case.rank))
        yield from itertools.islice(filter(None, ways), 1)
    if not isinstance(case.padding, str):
        wider = ((low + n, high + n) for (low, high), n in zip(case.padding, steps, strict=True))
        if (more_crop := _replaced(case, {"padding": tuple(wider)})) is not None:
            yield more_crop
    elif case.output_padding is not None and any(case.output_padding):
        more = _plus(case, "output_padding", tuple(int(n > 0) for n in case.output_padding))
        if (more_padding := _replaced(case, more)) is not None:
            yield more_padding


def _replaced(case: Case, change: FieldValues) -> Case | None:
    """The case with a change; None where that is invalid or too large."""
    try:
        changed = replace(case, **change)
        size = math.prod(changed.output_shape) * math.prod(changed.weight_shape)
    except (CaseError, DomainError):
        return None
    most = max(_MAX_WORK, 8 * math.prod(case.output_shape) * math.prod(case.weight_shape))
    return changed if size <= most else None


def _plus(case: Case, name: str, by: tuple[int, ...]) -> FieldValues:
    return {name: tuple(value + n for value, n in zip(getattr(case, name), by, strict=True))}


def _changes(case: Case) -> Iterator[FieldValues]:
    """Changes of fields, mostly one at a time, with a different step on each axis where that matters."""
    rank = case.rank
    steps = (1, 2, 3)[:rank]

    def plus(name: str, by: tuple[int, ...]) -> FieldValues:
        return _plus(case, name, by)

    yield {"seed": case.seed + 1}
    if DATA_KINDS[case.data].judged not in ("exact", "bound"):
        # Special values may hide another mistake, or be the only one.
        yield from ({"data": kind} for kind in ("ints", "naninput", "nanbias", "infweight") if kind != case.data)
    elif not DATA_KINDS[case.data].exact:
        # Formats differ in their bits and in their range.
        yield from ({"data": kind} for kind in ("normal", "large", "small") if kind != case.data)
    if isinstance(case.padding, str):
        # A kernel longer than the stride is cropped, a shorter one leaves room for zeros.
        taps = zip(case.stride, case.dilation, steps, strict=True)
        yield {"kernel_size": tuple(-(-(s + n - 1) // d) + 1 for s, d, n in taps)}
        yield {"stride": tuple(e + n for e, n in zip(case.geometry().effective_kernel, steps, strict=True))}
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
