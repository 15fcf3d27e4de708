"""The shortest sequence of calls after which a case still fails (delta debugging)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from conformance.adapters.host.history import Call
from conformance.cases import Case
from conformance.execution.earlier_calls import differing_fields

__all__ = ["candidates", "shortest"]

_SINGLE_CANDIDATES = 4

Fails = Callable[[Sequence[Call]], bool]


def candidates(calls: Sequence[Call], case: Case) -> list[Call]:
    """Calls that may be enough by themselves: the last call, then those most like the case, latest first."""
    latest = list({call.case: call for call in calls if call.case != case}.values())[::-1]
    # State between calls is usually a cache of packed weights, whose key is the shape of the weights.
    alike = sorted(
        latest,
        key=lambda call: (call.case.weight_shape != case.weight_shape, len(differing_fields(call.case, case))),
    )
    return list(dict.fromkeys([*calls[-1:], *alike]))[:_SINGLE_CANDIDATES]


def shortest(calls: Sequence[Call], fails: Fails, more: Callable[[], bool]) -> tuple[Call, ...]:
    """Remove calls as long as the case after them still fails.

    Parameters
    ----------
    calls : sequence of Call
        Calls after which the case fails.
    fails : callable
        Whether the case fails after a subset of them, each time in a new process.
    more : callable
        Whether a further process may be started.

    Returns
    -------
    tuple of Call
        In their order. One-minimal (without any single one of them the case is right) unless ``more`` ended the
        search.
    """
    kept = tuple(calls)
    parts = 2
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        chunks = [kept[start : start + size] for start in range(0, len(kept), size)]
        rests = [tuple(call for other in chunks if other is not chunk for call in other) for chunk in chunks]
        # The latest calls are the likeliest cause. With two chunks, the rests are the chunks themselves.
        tries: Iterable[tuple[Call, ...]] = [*reversed(chunks), *(rests if len(chunks) > 2 else ())]
        smaller = _first(tries, fails, more)
        if smaller is not None:
            parts = 2 if smaller in chunks else max(parts - 1, 2)
            kept = smaller
        elif size == 1 or not more():
            return kept
        else:
            parts = min(2 * parts, len(kept))
    return kept


def _first(tries: Iterable[tuple[Call, ...]], fails: Fails, more: Callable[[], bool]) -> tuple[Call, ...] | None:
    for calls in tries:
        if not more():
            return None
        if fails(calls):
            return calls
    return None
