"""Explanations told apart: the adapter is asked neighbouring questions that they would answer differently.

What cannot be told apart even so is reported side by side.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.data import make_tensors
from conformance.diagnosis.match import Match
from conformance.diagnosis.mutations.problem import Problem, Solver, Tensors, laid_out
from conformance.diagnosis.mutations.registry import variations
from conformance.diagnosis.neighbours import larger, neighbours
from conformance.diagnosis.search import Explanation, Search

__all__ = ["distinguish", "withstanding"]

_MAX_ASKED = 8
# Questions that are looked at for one that tells more apart, and how many without finding a better one.
_MAX_CONSIDERED = 60
_MAX_IDLE = 12
_LITERAL = {"shift"}


def distinguish(match: Match, found: list[Explanation], host: AdapterProcess) -> list[Explanation]:
    """Ask neighbouring questions until one explanation predicts more answers than the others.

    Parameters
    ----------
    match : Match
        The question and the answer that all of the explanations reproduce.
    found : list of Explanation
        At least one.
    host : AdapterProcess
        The adapter.

    Returns
    -------
    list of Explanation
        Those that predicted the most answers; the first is the diagnosis, the others could not be told apart.
    """
    score = [(0, 0)] * len(found)
    left = neighbours(match.case)
    considered: list[tuple[Case, list[Tensors]]] = []
    for _ in range(_MAX_ASKED):
        # A right answer says less, because a mistake may be made on some questions only: it settles what wrong
        # answers leave open.
        most = max(wrong for wrong, _ in score)
        leaders = [n for n, (wrong, _) in enumerate(score) if wrong == most]
        if len(leaders) == 1:
            break
        best = _most_telling(considered, left, found, leaders, match.names)
        if best is None:
            break
        case, _ = considered.pop(best)
        there = _run(case, match, host)
        if there is None:
            continue
        wrong = not _right(there)
        for n, explanation in enumerate(_there(there.problem, found)):
            if there.fits(explanation, Solver()):
                score[n] = score[n][0] + wrong, score[n][1] + (not wrong)
    kept = [found[n] for n, points in enumerate(score) if points == max(score)]
    if not max(score)[0]:
        # No wrong output tells how it came about, so what merely says where the output lies comes first.
        kept.sort(key=lambda each: each.transform not in _LITERAL)
    return kept


def withstanding(match: Match, found: list[Explanation], host: AdapterProcess) -> list[Explanation]:
    """The explanations that are no accident of one case, as far as some larger cases say.

    An explanation is given up where a larger case has a wrong output that neither it nor any other single mistake
    gives, unless it gives more of the others. A right output says nothing, as a mistake may be made in some cases
    only; nor does one that another mistake gives, as there may be two.
    """
    given, refuted = [0] * len(found), [0] * len(found)
    for case in larger(match.case):
        there = _run(case, match, host)
        if there is None or _right(there):
            continue
        same = _there(there.problem, found)
        fits = [there.fits(explanation, Solver()) for explanation in same]
        if any(fits):
            if replace(case, seed=match.case.seed) == match.case:
                continue  # other data say nothing about an accident of shapes
            given = [n + fit for n, fit in zip(given, fits, strict=True)]
        elif not Search(there).single():
            # A mistake that cannot be made there is not refuted there.
            made = (len(one.parts) == len(each.parts) for one, each in zip(same, found, strict=True))
            refuted = [n + each for n, each in zip(refuted, made, strict=True)]
    return [each for each, n, against in zip(found, given, refuted, strict=True) if not against or n > against]


def _run(case: Case, match: Match, host: AdapterProcess) -> Match | None:
    """The output of a neighbouring case to compare with; None where there is none, or another each time."""
    tensors = make_tensors(case)
    reply = host.run(case, tensors)
    if reply.kind != "answer" or not reply.deterministic:
        return None
    got = laid_out(case, reply.tensors)
    if any(name not in got for name in match.names):
        return None
    return Match.of(Problem.of(case, tensors).but(observed=got), got, match.names, reply.promise)


def _right(there: Match) -> bool:
    return there.fits(lambda p: p, Solver())


def _most_telling(
    considered: list[tuple[Case, list[Tensors]]],
    left: Iterator[Case],
    found: list[Explanation],
    leaders: list[int],
    names: tuple[str, ...],
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
        parts = len({_fingerprint(considered[place][1][n], names) for n in leaders})
        if parts > most:
            best, most = place, parts
        if parts == len(leaders):
            return place
    return best


def _predictions(case: Case, tensors: Tensors, found: list[Explanation]) -> list[Tensors]:
    """What each explanation says about a question: the oracle's answer where the mistake changes nothing."""
    problem, solver = Problem.of(case, tensors), Solver()
    predictions = []
    for explanation in _there(problem, found):
        try:
            predictions.append(solver(explanation(problem)))
        except (ValueError, IndexError):
            predictions.append(solver(problem))
    return predictions


def _there(problem: Problem, found: list[Explanation]) -> list[Explanation]:
    """Explanations of one case as they are in another, without the mistakes that cannot be made there."""
    names = frozenset(part.transform for explanation in found for part in explanation.parts)
    wanted = {part.key for explanation in found for part in explanation.parts}
    those = variations(problem.but(wanted=names, observed={}))
    known = {variation.key: variation for variation in those if variation.key in wanted}
    known |= {part.key: part for explanation in found for part in explanation.parts if part.travels}
    return [Explanation(tuple(known[p.key] for p in each.parts if p.key in known)) for each in found]


def _fingerprint(prediction: Tensors, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple((prediction[name].shape, prediction[name].tobytes()) for name in names)
