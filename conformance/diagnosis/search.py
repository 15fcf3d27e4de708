"""The simplest explanation of a wrong output: single mistakes by their cost, then two together."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from conformance.diagnosis.match import Match
from conformance.diagnosis.mutations.problem import Problem, Solver
from conformance.diagnosis.mutations.registry import Variation, join_words, variations
from conformance.diagnosis.mutations.special_values import multiplying_zeros

__all__ = ["Explanation", "Search", "deduplicate"]

# Products that a search may compute, and output elements that it may compare. Mistakes that only arrange computed
# products differently compute none.
_BUDGET = 1e8
# A sum over all positions does not show where they were, only which are missing.
_UNSEEN = ("shift", "output_dropped")


@dataclass(frozen=True)
class Explanation:
    """One or two mistakes that together reproduce an output."""

    parts: tuple[Variation, ...]

    def __call__(self, problem: Problem) -> Problem:
        """Make the mistakes."""
        for part in self.parts:
            problem = part.apply(problem)
        return problem

    @property
    def transform(self) -> str:
        """Names of the transformations, joined by a plus sign."""
        return "+".join(part.transform for part in self.parts)

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes involved, outermost first."""
        involved = {name for part in self.parts for name in part.axes}
        return tuple(sorted(involved, key="DHW".index))

    @property
    def text(self) -> str:
        """Text that completes "equals the expected output with"."""
        return join_words([part.text for part in self.parts])

    @property
    def sentence(self) -> str:
        """A full sentence for a single mistake that has one; empty for the others."""
        return self.parts[0].sentence if len(self.parts) == 1 else ""


class Search:
    """Explanations of one output, in stages of growing complexity.

    The number of products evaluated is bounded, so that a diagnosis stays well below a second.
    """

    def __init__(self, match: Match) -> None:
        self.match = match
        self._solver = Solver()
        self._candidates = [
            v for v in variations(match.problem) if match.names != ("db",) or v.transform not in _UNSEEN
        ]

    def single(self) -> list[Explanation]:
        """All explanations by one mistake, of the lowest cost at which there are any."""
        found: list[Explanation] = []
        for start, cost in itertools.product(self._starts(), sorted({way.cost for way in self._candidates})):
            found = [
                Explanation((variation,))
                for variation in self._candidates
                if variation.cost == cost and self.match.fits(variation.apply, self._solver, start, budget=_BUDGET)
            ]
            if found:
                break
        return found

    def _starts(self) -> list[Problem]:
        """The case as the rules compute it, and with infinity or NaN times inserted zeros, which they allow."""
        problem = self.match.problem
        special = not (np.isfinite(problem.x).all() and np.isfinite(problem.w).all())
        if special and self.match.case.direction == "fwd" and not self.match.case.format.is_complex:
            return [problem, problem.but(compute=_multiplied_once(problem))]
        return [problem]

    def any(self) -> bool:
        """Whether any one mistake explains the output."""
        return any(self.match.fits(way.apply, self._solver, budget=_BUDGET) for way in self._candidates)

    def double(self) -> list[Explanation]:
        """All explanations by two mistakes that are common enough to come together."""
        found: list[Explanation] = []
        common = [variation for variation in self._candidates if variation.combines]
        # Mistakes that are registered first concern the place of the output, and are made last.
        for n, second in enumerate(common):
            try:
                start = second.apply(self.match.problem)
            except (ValueError, IndexError):
                continue
            for first in common[:n]:
                if first.transform == second.transform:
                    continue
                pair = Explanation((second, first))
                change, problem = (first.apply, start) if self.match.exact else (pair, None)
                if self.match.fits(change, self._solver, problem, budget=2 * _BUDGET):
                    found.append(pair)
        return found


def _multiplied_once(start: Problem) -> Callable[[Problem], np.ndarray]:
    """The full result with inserted zeros multiplied, for mistakes that only place or change it.

    To multiply them takes long, so that it is done once.
    """
    full = cache(lambda: multiplying_zeros(start))

    def compute(changed: Problem) -> np.ndarray:
        unchanged = ("x", "w", "stride", "dilation", "groups")
        if any(getattr(changed, name) is not getattr(start, name) for name in unchanged):
            raise ValueError("the products themselves are changed")
        return full()

    return compute


def deduplicate(found: list[Explanation]) -> list[Explanation]:
    """Keep the first of the explanations that differ only in their text."""
    kept: dict[Any, Explanation] = {}
    for explanation in found:
        kept.setdefault((frozenset(explanation.transform.split("+")), explanation.axes), explanation)
    return list(kept.values())
