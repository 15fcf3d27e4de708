"""The simplest explanation of a wrong output: single mistakes by their cost, then two together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.diagnosis.match import Match
from conformance.diagnosis.mutations.problem import Problem, Solver
from conformance.diagnosis.mutations.registry import Variation, join_words, variations

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
        for cost in sorted({variation.cost for variation in self._candidates}):
            found = [
                Explanation((variation,))
                for variation in self._candidates
                if variation.cost == cost and self.match.fits(variation.apply, self._solver, budget=_BUDGET)
            ]
            if found:
                break
        return found

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


def deduplicate(found: list[Explanation]) -> list[Explanation]:
    """Keep the first of the explanations that differ only in their text."""
    kept: dict[Any, Explanation] = {}
    for explanation in found:
        kept.setdefault((frozenset(explanation.transform.split("+")), explanation.axes), explanation)
    return list(kept.values())
