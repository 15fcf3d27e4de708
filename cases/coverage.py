"""How much of the domain a list of cases covers: t-way coverage, counted by brute force.

A t-way combination is a choice of t factors and one class of each. It is required if any row of classes that
satisfies the constraints contains it, and covered if any case does (D. R. Kuhn, R. N. Kacker and Y. Lei,
Practical Combinatorial Testing, NIST SP 800-142, 2010, section 6: simple t-way combination coverage).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from cases.case import Case
from cases.domain import FACTORS, SPACES, classify

__all__ = ["Coverage", "coverage"]


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


@lru_cache(maxsize=8)
def _rows_of(space: str) -> np.ndarray:
    """Every row of classes that a space allows, as level numbers (rows, factors)."""
    rows = np.indices(_SIZES, dtype=np.int8).reshape(len(_SIZES), -1).T
    keep = np.ones(len(rows), dtype=bool)
    for combination in SPACES[space].forbidden:
        hit = np.ones(len(rows), dtype=bool)
        for name, level in combination.items():
            column = _NAMES.index(name)
            hit &= rows[:, column] == FACTORS[name].levels.index(level)
        keep &= ~hit
    return np.asfortranarray(rows[keep])  # columns are read one by one


def _numbers(cases: Iterable[Case]) -> np.ndarray:
    table = []
    for case in cases:
        row = classify(case)
        levels = [FACTORS[name].levels for name in _NAMES]
        table.append(
            [known.index(row[n]) if row[n] in known else _UNKNOWN for n, known in zip(_NAMES, levels, strict=True)]
        )
    return np.array(table, dtype=np.int8).reshape(-1, len(_NAMES))


@cache
def _required(space: str, columns: tuple[int, ...]) -> np.ndarray:
    """Which combinations of classes of some factors any allowed row contains, one flag a combination."""
    sizes = [_SIZES[column] for column in columns]
    flags = np.zeros(math.prod(sizes), dtype=bool)
    flags[np.ravel_multi_index(tuple(_rows_of(space)[:, columns].T), sizes)] = True
    return flags


def coverage(cases: Iterable[Case], strength: int, space: str = "whole", *, examples: int = 10) -> Coverage:
    """Count the t-way coverage of a list of cases.

    Parameters
    ----------
    cases : iterable of Case
        Any cases; classes outside the domain's levels cover nothing.
    strength : int
        t, from 1 to the number of factors.
    space : str
        A name in ``cases.domain.SPACES``.
    examples : int
        How many missing combinations to name.

    Returns
    -------
    Coverage
        The counts.
    """
    table = _numbers(cases)
    required = covered = 0
    missing: list[dict[str, str]] = []
    for columns in itertools.combinations(range(len(_NAMES)), strength):
        sizes = [_SIZES[column] for column in columns]
        wanted = _required(space, columns)
        part = table[:, columns]
        part = part[(part != _UNKNOWN).all(axis=1)]
        found = np.zeros(len(wanted), dtype=bool)
        found[np.ravel_multi_index(tuple(part.T), sizes)] = True
        required += int(wanted.sum())
        covered += int((wanted & found).sum())
        if len(missing) < examples:
            for code in np.flatnonzero(wanted & ~found)[: examples - len(missing)]:
                levels = np.unravel_index(code, sizes)
                missing.append(
                    {_NAMES[c]: FACTORS[_NAMES[c]].levels[int(n)] for c, n in zip(columns, levels, strict=True)}
                )
    return Coverage(strength, required, covered, tuple(missing))
