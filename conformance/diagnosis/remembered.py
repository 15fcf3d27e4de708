"""What was found before on an adapter, so that the same cause need not be proven for every case."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from conformance.cases.case import Case
from conformance.diagnosis.match import Match
from conformance.diagnosis.mutations.problem import Solver
from conformance.diagnosis.mutations.registry import variations
from conformance.diagnosis.search import Explanation

__all__ = ["Remembered", "remembered"]


@dataclass
class Remembered:
    """What is known about one adapter.

    Attributes
    ----------
    refusals : dict
        By the pattern of a message: the outcomes of the cases that were run to find out what it is about.
    relieving : dict
        By the pattern of a message: the parameter that it is about, if it names it and the cases agree.
    """

    refusals: dict[str, dict[Case, str]] = field(default_factory=dict)
    relieving: dict[str, str] = field(default_factory=dict)
    _proven: set[Any] = field(default_factory=set)
    _by_shape: dict[Any, Explanation] = field(default_factory=dict)

    def is_proven(self, found: list[Explanation]) -> bool:
        """Whether an output has one explanation, and further cases have not refuted it before."""
        return len(found) == 1 and _identity(found[0]) in self._proven

    def add(self, match: Match, found: list[Explanation]) -> None:
        """Remember an explanation of a case that further cases have neither refuted nor left undecided."""
        if len(found) == 1:
            self._proven.add(_identity(found[0]))
            if match.exact:
                self._by_shape[_shape(match)] = found[0]

    def again(self, match: Match) -> list[Explanation]:
        """The explanation of a case that differs in its numbers only, if it gives this output, too.

        A search would test all other mistakes, and with numbers that tell less (all ones, many of them NaN) run
        further cases, to come to the same explanation: exact numbers have ruled out the others.
        """
        before = self._by_shape.get(_shape(match))
        if before is None:
            return []
        names, axes = (frozenset(getattr(part, name) for part in before.parts) for name in ("transform", "axes"))
        candidates = variations(match.problem.but(wanted=names, wanted_axes=axes))
        by_key = {variation.key: variation for variation in candidates}
        if not all(part.key in by_key for part in before.parts):
            return []
        here = Explanation(tuple(by_key[part.key] for part in before.parts))
        return [here] if match.fits(here, Solver()) else []


def _identity(explanation: Explanation) -> tuple[Any, ...]:
    return tuple(part.key for part in explanation.parts)


def _shape(match: Match) -> tuple[Case, tuple[str, ...]]:
    """A case without its numbers, and the tensors that are explained."""
    return replace(match.case, data="ints", seed=0, dtype="f32"), match.names


_BY_HOST: WeakKeyDictionary[Any, Remembered] = WeakKeyDictionary()


def remembered(host: Any) -> Remembered:
    """What is known about the adapter of a process, as long as the object for the process lives."""
    return _BY_HOST.setdefault(host, Remembered())
