"""The smallest conjunctions of atoms that hold for every failing case and for no passing one.

An atom of such a conjunction holds for all failing cases; together they must leave out every passing case. That is
a set cover, searched by size: some passing case must be left out by one of few atoms, which is where it branches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from conformance.conditions.atoms import Atom, Predicate, Row, atoms

__all__ = ["smallest"]

_MAX_WEIGHT = 8  # four plain comparisons
_MAX_UNNAMED = 4  # so that four plain comparisons still fit where a diagnosis names none of them
_MAX_FOUND = 400
_MAX_STEPS = 100_000
_PLAIN = 1.2


def smallest(
    failing: Sequence[Row], passing: Sequence[Row], terms: frozenset[str] = frozenset()
) -> list[Predicate]:
    """Every conjunction of the smallest size that separates, plainest first; at most some hundreds.

    Where no conjunction of up to four plain atoms does, a disjunction of such conjunctions found one by one; an
    empty list where that fails as well.

    Parameters
    ----------
    failing, passing : sequence of dict
        Columns of cases.
    terms : frozenset of str
        Beginnings of columns: an atom over none of them counts as larger, so that conditions in these terms come
        first.
    """
    if not passing:
        return [Predicate(((),))]
    known = atoms([*failing, *passing], failing)
    of_failing, of_passing = _table(known, failing), _table(known, passing)
    found = _conjunctions(known, of_failing, of_passing, terms)
    return found or _disjunction(known, of_failing, of_passing, terms)


def _size(atom: Atom, terms: frozenset[str]) -> int:
    """Its share of the size of a condition: more for a coincidence, and for what the diagnosis does not name."""
    named = not terms or any(
        column.startswith(tuple(terms)) or (column.startswith("axes_") and any(term in column for term in terms))
        for column in atom.columns
    )
    return atom.weight + atom.coincidental + (not named)


def _table(known: Sequence[Atom], rows: Sequence[Row]) -> np.ndarray:
    """Which atoms (rows of the table) hold for which cases (columns).

    An atom reads one column or two, which hold few different values: it is asked once for each.
    """
    table = np.zeros((len(known), len(rows)), bool)
    kinds: dict[tuple[str, ...], tuple[list[Row], np.ndarray]] = {}
    for atom, holds in zip(known, table, strict=True):
        if atom.columns not in kinds:
            kinds[atom.columns] = _different(rows, atom.columns)
        samples, kind = kinds[atom.columns]
        holds[:] = np.array([atom(row) for row in samples], bool)[kind]
    return table


def _different(rows: Sequence[Row], columns: tuple[str, ...]) -> tuple[list[Row], np.ndarray]:
    """One case for each different content of columns, and which of them stands for each case."""
    numbers: dict[tuple[Any, ...], int] = {}
    samples: list[Row] = []
    kind = np.empty(len(rows), int)
    for n, row in enumerate(rows):
        content = tuple(row[column] for column in columns)
        if content not in numbers:
            numbers[content] = len(samples)
            samples.append(row)
        kind[n] = numbers[content]
    return samples, kind


def _conjunctions(
    known: list[Atom], failing: np.ndarray, passing: np.ndarray, terms: frozenset[str], effort: int = _MAX_STEPS
) -> list[Predicate]:
    keep = failing.all(axis=1) & ~passing.all(axis=1)
    usable = [known[n] for n in np.flatnonzero(keep)]
    excluded = ~passing[keep]
    # A passing case that few atoms leave out decides most; equal columns say the same thing twice.
    distinct = np.unique(excluded, axis=1) if excluded.size else excluded
    if not distinct.size or not distinct.any(axis=0).all():
        return []
    masks = [int.from_bytes(np.packbits(row).tobytes(), "big") for row in distinct]
    everyone = int.from_bytes(np.packbits(np.ones(distinct.shape[1], bool)).tobytes(), "big")
    width = -(-distinct.shape[1] // 8) * 8
    by_case = [(1 << (width - 1 - n), np.flatnonzero(distinct[:, n])) for n in range(distinct.shape[1])]
    by_case.sort(key=lambda pair: len(pair[1]))
    weights = [_size(atom, terms) for atom in usable]
    for size in range(2, _MAX_WEIGHT + (_MAX_UNNAMED if terms else 0) + 1):
        steps = [effort]
        covers: set[tuple[int, ...]] = set()
        _extend((), 0, size, masks, weights, everyone, by_case, covers, steps)
        if covers:
            predicates = [Predicate((_ordered(usable[n] for n in cover),)) for cover in covers]
            return sorted(predicates, key=lambda predicate: (predicate.cost, str(predicate)))
    return []


def _extend(
    chosen: tuple[int, ...],
    covered: int,
    room: int,
    masks: list[int],
    weights: list[int],
    everyone: int,
    by_case: list[tuple[int, np.ndarray]],
    covers: set[tuple[int, ...]],
    steps: list[int],
) -> None:
    if covered == everyone:
        covers.add(tuple(sorted(chosen)))
        return
    options = next(indices for bit, indices in by_case if not covered & bit)
    for index in options.tolist():
        if weights[index] > room:
            continue
        steps[0] -= 1
        if steps[0] < 0 or len(covers) >= _MAX_FOUND:
            return
        left = room - weights[index]
        _extend((*chosen, index), covered | masks[index], left, masks, weights, everyone, by_case, covers, steps)


def _ordered(chosen: Iterable[Atom]) -> tuple[Atom, ...]:
    return tuple(sorted(chosen, key=lambda atom: (atom.order, str(atom))))


def _disjunction(
    known: list[Atom], failing: np.ndarray, passing: np.ndarray, named: frozenset[str]
) -> list[Predicate]:
    """Up to three conjunctions that together hold for all failing cases; each takes the most it can."""
    terms: list[tuple[Atom, ...]] = []
    place = {atom: n for n, atom in enumerate(known)}
    left = failing
    while left.shape[1] and len(terms) < 3:
        best: tuple[int, float, tuple[Atom, ...]] | None = None
        for atom, of_left, of_passing in zip(known, left, passing, strict=True):
            if atom.cost > _PLAIN or not of_left.any() or of_left.all():
                continue
            found = [Predicate(((),))]
            if of_passing.any():
                found = _conjunctions(known, left[:, of_left], passing[:, of_passing], named, _MAX_STEPS // 100)
            for predicate in found[:1]:
                term = _ordered(dict.fromkeys((atom, *predicate.terms[0])))
                score = (-int(of_left.sum()), sum(a.cost for a in term), term)
                if best is None or score[:2] < best[:2]:
                    best = score
        if best is None:
            return []
        terms.append(best[2])
        left = left[:, ~left[[place[atom] for atom in best[2]]].all(axis=0)]
        closing = _conjunctions(known, left, passing, named) if left.shape[1] else []
        if closing:
            return [Predicate((*terms, closing[0].terms[0]))]
    return [] if left.shape[1] else [Predicate(tuple(terms))]
