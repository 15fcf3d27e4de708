"""The simplest explanation of a wrong answer: single mistakes by their cost, then two together.

Everything found at the lowest cost is kept. Where several explanations remain, the adapter is asked neighbouring
questions in which they would answer differently; what cannot be told apart even so is reported side by side.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adapters.process import Host
from cases.case import Case
from cases.data import make_tensors
from cases.errors import CaseError, DomainError
from conformance.diagnosis.match import Match
from conformance.diagnosis.problem import Problem, Solver, Tensors, laid_out
from conformance.diagnosis.transforms import Variation, listed, variations

__all__ = ["Explanation", "Search", "distinguish", "once"]

# Products that a search may compute, and elements of answers that it may look at; mistakes that only look at
# known products differently compute none.
_BUDGET = 1e8
_MAX_ASKED = 6
_MAX_CONSIDERED = 24
_MAX_NEIGHBOUR_WORK = 1 << 20


@dataclass(frozen=True)
class Explanation:
    """One or two mistakes that together reproduce an answer."""

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
        """Words that complete "equals the oracle with"."""
        return listed([part.text for part in self.parts])


class Search:
    """Explanations of one answer, in stages of growing complexity.

    The number of products evaluated is bounded, so that a diagnosis stays well below a second.
    """

    def __init__(self, match: Match) -> None:
        self.match = match
        self._solver = Solver()
        self._known = list(variations(match.problem))

    def single(self) -> list[Explanation]:
        """All explanations by one mistake, of the lowest cost at which there are any."""
        found: list[Explanation] = []
        for cost in sorted({variation.cost for variation in self._known}):
            found = [
                Explanation((variation,))
                for variation in self._known
                if variation.cost == cost and self.match.fits(variation.apply, self._solver, budget=_BUDGET)
            ]
            if found:
                break
        return found

    def double(self) -> list[Explanation]:
        """All explanations by two mistakes that are common enough to come together."""
        found: list[Explanation] = []
        common = [variation for variation in self._known if variation.combines]
        # What was registered first is about the place of the output, and done last.
        for n, second in enumerate(common):
            try:
                start = second.apply(self.match.problem)
            except (ValueError, IndexError):
                continue
            for first in common[:n]:
                if first.transform == second.transform:
                    continue
                pair = Explanation((second, first))
                change, begin = (first.apply, start) if self.match.exact else (pair, None)
                if self.match.fits(change, self._solver, begin, budget=2 * _BUDGET):
                    found.append(pair)
        return found


def once(found: list[Explanation]) -> list[Explanation]:
    """Explanations that differ in nothing but their words once, the first of them."""
    kept: dict[Any, Explanation] = {}
    for explanation in found:
        kept.setdefault((frozenset(explanation.transform.split("+")), explanation.axes), explanation)
    return list(kept.values())


def distinguish(match: Match, found: list[Explanation], host: Host) -> list[Explanation]:
    """Ask neighbouring questions until one explanation predicts more answers than the others.

    Parameters
    ----------
    match : Match
        The question and the answer that all of the explanations reproduce.
    found : list of Explanation
        At least one.
    host : Host
        The adapter.

    Returns
    -------
    list of Explanation
        Those that predicted the most answers; the first is the diagnosis, the others could not be told apart.
    """
    asked, score = 0, [(0, 0)] * len(found)
    for case in itertools.islice(_neighbours(match.case), _MAX_CONSIDERED):
        leaders = [n for n, points in enumerate(score) if points == max(score)]
        if len(leaders) == 1 or asked == _MAX_ASKED:
            break
        tensors = make_tensors(case)
        predictions = _predictions(case, tensors, found)
        if len({_fingerprint(predictions[n]) for n in leaders}) < 2:
            continue
        reply = host.ask(case, tensors)
        asked += 1
        if reply.kind != "answer":
            continue
        got = laid_out(case, reply.tensors)
        right = Solver()(Problem.of(case, tensors))
        wrong = not all(name in got and _same(match, right[name], got[name]) for name in match.names)
        for n, prediction in enumerate(predictions):
            if all(name in got and _same(match, prediction[name], got[name]) for name in match.names):
                # A right answer says less: a mistake may be made on some questions only.
                score[n] = score[n][0] + wrong, score[n][1] + (not wrong)
    return [found[n] for n, points in enumerate(score) if points == max(score)]


def _same(match: Match, predicted: np.ndarray, got: np.ndarray) -> bool:
    if predicted.shape != got.shape:
        return False
    if match.exact:
        return bool(np.array_equal(predicted, got, equal_nan=True))
    return bool(
        np.allclose(predicted, got, rtol=1e-2, atol=1e-2 * np.abs(predicted).max(initial=0), equal_nan=True)
    )


def _predictions(case: Case, tensors: Tensors, found: list[Explanation]) -> list[Tensors]:
    """What each explanation says about a question: the oracle's answer where the mistake changes nothing."""
    problem, solver = Problem.of(case, tensors), Solver()
    wanted = {part.key for explanation in found for part in explanation.parts}
    known = {variation.key: variation for variation in variations(problem) if variation.key in wanted}
    predictions = []
    for explanation in found:
        parts = tuple(known[part.key] for part in explanation.parts if part.key in known)
        try:
            predictions.append(solver(Explanation(parts)(problem)))
        except (ValueError, IndexError):
            predictions.append(solver(problem))
    return predictions


def _fingerprint(prediction: Tensors) -> tuple[Any, ...]:
    return tuple((name, array.shape, array.tobytes()) for name, array in sorted(prediction.items()))


def _neighbours(case: Case) -> Iterator[Case]:
    """Questions a step away, nearest first: other data, then one number changed, then two."""
    rank = case.rank
    steps = (1, 2, 3)[:rank]

    def plus(values: tuple[int, ...], by: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(v + n for v, n in zip(values, by, strict=True))

    changes: list[dict[str, Any]] = [
        {"seed": case.seed + 1},
        {"input_size": plus(case.input_size, (1,) * rank)},
        {"input_size": plus(case.input_size, steps)},
        {"kernel_size": plus(case.kernel_size, (1,) * rank)},
        {"kernel_size": plus(case.kernel_size, (2,) * rank)},
        {"kernel_size": plus(case.kernel_size, steps)},
        {"stride": plus(case.stride, (1,) * rank)},
        {"stride": plus(case.stride, steps)},
        {"stride": plus(case.stride, steps[::-1])},
        {"dilation": plus(case.dilation, (1,) * rank)},
        {"dilation": plus(case.dilation, steps)},
        {"dilation": plus(case.dilation, steps[::-1])},
        {"in_channels": 2 * case.in_channels},
        {"out_channels": 2 * case.out_channels},
        {"in_channels": 3 * case.in_channels, "out_channels": 2 * case.out_channels},
        {"batch": case.batch + 1},
    ]
    if not isinstance(case.padding, str):
        grown = tuple((low, high + 1) for low, high in case.padding)
        changes += [{"padding": grown}, {"padding": tuple((high, low) for low, high in grown)}]
        changes += [{"padding": tuple((low + 1, high + 1) for low, high in case.padding)}]
    if case.output_padding is not None:
        changes.append({"output_padding": plus(case.output_padding, (1,) * rank)})
    pairs = [{**a, **b} for a, b in itertools.combinations(changes, 2) if not a.keys() & b.keys()]
    for change in (*changes, *pairs):
        try:
            neighbour = replace(case, **change)
            size = math.prod(neighbour.output_shape) * math.prod(neighbour.weight_shape)
        except (CaseError, DomainError):
            continue
        if size > max(_MAX_NEIGHBOUR_WORK, 8 * math.prod(case.output_shape) * math.prod(case.weight_shape)):
            continue
        yield neighbour
