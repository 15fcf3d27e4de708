"""How much of the domain a list of cases covers: t-way coverage, counted by brute force.

A t-way combination is a choice of t factors and one class of each. It is required if any row of classes that
satisfies the constraints contains it, and covered if any case does (D. R. Kuhn, R. N. Kacker and Y. Lei,
Practical Combinatorial Testing, NIST SP 800-142, 2010, section 6: simple t-way combination coverage).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from conformance.cases.case import Case
from conformance.cases.design.domain import FACTORS, SPACES, Row, classify

__all__ = ["Coverage", "count", "coverage", "level_numbers"]


@dataclass(frozen=True)
class Coverage:
    """Achieved t-way coverage.

    Attributes
    ----------
    strength : int
        t, the number of factors combined.
    required, covered : int
        Number of combinations.
    missing : tuple of dict
        The first combinations that no case has, from factor to class.
    """

    strength: int
    required: int
    covered: int
    missing: tuple[dict[str, str], ...]

    @property
    def share(self) -> float:
        """Covered combinations as a share of the required ones, 0 to 1."""
        return self.covered / self.required


_NAMES = tuple(FACTORS)
_SIZES = tuple(len(factor.levels) for factor in FACTORS.values())
_UNKNOWN = -1


@cache
def _allowed(space: str) -> np.ndarray:
    """Which rows of classes a space allows: one flag per row, with one axis per factor.

    A factor that no constraint names has an axis of length one: each of its classes combines with everything.
    """
    named = {name for combination in SPACES[space].forbidden for name in combination}
    sizes = [size if name in named else 1 for name, size in zip(_NAMES, _SIZES, strict=True)]
    allowed = np.ones(sizes, dtype=bool)
    for combination in SPACES[space].forbidden:
        index = [FACTORS[n].levels.index(combination[n]) if n in combination else slice(None) for n in _NAMES]
        allowed[tuple(index)] = False
    return allowed


def level_numbers(rows: Iterable[Row]) -> np.ndarray:
    """Rows of classes as numbers of levels, one column per factor."""
    numbers = [{level: number for number, level in enumerate(factor.levels)} for factor in FACTORS.values()]
    table = [[of_level.get(row[n], _UNKNOWN) for n, of_level in zip(_NAMES, numbers, strict=True)] for row in rows]
    return np.array(table, dtype=np.int8).reshape(-1, len(_NAMES))


@cache
def _required(space: str, columns: tuple[int, ...]) -> np.ndarray:
    """Which combinations of classes of some factors any allowed row contains, one flag per combination."""
    others = tuple(column for column in range(len(_NAMES)) if column not in columns)
    flags = _allowed(space).any(axis=others)
    return np.broadcast_to(flags, [_SIZES[column] for column in columns]).ravel()


def coverage(cases: Iterable[Case], strength: int, space: str = "whole", *, examples: int = 10) -> Coverage:
    """Count the t-way coverage of a list of cases.

    Parameters
    ----------
    cases : iterable of Case
        Any cases; classes outside the domain's levels cover nothing.
    strength : int
        t, from 1 to the number of factors.
    space : str
        A name in ``conformance.cases.design.domain.SPACES``.
    examples : int
        How many missing combinations to name.

    Returns
    -------
    Coverage
        The counts.
    """
    return count(level_numbers(map(classify, cases)), strength, space, examples=examples)


def count(table: np.ndarray, strength: int, space: str, *, examples: int = 10) -> Coverage:
    """`coverage` of cases whose classes are known, as `level_numbers` gives them."""
    required = covered = 0
    missing: list[dict[str, str]] = []
    for columns in itertools.combinations(range(len(_NAMES)), strength):
        sizes = [_SIZES[column] for column in columns]
        is_required = _required(space, columns)
        part = table[:, columns]
        part = part[(part != _UNKNOWN).all(axis=1)]
        # A combination's number is the mixed-radix number of its levels.
        is_covered = np.zeros(len(is_required), dtype=bool)
        is_covered[np.ravel_multi_index(tuple(part.T), sizes)] = True
        required += int(is_required.sum())
        covered += int((is_required & is_covered).sum())
        if len(missing) < examples:
            for code in np.flatnonzero(is_required & ~is_covered)[: examples - len(missing)]:
                levels = np.unravel_index(code, sizes)
                missing.append(
                    {_NAMES[c]: FACTORS[_NAMES[c]].levels[int(n)] for c, n in zip(columns, levels, strict=True)}
                )
    return Coverage(strength, required, covered, tuple(missing))
