"""Explanations told apart: the adapter is asked neighbouring questions that they would answer differently.

What cannot be told apart even so is reported side by side.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from adapters.process import Host
from cases.case import Case
from cases.data import DATA_KINDS, make_tensors
from cases.errors import CaseError, DomainError
from conformance.diagnosis.match import Match
from conformance.diagnosis.problem import Problem, Solver, Tensors, laid_out
from conformance.diagnosis.search import Explanation
from conformance.diagnosis.transforms import variations

__all__ = ["distinguish"]

_MAX_ASKED = 8
# Questions that are looked at for one that tells more apart, and how many without finding a better one.
_MAX_CONSIDERED = 60
_MAX_IDLE = 12
_MAX_NEIGHBOUR_WORK = 1 << 20


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
    score = [(0, 0)] * len(found)
    left = _neighbours(match.case)
    considered: list[tuple[Case, list[Tensors]]] = []
    for _ in range(_MAX_ASKED):
        # A right answer says less, because a mistake may be made on some questions only: it settles what wrong
        # answers leave open.
        most = max(wrong for wrong, _ in score)
        leaders = [n for n, (wrong, _) in enumerate(score) if wrong == most]
        if len(leaders) == 1:
            break
        best = _most_telling(considered, left, found, leaders)
        if best is None:
            break
        case, predictions = considered.pop(best)
        tensors = make_tensors(case)
        reply = host.ask(case, tensors)
        if reply.kind != "answer":
            continue
        got = laid_out(case, reply.tensors)
        right = Solver()(Problem.of(case, tensors))
        wrong = not all(name in got and _same(match, right[name], got[name]) for name in match.names)
        for n, prediction in enumerate(predictions):
            if all(name in got and _same(match, prediction[name], got[name]) for name in match.names):
                score[n] = score[n][0] + wrong, score[n][1] + (not wrong)
    return [found[n] for n, points in enumerate(score) if points == max(score)]


def _most_telling(
    considered: list[tuple[Case, list[Tensors]]],
    left: Iterator[Case],
    found: list[Explanation],
    leaders: list[int],
) -> int | None:
    """The place of the question whose answer splits the leading explanations into most parts; None for no such.

    More questions are considered until one tells all of them apart, or there are many.
    """
    best, most = None, 1
    for place in itertools.count():
        if place == len(considered):
            enough = best is not None and place - best > _MAX_IDLE
            case = next(left, None) if len(considered) < _MAX_CONSIDERED and not enough else None
            if case is None:
                return best
            considered.append((case, _predictions(case, make_tensors(case), found)))
        parts = len({_fingerprint(considered[place][1][n]) for n in leaders})
        if parts > most:
            best, most = place, parts
        if parts == len(leaders):
            return place
    return best


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
    names = frozenset(part.transform for explanation in found for part in explanation.parts)
    wanted = {part.key for explanation in found for part in explanation.parts}
    those = variations(problem.but(wanted=names))
    known = {variation.key: variation for variation in those if variation.key in wanted}
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
    changes = list(_changes(case))
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


def _changes(case: Case) -> Iterator[dict[str, Any]]:
    """Fields to change, one at a time but for the last; each axis by another step where it matters."""
    rank = case.rank
    steps = (1, 2, 3)[:rank]

    def plus(name: str, by: tuple[int, ...]) -> dict[str, Any]:
        return {name: tuple(v + n for v, n in zip(getattr(case, name), by, strict=True))}

    yield {"seed": case.seed + 1}
    if DATA_KINDS[case.data].judged not in ("exact", "bound"):
        # Special values may hide what else is wrong, or be all that is.
        yield from ({"data": kind} for kind in ("ints", "naninput", "nanbias", "infweight") if kind != case.data)
    if isinstance(case.padding, str):
        yield {"padding": tuple((n, 2 * n + 1) for n in reversed(steps))}
    else:
        for low, high in ((0, 1), (1, 0), (1, 1), (2, 5)):
            grown = ((a + low * n, b + high * n) for (a, b), n in zip(case.padding, steps, strict=True))
            yield {"padding": tuple(grown)}
        yield {"padding": tuple((high, low) for low, high in case.padding)}
        yield {"padding": tuple((abs(low) + 1, abs(high)) for low, high in case.padding)}
    if case.output_padding is not None:
        yield plus("output_padding", (1,) * rank)
        yield plus("output_padding", steps)
    for name in ("kernel_size", "stride", "dilation", "input_size"):
        yield plus(name, steps)
        yield plus(name, steps[::-1])
        yield plus(name, (1,) * rank)
    yield plus("kernel_size", (2,) * rank)
    yield {"in_channels": 2 * case.in_channels}
    yield {"out_channels": 2 * case.out_channels}
    yield {"in_channels": 3 * case.in_channels, "out_channels": 2 * case.out_channels}
    yield {"batch": case.batch + 1}
    for by in (steps, steps[::-1]):
        yield {**plus("kernel_size", tuple(2 * n for n in by)), **plus("stride", by), **plus("input_size", by)}
        yield {**plus("kernel_size", by), **plus("stride", by[::-1]), **plus("dilation", by)}
