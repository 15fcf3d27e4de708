"""Distinguish explanations: the adapter runs neighbouring cases for which they predict different outputs.

Explanations that still cannot be distinguished are reported side by side.
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
from conformance.diagnosis.mutations.problem import Problem, Solver, Tensors, to_channels_first
from conformance.diagnosis.mutations.registry import variations
from conformance.diagnosis.neighbours import larger, neighbours
from conformance.diagnosis.search import Explanation, Search

__all__ = ["distinguish", "unrefuted"]

_MAX_RUNS = 8
# Cases that are considered for the next run, and how many of them in a row without a better one.
_MAX_CONSIDERED = 60
_MAX_IDLE = 12
_LITERAL = {"shift"}


def distinguish(match: Match, found: list[Explanation], host: AdapterProcess) -> list[Explanation]:
    """Run neighbouring cases until one explanation predicts more outputs than the others.

    Parameters
    ----------
    match : Match
        The case and the output that all of the explanations reproduce.
    found : list of Explanation
        At least one.
    host : AdapterProcess
        The adapter.

    Returns
    -------
    list of Explanation
        Those that predicted the most outputs; the first is the diagnosis, the others could not be distinguished
        from it.
    """
    score = [(0, 0)] * len(found)
    left = neighbours(match.case)
    considered: list[tuple[Case, list[Tensors]]] = []
    for _ in range(_MAX_RUNS):
        # A right output says less, because a mistake may be made in some cases only: it decides only between
        # explanations that predict equally many wrong outputs.
        most = max(wrong for wrong, _ in score)
        leaders = [n for n, (wrong, _) in enumerate(score) if wrong == most]
        if len(leaders) == 1:
            break
        best = _most_informative(considered, left, found, leaders, match.names)
        if best is None:
            break
        case, _ = considered.pop(best)
        match_there = _run(case, match, host)
        if match_there is None:
            continue
        wrong = not _is_right(match_there)
        for n, explanation in enumerate(_transfer(match_there.problem, found)):
            if match_there.fits(explanation, Solver()):
                score[n] = score[n][0] + wrong, score[n][1] + (not wrong)
    kept = [found[n] for n, points in enumerate(score) if points == max(score)]
    if not max(score)[0]:
        # No run gave a wrong output, so the explanation that only says where the output lies comes first.
        kept.sort(key=lambda each: each.transform not in _LITERAL)
    return kept


def unrefuted(match: Match, found: list[Explanation], host: AdapterProcess) -> list[Explanation]:
    """The explanations that some larger cases do not refute as accidents of this one.

    An explanation is dropped where a larger case has a wrong output that neither it nor any other single mistake
    gives, unless it gives more of the other outputs. A right output says nothing, because a mistake may be made in
    some cases only. A wrong output that another mistake gives says nothing either, because there may be two.
    """
    given, refuted = [0] * len(found), [0] * len(found)
    for case in larger(match.case):
        match_there = _run(case, match, host)
        if match_there is None or _is_right(match_there):
            continue
        same = _transfer(match_there.problem, found)
        fits = [match_there.fits(explanation, Solver()) for explanation in same]
        if any(fits):
            if replace(case, seed=match.case.seed) == match.case:
                continue  # other data say nothing about an accident of shapes
            given = [n + fit for n, fit in zip(given, fits, strict=True)]
        elif not Search(match_there).any():
            # A mistake that cannot be made there is not refuted there.
            made = (len(one.parts) == len(each.parts) for one, each in zip(same, found, strict=True))
            refuted = [n + each for n, each in zip(refuted, made, strict=True)]
    return [each for each, n, against in zip(found, given, refuted, strict=True) if not against or n > against]


def _run(case: Case, match: Match, host: AdapterProcess) -> Match | None:
    """Run a neighbouring case; None where it has no output, or a different one each time."""
    tensors = make_tensors(case)
    reply = host.run(case, tensors)
    if reply.kind != "answer" or not reply.deterministic:
        return None
    got = to_channels_first(case, reply.tensors)
    if any(name not in got for name in match.names):
        return None
    return Match.of(Problem.of(case, tensors).but(observed=got), got, match.names, reply.promise)


def _is_right(match_there: Match) -> bool:
    return match_there.fits(lambda p: p, Solver())


def _most_informative(
    considered: list[tuple[Case, list[Tensors]]],
    left: Iterator[Case],
    found: list[Explanation],
    leaders: list[int],
    names: tuple[str, ...],
) -> int | None:
    """The place of the case that splits the leading explanations into the most groups; None where no case does.

    More cases are considered until one distinguishes all of them, or until there are many.
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
    """What each explanation predicts for a case: the oracle's output where the mistake changes nothing."""
    problem, solver = Problem.of(case, tensors), Solver()
    predictions = []
    for explanation in _transfer(problem, found):
        try:
            predictions.append(solver(explanation(problem)))
        except (ValueError, IndexError):
            predictions.append(solver(problem))
    return predictions


def _transfer(problem: Problem, found: list[Explanation]) -> list[Explanation]:
    """Transfer explanations to another case, without the mistakes that cannot be made there."""
    names = frozenset(part.transform for explanation in found for part in explanation.parts)
    keys = {part.key for explanation in found for part in explanation.parts}
    axes = frozenset(part.axes for explanation in found for part in explanation.parts)
    candidates = variations(problem.but(wanted=names, wanted_axes=axes, observed={}))
    by_key = {variation.key: variation for variation in candidates if variation.key in keys}
    by_key |= {part.key: part for explanation in found for part in explanation.parts if part.travels}
    return [Explanation(tuple(by_key[p.key] for p in each.parts if p.key in by_key)) for each in found]


def _fingerprint(prediction: Tensors, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple((prediction[name].shape, prediction[name].tobytes()) for name in names)
