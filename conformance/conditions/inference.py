"""Asking until the condition is certain.

All smallest conditions that fit what is known are kept. New cases on which they disagree are asked first; when one
answer of them all is left, cases on both sides of its border are asked to refute it. What survives is exact as far
as asking went, and the count says how far that was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from conformance.cases.case import Case
from conformance.cases.columns import columns
from conformance.conditions.atoms import Atom, Predicate, Row
from conformance.conditions.nearby_cases import CHANGES, SPATIAL, pool, replaced, spread, work_of
from conformance.conditions.set_cover import smallest

__all__ = ["ConditionResult", "Fails", "infer_condition", "separating"]

Fails = Callable[[Case], bool | None]

_ATTEMPTS = 8
_SURE_AFTER = 20
_BASES = 2
_BASES_CONDITIONS = 20
_EVEN = 0.2  # a split near enough to a half
_NUMBERS = ("batch", "in_channels", "out_channels", "groups", "input_size", "kernel_size", "stride", "dilation")
_FOLLOW = {"input": ("output", "full"), "kernel": ("effective",)}
"""Columns that a field is the simplest way to change."""


@dataclass(frozen=True)
class ConditionResult:
    """A condition and how sure it is.

    Attributes
    ----------
    predicate : Predicate or None
        None where no small condition separates.
    failing, passing : int
        Cases it holds for, all of which fail, and cases it leaves out, all of which pass.
    asked : int
        How many of them were run for this.
    further_failing : int
        How many of those fail.
    exact : bool
        Whether it withstood every single change to some failing cases and a score of questions further away.
    alternatives : tuple of Predicate
        Other conditions of the same size that fit.
    """

    predicate: Predicate | None
    failing: int
    passing: int
    asked: int
    exact: bool
    alternatives: tuple[Predicate, ...] = ()
    further_failing: int = 0

    @property
    def text(self) -> str:
        """The condition in words, with its counts and how sure it is."""
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
        What is known; at least one fails.
    fails : callable, optional
        Asks about a new case: True, False, or None where there is no telling. Without it nothing is asked, and the
        condition is uncertain unless it is ``always``.
    budget : int
        Most cases to run. A number, so that what is found does not depend on the speed of the machine.
    seed : int
        Of the choice of cases, which is random but repeatable.
    terms : frozenset of str
        Beginnings of columns that the diagnosis names; see `conformance.conditions.set_cover.smallest`.
    """
    known = dict.fromkeys(failing, True) | dict.fromkeys(passing, False)
    rows = {case: columns(case) for case in known}
    space = _space(known, rows, terms)
    if fails is None:
        return _explained(space, known, 0, 0, False)
    chance = random.Random(seed)
    asked = asked_failing = confirmed = tried = 0
    swept: set[Case] = set()
    stuck: set[int] = set()
    while space and asked < budget and tried < 10 * budget and confirmed < _SURE_AFTER:
        tried += 1
        case, kind = _next(space, known, swept, stuck, chance)
        if case is None:
            continue
        swept.add(case)
        answer = fails(case)
        if answer is None:
            continue
        asked += 1
        asked_failing += answer
        known[case], rows[case] = answer, columns(case)
        left = [predicate for predicate in space if predicate(rows[case]) == answer]
        # Only what is asked once nothing nearer was left to ask says that the condition is right.
        confirmed = confirmed + 1 if kind == "anywhere" and len(left) == len(space) else 0
        if not left:
            stuck.clear()
        space = left or _space(known, rows, terms)
    return _explained(space, known, asked, asked_failing, confirmed >= _SURE_AFTER)


def separating(
    some_failing: list[Row],
    some_passing: list[Row],
    failing: list[Row],
    passing: list[Row],
    *,
    terms: frozenset[str] = frozenset(),
) -> Predicate | None:
    """The smallest condition that separates all of the rows given, searched on some of them first.

    Rows that the first attempts overlook are added until it holds for all; None where nothing small does.
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


def _space(known: dict[Case, bool], rows: dict[Case, Row], terms: frozenset[str]) -> list[Predicate]:
    return smallest(
        [rows[case] for case, wrong in known.items() if wrong],
        [rows[case] for case, wrong in known.items() if not wrong],
        terms,
    )


def _explained(
    space: list[Predicate], known: dict[Case, bool], asked: int, asked_failing: int, exact: bool
) -> ConditionResult:
    wrong, sure = sum(known.values()), exact and bool(space)
    predicate = space[0] if space else None
    return ConditionResult(predicate, wrong, len(known) - wrong, asked, sure, tuple(space[1:4]), asked_failing)


def _next(
    space: list[Predicate], known: dict[Case, bool], swept: set[Case], stuck: set[int], chance: random.Random
) -> tuple[Case | None, str]:
    """The next case to ask: one that splits the conditions, else a single step from a failing case, else any."""
    best: tuple[float, Case] | None = None
    side, anywhere = chance.random() < 0.5, None
    some = space if len(space) <= 60 else [*space[:30], *chance.sample(space[30:], 30)]
    for case in pool(known, _numbers_near(some[:30]), chance):
        row = _row(case)
        share = sum(predicate(row) for predicate in some) / len(some)
        if case not in swept and 0 < share < 1 and (best is None or abs(share - 0.5) < best[0]):
            best = abs(share - 0.5), case
        if case not in swept and share == side and anywhere is None:
            anywhere = case
    if best is not None:
        return best[1], "decisive"
    # What the known cases always move together comes apart before anything else is tried; once for each space.
    if len(space) > 1 and len(space) not in stuck:
        apart = _apart(space, known, swept)
        if apart is not None:
            return apart, "decisive"
        stuck.add(len(space))
    bases: dict[int, Case] = {}
    for case, wrong in known.items():
        if wrong:
            bases.setdefault(case.rank, case)
    for base in bases.values():
        step = next((case for case in _all_steps(base, space[0]) if case not in known and case not in swept), None)
        if step is not None:
            return step, "step"
    return anywhere, "anywhere"


@lru_cache(maxsize=1 << 14)
def _row(case: Case) -> Row:
    return columns(case)


@lru_cache(maxsize=64)
def _all_steps(case: Case, predicate: Predicate) -> tuple[Case, ...]:
    return tuple(_steps(case, [predicate]))


def _apart(space: list[Predicate], known: dict[Case, bool], swept: set[Case]) -> Case | None:
    """A failing case with one parameter changed on which about half of the conditions disagree with the others.

    That tells parameters apart that the known cases always move together.
    """
    bases = sorted((case for case, wrong in known.items() if wrong), key=work_of)[:_BASES]
    # The plainest conditions matter most: one of them is going to be shown.
    some = space[:_BASES_CONDITIONS]
    best: tuple[float, Case] | None = None
    for base in bases:
        for case in _steps(base, some):
            if case in known or case in swept:
                continue
            row = _row(case)
            off = abs(sum(predicate(row) for predicate in some) / len(some) - 0.5)
            if off < 0.5 and (best is None or off < best[0]):
                best = off, case
            if off < _EVEN:
                return case
    return None if best is None else best[1]


def _steps(case: Case, space: Sequence[Predicate]) -> Iterator[Case]:
    """Cases one change away, on one axis or all: all values of the fields in conditions, few of the others."""
    atoms = list(dict.fromkeys(atom for predicate in space for term in predicate.terms for atom in term))
    named = {column for atom in atoms for column in atom.columns}
    for atom in atoms:
        if atom.to_column and atom.column in CHANGES and atom.value in CHANGES:
            # Equal at another value: a coincidence may matter at some sizes only.
            for value in (1, 2, 3):
                yield from filter(None, [replaced(case, {atom.column: value, atom.value: value})])
    if case.rank > 1:
        # The axes the other way round tell one axis from some axis.
        turned = {name: getattr(case, name) for name in SPATIAL}
        turned = {name: value[::-1] for name, value in turned.items() if isinstance(value, tuple)}
        yield from filter(None, [replaced(case, turned)])
    yield from _outputs(case, atoms)
    for name, values in CHANGES.items():
        stem = name.removesuffix("_size")
        near = [value for predicate in space for value in _near(predicate, stem)]
        wanted = (*near, *values) if _concerns(stem, named) else values[:2]
        for value in dict.fromkeys(wanted):
            yield from filter(None, [replaced(case, {name: spread(name, value, case.rank)})])
            if name in SPATIAL and isinstance(value, int) and case.rank > 1:
                for axis in range(case.rank):
                    whole = spread(name, value, case.rank)
                    own = getattr(case, name)
                    if isinstance(own, tuple):
                        mixed = tuple(whole[n] if n == axis else own[n] for n in range(case.rank))
                        yield from filter(None, [replaced(case, {name: mixed})])


def _outputs(case: Case, atoms: Iterable[Atom]) -> Iterator[Case]:
    """Cases whose output is as long as their input, on both sides of a bound of the output's length."""
    ones = (1,) * case.rank
    plain: dict[str, Any] = {
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
                yield from filter(None, [replaced(case, {**plain, "input_size": size}) for size in sizes])


def _concerns(stem: str, named: Iterable[str]) -> bool:
    """Whether some columns are about a field, or follow from it."""
    return any(stem in column or column.startswith(_FOLLOW.get(stem, stem)) for column in named)


def _near(predicate: Predicate, stem: str) -> Iterator[int]:
    """Numbers about those a condition compares with, and part of the way to them, which finds a threshold."""
    for atom in (atom for term in predicate.terms for atom in term):
        about = (stem, *_FOLLOW.get(stem, ()))
        if atom.column.startswith(about) and type(atom.value) is int and atom.value > 1:
            bound = atom.value
            values = (bound, bound + 1, bound - 1, bound // 2, bound * 3 // 4, bound * 7 // 8)
            # Twice the bound as well: beyond it, multiples may be well again.
            yield from dict.fromkeys((*values, 2 * bound, 2 * bound + 1))
        if atom.column.startswith(about) and atom.modulus:
            yield from (n * atom.modulus // 2 for n in (1, 2, 3, 4, 6))
            yield from (atom.modulus + 1, 2 * atom.modulus + 1)


def _numbers_near(space: Iterable[Predicate]) -> dict[str, tuple[Any, ...]]:
    """For each number of a case, values about those that some conditions compare it with."""
    space = list(space)
    found = {}
    for name in _NUMBERS:
        stem = name.removesuffix("_size")
        found[name] = tuple(dict.fromkeys(n for predicate in space for n in _near(predicate, stem)))[:16]
    return found
