"""Run further cases until the condition is certain.

All smallest conditions that fit the results so far are kept. New cases on which they disagree run first. When they
all agree, cases on both sides of the border run to refute them. The condition that survives is exact as far as the
runs went, and their number is reported.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conformance.cases.case import Case
from conformance.cases.columns import Row, columns
from conformance.cases.fields import FieldValues
from conformance.conditions.atoms import Atom, Predicate
from conformance.conditions.nearby_cases import CHANGES, SPATIAL, on_every_axis, pool, with_changes, work_of
from conformance.conditions.set_cover import smallest

__all__ = ["ConditionResult", "Fails", "infer_condition", "separating"]

Fails = Callable[[Case], bool | None]

_ATTEMPTS = 8
_CONFIRMATIONS = 20
_BASES = 2
_BASES_CONDITIONS = 20
_EVEN = 0.2  # a split is good enough within this distance from a half
_NUMBERS = ("batch", "in_channels", "out_channels", "groups", "input_size", "kernel_size", "stride", "dilation")
_FOLLOW = {"input": ("output", "full"), "kernel": ("effective",)}
"""For a field, other columns that follow from it and are simplest to change by it."""


@dataclass(frozen=True)
class ConditionResult:
    """A condition and how sure it is.

    Attributes
    ----------
    predicate : Predicate or None
        None where no small condition separates.
    failing, passing : int
        Cases that it holds for, all of which fail, and the other cases, all of which pass.
    runs : int
        Number of further cases that were run.
    further_failing : int
        Number of those that fail.
    exact : bool
        Whether it survived every single change of some failing cases and twenty cases further away.
    alternatives : tuple of Predicate
        Other conditions of the same size that fit.
    """

    predicate: Predicate | None
    failing: int
    passing: int
    runs: int
    exact: bool
    alternatives: tuple[Predicate, ...] = ()
    further_failing: int = 0

    @property
    def text(self) -> str:
        """The condition as text, with its counts and whether it is certain."""
        if self.predicate is None:
            return f"no small condition separates {self.failing} failing from {self.passing} passing cases"
        counts = f"{self.failing} of {self.failing} cases fail, 0 of {self.passing} others"
        sure = "" if self.exact else "; uncertain"
        also = f" (or: {self.alternatives[0].text})" if self.alternatives else ""
        return f"{self.predicate.text} [{counts}{sure}]{also}"


def infer_condition(
    failing: Iterable[Case],
    passing: Iterable[Case],
    fails: Fails | None = None,
    *,
    budget: int = 400,
    seed: int = 0,
    terms: frozenset[str] = frozenset(),
) -> ConditionResult:
    """Find the smallest condition that separates failing from passing cases.

    Parameters
    ----------
    failing, passing : iterable of Case
        Cases whose result is known; at least one fails.
    fails : callable, optional
        Runs a new case: True, False, or None where the result does not count. Without it nothing runs, and the
        condition is uncertain unless it is ``always``.
    budget : int
        Largest number of cases to run, those without a result included: a number, so that the condition does not
        depend on the machine's speed.
    seed : int
        Seed of the random but repeatable choice of cases.
    terms : frozenset of str
        First parts of names of columns that the diagnosis names; see `conformance.conditions.set_cover.smallest`.
    """
    results = dict.fromkeys(failing, True) | dict.fromkeys(passing, False)
    rows = {case: columns(case) for case in results}
    space = _space(results, rows, terms)
    if fails is None:
        return _condition_result(space, results, 0, 0, False)
    chance = random.Random(seed)
    ran = runs = runs_failing = confirmed = tried = 0
    swept: set[Case] = set()
    stuck: set[int] = set()
    while space and ran < budget and tried < 10 * budget and confirmed < _CONFIRMATIONS:
        tried += 1
        case, kind = _next(space, results, swept, stuck, chance)
        if case is None:
            continue
        swept.add(case)
        ran += 1
        failed = fails(case)
        if failed is None:
            continue
        runs += 1
        runs_failing += failed
        results[case], rows[case] = failed, columns(case)
        left = [predicate for predicate in space if predicate(rows[case]) == failed]
        # Only cases that run when no nearer case is left confirm the condition.
        confirmed = confirmed + 1 if kind == "anywhere" and len(left) == len(space) else 0
        if not left:
            stuck.clear()
        space = left or _space(results, rows, terms)
    return _condition_result(space, results, runs, runs_failing, confirmed >= _CONFIRMATIONS)


def separating(
    some_failing: list[Row],
    some_passing: list[Row],
    failing: list[Row],
    passing: list[Row],
    *,
    terms: frozenset[str] = frozenset(),
) -> Predicate | None:
    """The smallest condition that separates all of the rows given, searched on some of them first.

    Rows on which an attempt is wrong are added until it is right for all; None where no small condition is.
    """
    if not failing or not passing:
        return None
    wrong, right = list(some_failing), list(some_passing)
    for _ in range(_ATTEMPTS):
        space = smallest(wrong, right, terms)
        if not space:
            return None
        predicate = space[0]
        missed = [row for row in failing if not predicate(row)][:_ATTEMPTS]
        caught = [row for row in passing if predicate(row)][:_ATTEMPTS]
        if not missed and not caught:
            return predicate
        wrong += missed
        right += caught
    return None


def _space(results: dict[Case, bool], rows: dict[Case, Row], terms: frozenset[str]) -> list[Predicate]:
    return smallest(
        [rows[case] for case, wrong in results.items() if wrong],
        [rows[case] for case, wrong in results.items() if not wrong],
        terms,
    )


def _condition_result(
    space: list[Predicate], results: dict[Case, bool], runs: int, runs_failing: int, exact: bool
) -> ConditionResult:
    wrong, sure = sum(results.values()), exact and bool(space)
    predicate = space[0] if space else None
    return ConditionResult(
        predicate=predicate,
        failing=wrong,
        passing=len(results) - wrong,
        runs=runs,
        exact=sure,
        alternatives=tuple(space[1:4]),
        further_failing=runs_failing,
    )


def _next(
    space: list[Predicate], results: dict[Case, bool], swept: set[Case], stuck: set[int], chance: random.Random
) -> tuple[Case | None, str]:
    """The next case to run: one that splits the conditions, else a single step from a failing case, else any."""
    best: tuple[float, Case] | None = None
    side, anywhere = chance.random() < 0.5, None
    some = space if len(space) <= 60 else [*space[:30], *chance.sample(space[30:], 30)]
    nearby = pool(results, _numbers_near(some[:30]), chance)
    for case in (case for case in nearby if case not in swept):
        row = _row(case)
        share = sum(predicate(row) for predicate in some) / len(some)
        if share == side and anywhere is None:
            anywhere = case
            if len(some) == 1:
                break  # a single condition has nothing to split
        if 0 < share < 1 and (best is None or abs(share - 0.5) < best[0]):
            best = abs(share - 0.5), case
            if share == 0.5:
                break
    if best is not None:
        return best[1], "decisive"
    # First separate parameters that always change together in the cases so far; once per number of conditions.
    if len(space) > 1 and len(space) not in stuck:
        separating_case = _separating_case(space, results, swept)
        if separating_case is not None:
            return separating_case, "decisive"
        stuck.add(len(space))
    bases: dict[int, Case] = {}
    for case, wrong in results.items():
        if wrong:
            bases.setdefault(case.rank, case)
    for base in bases.values():
        step = next(
            (case for case in _all_steps(base, space[0]) if case not in results and case not in swept), None
        )
        if step is not None:
            return step, "step"
    return anywhere, "anywhere"


@lru_cache(maxsize=1 << 14)
def _row(case: Case) -> Row:
    return columns(case)


@lru_cache(maxsize=64)
def _all_steps(case: Case, predicate: Predicate) -> tuple[Case, ...]:
    return tuple(_steps(case, [predicate]))


def _separating_case(space: list[Predicate], results: dict[Case, bool], swept: set[Case]) -> Case | None:
    """A failing case with one parameter changed, on which about half of the conditions disagree with the others.

    That distinguishes parameters that always change together in the cases so far.
    """
    bases = sorted((case for case, wrong in results.items() if wrong), key=work_of)[:_BASES]
    # The plainest conditions matter most: one of them will be shown.
    some = space[:_BASES_CONDITIONS]
    best: tuple[float, Case] | None = None
    for base in bases:
        for case in _steps(base, some):
            if case in results or case in swept:
                continue
            row = _row(case)
            distance = abs(sum(predicate(row) for predicate in some) / len(some) - 0.5)
            if distance < 0.5 and (best is None or distance < best[0]):
                best = distance, case
            if distance < _EVEN:
                return case
    return None if best is None else best[1]


def _steps(case: Case, space: Sequence[Predicate]) -> Iterator[Case]:
    """Cases one change away, on one axis or all: all values of fields in the conditions, a few of other fields."""
    atoms = list(dict.fromkeys(atom for predicate in space for term in predicate.terms for atom in term))
    named = {column for atom in atoms for column in atom.columns}
    for atom in atoms:
        if atom.to_column and atom.column in CHANGES and atom.value in CHANGES:
            # Equal at another value, since a coincidence may matter at some sizes only.
            for value in (1, 2, 3):
                yield from _valid(case, {atom.column: value, atom.value: value})
    if case.rank > 1:
        # The axes in reverse order distinguish one axis from some axis.
        reversed_axes = {name: getattr(case, name) for name in SPATIAL}
        reversed_axes = {name: value[::-1] for name, value in reversed_axes.items() if isinstance(value, tuple)}
        yield from _valid(case, reversed_axes)
    yield from _outputs(case, atoms)
    for name, values in CHANGES.items():
        stem = name.removesuffix("_size")
        near = [value for predicate in space for value in _near(predicate, stem)]
        tried = (*near, *values) if _concerns(stem, named) else values[:2]
        for value in dict.fromkeys(tried):
            yield from _valid(case, {name: on_every_axis(name, value, case.rank)})
            if name in SPATIAL and isinstance(value, int) and case.rank > 1:
                for axis in range(case.rank):
                    everywhere = on_every_axis(name, value, case.rank)
                    own = getattr(case, name)
                    if isinstance(own, tuple):
                        mixed = tuple(everywhere[n] if n == axis else own[n] for n in range(case.rank))
                        yield from _valid(case, {name: mixed})


def _valid(case: Case, *changes: FieldValues) -> Iterator[Case]:
    """A case with each of some changes, where that is valid and not too large."""
    for change in changes:
        if (changed := with_changes(case, change)) is not None:
            yield changed


def _outputs(case: Case, atoms: Iterable[Atom]) -> Iterator[Case]:
    """Cases whose output is as long as their input, on both sides of a bound of the output's length."""
    ones = (1,) * case.rank
    plain: FieldValues = {
        "kernel_size": ones,
        "stride": ones,
        "dilation": ones,
        "padding": "valid",
        "output_padding": None,
    }
    for atom in atoms:
        if atom.column.startswith("output_") and type(atom.value) is int and "padding" not in atom.column:
            for value in (atom.value, atom.value + 1, atom.value - 1):
                sizes = [(value,) * case.rank]
                sizes += [tuple(value if n == axis else 2 for n in range(case.rank)) for axis in range(case.rank)]
                yield from _valid(case, *({**plain, "input_size": size} for size in sizes))


def _concerns(stem: str, named: Iterable[str]) -> bool:
    """Whether some columns belong to a field, or follow from it."""
    return any(stem in column or column.startswith(_FOLLOW.get(stem, stem)) for column in named)


def _near(predicate: Predicate, stem: str) -> Iterator[int]:
    """Numbers near those that a condition compares with, and smaller ones, to find a threshold."""
    for atom in (atom for term in predicate.terms for atom in term):
        about = (stem, *_FOLLOW.get(stem, ()))
        if atom.column.startswith(about) and type(atom.value) is int and atom.value > 1:
            bound = atom.value
            values = (bound, bound + 1, bound - 1, bound // 2, bound * 3 // 4, bound * 7 // 8)
            # Twice the bound as well: multiples of it may pass again.
            yield from dict.fromkeys((*values, 2 * bound, 2 * bound + 1))
        if atom.column.startswith(about) and atom.modulus:
            yield from (n * atom.modulus // 2 for n in (1, 2, 3, 4, 6))
            yield from (atom.modulus + 1, 2 * atom.modulus + 1)


def _numbers_near(space: Iterable[Predicate]) -> dict[str, tuple[Any, ...]]:
    """For each number of a case, values near those that some conditions compare it with."""
    space = list(space)
    values = {}
    for name in _NUMBERS:
        stem = name.removesuffix("_size")
        values[name] = tuple(dict.fromkeys(n for predicate in space for n in _near(predicate, stem)))[:16]
    return values
