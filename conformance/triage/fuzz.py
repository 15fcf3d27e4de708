"""Search for new findings: run random cases, and shrink each new failure to its smallest case."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import hypothesis
from hypothesis import HealthCheck, Phase

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.design.strategies import cases, valid_cases
from conformance.execution.check import run_case, verdict
from conformance.reports.gate.assess import matching_expectation
from conformance.reports.gate.expectations import Expectation
from conformance.reports.record.findings import cause
from conformance.reports.record.outcome import Outcome
from conformance.triage.minimize import minimize

__all__ = ["AdapterUnavailable", "Discovery", "expected", "fuzz", "run_batch", "shrink"]

_BATCH = 50  # cases between two looks at the clock and the strategy
_SHRINK_SECONDS = 60.0
# One batch in so many may hold invalid cases (R11).
_WILD_EVERY = 5


class AdapterUnavailable(RuntimeError):
    """The adapter's process cannot be started."""


@dataclass(frozen=True)
class Discovery:
    """A failure of a kind not seen before.

    Attributes
    ----------
    found, smallest : Case
        The random case, and the smallest case that fails alike.
    outcome : Outcome
        Of the smallest one.
    """

    found: Case
    smallest: Case
    outcome: Outcome


def expected(case: Case, outcome: Outcome, host: AdapterProcess, expectations: Sequence[Expectation]) -> bool:
    """Tell whether an expectation covers an outcome."""
    return matching_expectation(case, outcome, expectations, host.environment) is not None


def fuzz(
    host: AdapterProcess,
    *,
    seconds: float,
    seed: int = 0,
    expectations: Sequence[Expectation] = (),
    tick: Callable[[int], None] = lambda count: None,
) -> Iterator[Discovery]:
    """Run random cases until the time is up.

    Parameters
    ----------
    host : AdapterProcess
        The adapter, in its own process; started again after each crash.
    seconds : float
        How long to search. A shrink that has started may end later.
    seed : int
        The same seed gives the same cases.
    expectations : sequence of Expectation
        Failures that are known.
    tick : callable
        Called with the number of cases that have run so far.

    Yields
    ------
    Discovery
        One per cause: adapter, kind of failure and diagnosis.

    Raises
    ------
    AdapterUnavailable
        The adapter's process cannot be started.
    """
    deadline = time.monotonic() + seconds
    seen: set[tuple[str, ...]] = set()
    count = itertools.count(1)
    for batch in itertools.count():
        if time.monotonic() > deadline:
            return
        for case, outcome in run_batch(
            host, batch, seed=seed, seen=seen, expectations=expectations, deadline=deadline,
            tick=lambda: tick(next(count)),
        ):  # fmt: skip
            discovery = shrink(case, outcome, host)
            if cause(discovery.outcome) not in seen - {cause(outcome)}:
                seen.add(cause(discovery.outcome))
                yield discovery


def run_batch(
    host: AdapterProcess,
    batch: int,
    *,
    seed: int,
    seen: set[tuple[str, ...]],
    expectations: Sequence[Expectation],
    deadline: float,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Case, Outcome]]:
    """Run a batch of random cases; see `fuzz`.

    Parameters
    ----------
    batch : int
        Its number; with the seed it determines the cases.
    seen : set
        Causes that have been reported; new ones are added.
    deadline : float
        By the clock of `time.monotonic`.

    Yields
    ------
    Case, Outcome
        The first failure of each cause that is not expected.

    Raises
    ------
    AdapterUnavailable
        The adapter's process cannot be started.
    """
    for case in _draw(seed * 1_000_003 + batch, wild=batch % _WILD_EVERY == _WILD_EVERY - 1):
        if time.monotonic() > deadline:
            return
        outcome = verdict(case, host)
        tick()
        if outcome.gates and not expected(case, outcome, host, expectations):
            outcome = run_case(
                case, host
            )  # a diagnosis takes much longer than a verdict, so only possible news get one
        if outcome.status == "infra":  # our own failure: of this case alone, unless the process cannot start
            if host.start() is not None:
                raise AdapterUnavailable(outcome.detail)
            continue
        if outcome.gates and cause(outcome) not in seen and not expected(case, outcome, host, expectations):
            seen.add(cause(outcome))
            yield case, outcome


def shrink(case: Case, outcome: Outcome, host: AdapterProcess) -> Discovery:
    """Return the smallest case that fails like the given one, or the given one if it does not fail again."""
    small = minimize(case, host, seconds=_SHRINK_SECONDS)
    return Discovery(case, small.case, small.outcome) if small is not None else Discovery(case, case, outcome)


def _draw(seed: int, *, wild: bool) -> list[Case]:
    """Draw a batch of random cases."""
    drawn: list[Case] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=_BATCH,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(cases(wild=True) if wild else valid_cases())
    def collect(case: Case) -> None:
        drawn.append(case)

    collect()
    return drawn
