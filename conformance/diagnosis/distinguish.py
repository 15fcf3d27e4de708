"""Distinguish explanations: the adapter runs neighbouring cases for which they predict different outputs.

Explanations that still cannot be distinguished are reported side by side.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.data import make_tensors
from conformance.diagnosis.match import Match
from conformance.diagnosis.mutations.problem import Problem, Solver, Tensors, to_channels_first
from conformance.diagnosis.mutations.registry import Variation, variations
from conformance.diagnosis.neighbours import larger, neighbours
from conformance.diagnosis.search import Explanation, Search

__all__ = ["distinguish", "unrefuted"]

_MAX_RUNS = 8
# Cases that are considered for the next run, and how many of them in a row without a better one.
_MAX_CONSIDERED = 60
_MAX_IDLE = 12
_LITERAL = {"shift"}
_AXES = re.compile(r" along [DHW](, [DHW])*( and [DHW])?")


@dataclass(frozen=True)
class _Hypothesis:
    """What an explanation says of other cases.

    Attributes
    ----------
    explanation : Explanation
        The explanation of the case that was wrong.
    everywhere : bool
        Whether the mistake is made on every axis that shows it, not on the same axes only.
    """

    explanation: Explanation
    everywhere: bool = False


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
    hypotheses = _hypotheses(match.problem, found)
    score = [(0, 0)] * len(hypotheses)
    quiet: list[set[str]] = []
    done: set[Case] = set()
    left = _other_changes(match.case, quiet)
    considered: list[tuple[Case, list[Tensors]]] = []
    for _ in range(_MAX_RUNS):
        # A right output says less, because a mistake may be made in some cases only: it decides only between
        # explanations that predict equally many wrong outputs.
        most = max(wrong for wrong, _ in score)
        leaders = [n for n, (wrong, _) in enumerate(score) if wrong == most]
        if len({id(hypotheses[n].explanation) for n in leaders}) == 1:
            break
        best = _most_informative(considered, left, hypotheses, leaders, match.names)
        if best is None and quiet:
            # No other change distinguishes the leaders, so that these changes may.
            quiet.clear()
            considered, left = [], (neighbour for neighbour in neighbours(match.case) if neighbour not in done)
            best = _most_informative(considered, left, hypotheses, leaders, match.names)
        if best is None:
            break
        case, _ = considered.pop(best)
        done.add(case)
        match_there = _run(case, match, host)
        if match_there is None:
            continue
        wrong = not _is_right(match_there)
        if not wrong:
            quiet.append(_changed(match.case, case))
            considered = [each for each in considered if not _changed(match.case, each[0]) >= quiet[-1]]
        for n, explanation in enumerate(_transfer(match_there.problem, hypotheses)):
            if match_there.fits(explanation, Solver()):
                score[n] = score[n][0] + wrong, score[n][1] + (not wrong)
    best_of = {id(one.explanation) for one, points in zip(hypotheses, score, strict=True) if points == max(score)}
    kept = [each for each in found if id(each) in best_of]
    if not max(score)[0]:
        # No run gave a wrong output, so the explanation that only says where the output lies comes first.
        kept.sort(key=lambda each: each.transform not in _LITERAL)
    return kept


def _changed(case: Case, other: Case) -> set[str]:
    """The fields of a case in which another one differs."""
    return {item.name for item in fields(Case) if getattr(case, item.name) != getattr(other, item.name)}


def _other_changes(case: Case, quiet: list[set[str]]) -> Iterator[Case]:
    """The neighbours without those that make a change again after which the output was right.

    A mistake may be made in some cases only. A change that leaves them shows nothing more when it is made again.
    """
    for neighbour in neighbours(case):
        if not any(_changed(case, neighbour) >= change for change in quiet):
            yield neighbour


def unrefuted(match: Match, found: list[Explanation], host: AdapterProcess) -> list[Explanation]:
    """The explanations that some larger cases do not refute as accidents of this one.

    An explanation is dropped where a larger case has a wrong output that neither it nor any other single mistake
    gives, unless it gives more of the other outputs. A right output says nothing, because a mistake may be made in
    some cases only. A wrong output that another mistake gives says nothing either, because there may be two.
    """
    hypotheses = _hypotheses(match.problem, found)
    given, refuted = [0] * len(hypotheses), [0] * len(hypotheses)
    for case in larger(match.case):
        match_there = _run(case, match, host)
        if match_there is None or _is_right(match_there):
            continue
        same = _transfer(match_there.problem, hypotheses)
        fits = [match_there.fits(explanation, Solver()) for explanation in same]
        if any(fits):
            if replace(case, seed=match.case.seed) == match.case:
                continue  # other data say nothing about an accident of shapes
            given = [n + fit for n, fit in zip(given, fits, strict=True)]
        elif not Search(match_there).any():
            # A mistake that cannot be made there is not refuted there.
            made = (
                len(there.parts) == len(one.explanation.parts) for there, one in zip(same, hypotheses, strict=True)
            )
            refuted = [n + each for n, each in zip(refuted, made, strict=True)]
    left = {
        id(one.explanation)
        for one, n, against in zip(hypotheses, given, refuted, strict=True)
        if not against or n > against
    }
    return [each for each in found if id(each) in left]


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
    hypotheses: list[_Hypothesis],
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
            considered.append((case, _predictions(case, make_tensors(case), hypotheses)))
        parts = len({_fingerprint(considered[place][1][n], names) for n in leaders})
        if parts > most:
            best, most = place, parts
        if parts == len(leaders):
            return place
    return best


def _predictions(case: Case, tensors: Tensors, hypotheses: list[_Hypothesis]) -> list[Tensors]:
    """What each hypothesis predicts for a case: the oracle's output where the mistake changes nothing."""
    problem, solver = Problem.of(case, tensors), Solver()
    predictions: dict[tuple[int, ...], Tensors] = {}
    order = []
    for explanation in _transfer(problem, hypotheses):
        order.append(key := tuple(map(id, explanation.parts)))
        if key not in predictions:
            try:
                predictions[key] = solver(explanation(problem))
            except (ValueError, IndexError):
                predictions[key] = solver(problem)
    return [predictions[key] for key in order]


def _hypotheses(problem: Problem, found: list[Explanation]) -> list[_Hypothesis]:
    """What explanations say of other cases: the same mistake on the same axes, or on every axis that shows it."""
    names = frozenset(part.transform for explanation in found for part in explanation.parts)
    everywhere = _everywhere(list(variations(problem.but(wanted=names, observed={}))))
    hypotheses = []
    for explanation in found:
        hypotheses.append(_Hypothesis(explanation))
        if any(_way(p) in everywhere and everywhere[_way(p)].axes == p.axes for p in explanation.parts if p.axes):
            hypotheses.append(_Hypothesis(explanation, everywhere=True))
    return hypotheses


def _transfer(problem: Problem, hypotheses: list[_Hypothesis]) -> list[Explanation]:
    """Transfer hypotheses to another case, without the mistakes that cannot be made there."""
    parts = [part for one in hypotheses for part in one.explanation.parts]
    candidates = list(variations(problem.but(wanted=frozenset(part.transform for part in parts), observed={})))
    same = {variation.key: variation for variation in candidates} | {p.key: p for p in parts if p.travels}
    everywhere = _everywhere(candidates)

    def there(part: Variation, one: _Hypothesis) -> Variation | None:
        return (everywhere.get(_way(part)) if one.everywhere else None) or same.get(part.key)

    return [Explanation(tuple(filter(None, (there(p, one) for p in one.explanation.parts)))) for one in hypotheses]


def _way(variation: Variation) -> tuple[str, str]:
    """The identity of a mistake across axes."""
    return variation.transform, _AXES.sub("", variation.key[2])


def _everywhere(candidates: list[Variation]) -> dict[tuple[str, str], Variation]:
    """For each mistake that can be made on any of the axes that show it: the one that is made on all of them."""
    ways: dict[tuple[str, str], list[Variation]] = {}
    for variation in candidates:
        ways.setdefault(_way(variation), []).append(variation)
    return {
        way: most
        for way, each in ways.items()
        if (most := max(each, key=lambda one: len(one.axes))).axes
        and all(set(one.axes) <= set(most.axes) for one in each)
    }


def _fingerprint(prediction: Tensors, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple((prediction[name].shape, prediction[name].tobytes()) for name in names)
