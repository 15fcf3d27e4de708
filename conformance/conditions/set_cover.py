"""The smallest conjunctions of atoms that hold for every failing case and for no passing one.

Each atom of such a conjunction holds for all failing cases; together they must exclude every passing case. That is
a set cover, searched by size. Few atoms exclude the hardest passing case, and the search branches over those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from conformance.cases.columns import Row
from conformance.conditions.atoms import OPERATORS, Atom, Predicate, atoms

__all__ = ["smallest"]

_MAX_WEIGHT = 8  # four plain comparisons
_MAX_UNNAMED = 4  # so that four plain comparisons still fit if the diagnosis names none of them
_MAX_FOUND = 400
_MAX_STEPS = 100_000
_PLAIN = 1.2


def smallest(
    failing: Sequence[Row], passing: Sequence[Row], terms: frozenset[str] = frozenset()
) -> list[Predicate]:
    """Every conjunction of the smallest size that separates, plainest first; at most a few hundred.

    Where no conjunction of up to four plain atoms separates them, a disjunction of such conjunctions, found one by
    one; an empty list where that fails as well.

    Parameters
    ----------
    failing, passing : sequence of dict
        Columns of cases.
    terms : frozenset of str
        First parts of names of columns. An atom over other columns counts as larger, so that conditions in these
        terms come first.
    """
    if not passing:
        return [Predicate(((),))]
    candidates = atoms([*failing, *passing], failing)
    of_failing, of_passing = _table(candidates, failing), _table(candidates, passing)
    conjunctions = _conjunctions(candidates, of_failing, of_passing, terms)
    return conjunctions or _disjunction(candidates, of_failing, of_passing, terms)


def _size(atom: Atom, terms: frozenset[str]) -> int:
    """Its share of the size of a condition: more for a coincidence, and if the diagnosis names no column."""
    named = not terms or any(
        column.startswith(tuple(terms)) or (column.startswith("axes_") and any(term in column for term in terms))
        for column in atom.columns
    )
    return atom.weight + atom.coincidental + (not named)


def _table(candidates: Sequence[Atom], rows: Sequence[Row]) -> np.ndarray:
    """Which atoms (rows of the table) hold for which cases (columns).

    Each column is compared for all cases at once, which takes a fourteenth of the time of calling the atoms.
    """
    columns = {name: _column(rows, name) for name in {name for atom in candidates for name in atom.columns}}
    table = np.zeros((len(candidates), len(rows)), bool)
    for atom, holds in zip(candidates, table, strict=True):
        left, known = columns[atom.column]
        right = atom.value
        if atom.to_column:
            right, right_known = columns[atom.value]
            known = known & right_known
        if atom.modulus:
            left = left % atom.modulus
        holds[:] = OPERATORS[atom.sign](left, right) & known
    return table


def _column(rows: Sequence[Row], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The values of a column, and which of them are known: a comparison with NULL is false."""
    values = [row[name] for row in rows]
    known = np.array([value is not None for value in values], bool)
    if any(isinstance(value, str) for value in values):
        return np.array(values, object), known
    return np.array([0 if value is None else value for value in values], np.int64), known


def _conjunctions(
    candidates: list[Atom],
    failing: np.ndarray,
    passing: np.ndarray,
    terms: frozenset[str],
    effort: int = _MAX_STEPS,
) -> list[Predicate]:
    keep = failing.all(axis=1) & ~passing.all(axis=1)
    usable = [candidates[n] for n in np.flatnonzero(keep)]
    excluded = ~passing[keep]
    # A passing case that few atoms exclude decides most. Equal columns of the table are redundant.
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
        search = _CoverSearch(masks=masks, weights=weights, everyone=everyone, by_case=by_case, steps_left=effort)
        search.extend((), covered=0, room=size)
        if search.covers:
            predicates = [Predicate((_ordered(usable[n] for n in cover),)) for cover in search.covers]
            return sorted(predicates, key=lambda predicate: (predicate.cost, str(predicate)))
    return []


@dataclass(kw_only=True)
class _CoverSearch:
    """A depth-first search for the sets of atoms of one size that exclude every passing case.

    Attributes
    ----------
    masks, weights : list of int
        For each atom, the passing cases that it excludes, as bits, and its size.
    everyone : int
        The bits of all passing cases.
    by_case : list of (int, numpy.ndarray)
        The bit of each passing case, and the atoms that exclude it; the cases with the fewest atoms first.
    steps_left : int
        Atoms that may still be tried.
    covers : set of tuple of int
        The sets found so far.
    """

    masks: list[int]
    weights: list[int]
    everyone: int
    by_case: list[tuple[int, np.ndarray]]
    steps_left: int
    covers: set[tuple[int, ...]] = field(default_factory=set)

    def extend(self, chosen: tuple[int, ...], *, covered: int, room: int) -> None:
        """Add atoms of a total size up to ``room`` to those chosen, which exclude the cases in ``covered``."""
        if covered == self.everyone:
            self.covers.add(tuple(sorted(chosen)))
            return
        options = next(indices for bit, indices in self.by_case if not covered & bit)
        for index in options.tolist():
            if self.weights[index] > room:
                continue
            self.steps_left -= 1
            if self.steps_left < 0 or len(self.covers) >= _MAX_FOUND:
                return
            left = room - self.weights[index]
            self.extend((*chosen, index), covered=covered | self.masks[index], room=left)


def _ordered(chosen: Iterable[Atom]) -> tuple[Atom, ...]:
    return tuple(sorted(chosen, key=lambda atom: (atom.order, str(atom))))


def _disjunction(
    candidates: list[Atom], failing: np.ndarray, passing: np.ndarray, named: frozenset[str]
) -> list[Predicate]:
    """Up to three conjunctions that together hold for all failing cases; each holds for as many as it can."""
    terms: list[tuple[Atom, ...]] = []
    place = {atom: n for n, atom in enumerate(candidates)}
    left = failing
    while left.shape[1] and len(terms) < 3:
        best: tuple[int, float, tuple[Atom, ...]] | None = None
        for atom, of_left, of_passing in zip(candidates, left, passing, strict=True):
            if atom.cost > _PLAIN or not of_left.any() or of_left.all():
                continue
            conjunctions = [Predicate(((),))]
            if of_passing.any():
                conjunctions = _conjunctions(
                    candidates, left[:, of_left], passing[:, of_passing], named, _MAX_STEPS // 100
                )
            for predicate in conjunctions[:1]:
                term = _ordered(dict.fromkeys((atom, *predicate.terms[0])))
                score = (-int(of_left.sum()), sum(a.cost for a in term), term)
                if best is None or score[:2] < best[:2]:
                    best = score
        if best is None:
            return []
        terms.append(best[2])
        left = left[:, ~left[[place[atom] for atom in best[2]]].all(axis=0)]
        closing = _conjunctions(candidates, left, passing, named) if left.shape[1] else []
        if closing:
            return [Predicate((*terms, closing[0].terms[0]))]
    return [] if left.shape[1] else [Predicate(tuple(terms))]
