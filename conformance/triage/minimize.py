"""Find the smallest case with the same diagnosis, by hypothesis's shrinker.

A case is drawn field by field in the order of ``ORDER``, each from the plainest value to its own.
Hypothesis prefers fewer draws, then smaller ones, earlier draws first; so this order says what "smaller" means:
fewer axes, then shorter input, smaller kernel, less batch and fewer channels, then every parameter towards 0 and
1, then plainer data.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.errors import CaseError
from conformance.cases.fields import FieldValues
from conformance.execution.check import run_case
from conformance.reports.record.outcome import Outcome

__all__ = ["ORDER", "Minimized", "minimize"]

_SPATIAL = ("input_size", "kernel_size", "stride", "dilation", "padding", "given_output_size", "output_padding")
_PLAIN: FieldValues = {
    "input_size": 1,
    "kernel_size": 1,
    "batch": 1,
    "groups": 1,
    "in_channels": 1,
    "out_channels": 1,
    "stride": 1,
    "dilation": 1,
    "padding": "valid",
    "given_output_size": None,
    "output_padding": None,
    "layout": "channels_first",
    "dtype": "f32",
    "weight_dtype": None,
    "bias": False,
    "bias_size": None,
    "direction": "fwd",
    "data": "ones",
    "seed": 0,
}
ORDER = ("rank", *_PLAIN)
"""What is made small first."""

# The value a case has is drawn this much more often than all plainer ones together, so that a first failing case,
# from which to shrink, comes up at once.
_OWN_WEIGHT = 8


@dataclass(frozen=True, kw_only=True)
class Minimized:
    """The result of the search.

    Attributes
    ----------
    case : Case
        The smallest case found.
    outcome : Outcome
        Its outcome, of the same status, kind and transformation as the first.
    runs : int
        Number of cases that ran.
    finished : bool
        Whether the shrinker finished before the time was up.
    """

    case: Case
    outcome: Outcome
    runs: int
    finished: bool


def minimize(case: Case, host: AdapterProcess, *, seconds: float = 120.0) -> Minimized | None:
    """Shrink a case that fails.

    Parameters
    ----------
    case : Case
        Where to start.
    host : AdapterProcess
        The adapter; its process is started again after each crash.
    seconds : float
        When to stop.

    Returns
    -------
    Minimized or None
        None where the case does not fail.
    """
    outcomes: dict[Case, Outcome] = {case: run_case(case, host)}
    first = outcomes[case]
    if not first.gates or first.status == "infra":
        return None
    deadline = time.monotonic() + seconds

    def same(candidate: Case | None) -> bool:
        if candidate is None:
            return False
        if candidate not in outcomes:
            if time.monotonic() > deadline:
                return False
            outcomes[candidate] = run_case(candidate, host)
        return _alike(outcomes[candidate], first)

    # Hypothesis does not shrink from three axes to one by itself: the draws for the other axes are in between.
    case = next((fewer for fewer in _on_fewer_axes(case) if same(fewer)), case)

    settings = hypothesis.settings(
        max_examples=400,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        smallest = hypothesis.find(_smaller(case), same, settings=settings)
    except NoSuchExample:
        smallest = case
    assert smallest is not None
    return Minimized(
        case=smallest, outcome=outcomes[smallest], runs=len(outcomes), finished=time.monotonic() <= deadline
    )


def _on_fewer_axes(case: Case) -> Iterator[Case]:
    """Yield the case on some of its axes only, fewest first."""
    for count in range(1, case.rank):
        for axes in itertools.combinations(range(case.rank), count):
            spatial = {name: getattr(case, name) for name in _SPATIAL}
            tuples = {name: value for name, value in spatial.items() if isinstance(value, tuple)}
            changes: FieldValues = {name: tuple(value[axis] for axis in axes) for name, value in tuples.items()}
            yield replace(case, rank=count, **changes)


def _alike(first: Outcome, second: Outcome) -> bool:
    """Tell whether two outcomes fail in the same way, with a cause that both diagnoses allow."""
    same = (first.status, first.kind) == (second.status, second.kind)
    return same and bool(_reasons(first) & _reasons(second))


def _reasons(outcome: Outcome) -> set[tuple[str | None, str | None]]:
    if outcome.diagnosis is None:
        return {(None, None)}
    return {(diagnosis.transform, diagnosis.signal) for diagnosis in outcome.diagnosis.all}


def _own_last(values: list[Any]) -> st.SearchStrategy[Any]:
    """Draw a value from the plainest to the case's own, which is last and drawn most often."""
    return st.sampled_from([*values, *values[-1:] * (_OWN_WEIGHT * len(values))])


def _smaller(case: Case) -> st.SearchStrategy[Case | None]:
    """Draw cases that are not larger than this one in any field; None where the values are not a case."""
    every = range(case.rank)
    subsets = [axes for count in every for axes in itertools.combinations(every, count + 1)]

    @st.composite
    def draw_case(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Case | None:
        axes = draw(_own_last(subsets)) if case.rank > 1 else (0,)
        changes: FieldValues = {"rank": len(axes)}
        for name, plain in _PLAIN.items():
            own = getattr(case, name)
            if name not in _SPATIAL or own is None or isinstance(own, str):
                changes[name] = own if own == plain else draw(_own_last(_between(plain, own)))
                continue
            # The plain value where it is a name such as `valid`, else one value per axis.
            if not isinstance(plain, int) and draw(_own_last([True, False])):
                changes[name] = plain
            else:
                changes[name] = tuple(_entry(draw, name, own[axis]) for axis in axes)
        try:
            return replace(case, **changes)
        except CaseError:
            return None

    return draw_case()


def _entry(draw: Callable[[st.SearchStrategy[Any]], Any], name: str, own: Any) -> Any:
    """Draw one axis of a spatial value."""
    if name == "padding":
        return tuple(draw(_own_last(_between(0, end))) if end else 0 for end in own)
    plain = 0 if name in ("output_padding", "given_output_size") else 1
    return own if own == plain else draw(_own_last(_between(plain, own)))


def _between(plain: Any, own: Any) -> list[Any]:
    """Return values from the plain one to the case's own; all of them where they are few."""
    if isinstance(own, bool) or not (isinstance(own, int) and isinstance(plain, int)):
        return [plain, own]
    step = 1 if own >= plain else -1
    steps = [plain + step * n for n in (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64) if n < abs(own - plain)]
    return [*steps, own]
