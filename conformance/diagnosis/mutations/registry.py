"""The registry of transformations: every mistake that the diagnosis knows by name.

A mistake joins as a generator with the decorator `transformation`, in the module of its family. It yields
`Variation`s: what exactly was done, on which axes, in words that complete "equals the oracle with ...", and a
function that makes the same mistake in a `Problem`.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.diagnosis.mutations.problem import Problem

__all__ = [
    "FAMILIES",
    "TRANSFORMATIONS",
    "Variation",
    "along",
    "listed",
    "reordered",
    "subsets",
    "transformation",
    "variations",
]

FAMILIES = ("placement", "kernel", "channels", "bias", "values", "special_values", "gradients", "blocks")


@dataclass(frozen=True, eq=False)
class Variation:
    """One way to get a question wrong.

    Attributes
    ----------
    transform : str
        Name of the transformation.
    axes : tuple of str
        The spatial axes it is about, outermost first.
    text : str
        Words that complete "equals the oracle with ...".
    apply : callable
        Makes the mistake in a problem.
    cost : int
        Its complexity: 1 for one thing done wrong in one way, more where numbers have to be chosen freely.
    combines : bool
        Whether it is common enough to be tried together with another one.
    name : str
        What it is called in every case, where the words say the numbers of this one.
    sentence : str
        A whole sentence that says it better than "equals the oracle with ..." does; empty where none does.
    travels : bool
        Whether ``apply`` makes the same mistake in other cases too, as where its numbers are read off the answer.
    """

    transform: str
    axes: tuple[str, ...]
    text: str
    apply: Callable[[Problem], Problem]
    cost: int = 1
    combines: bool = False
    name: str = ""
    sentence: str = ""
    travels: bool = False

    @property
    def key(self) -> tuple[str, tuple[str, ...], str]:
        """What makes it the same mistake in another question."""
        return self.transform, self.axes, self.name or self.text.partition(" (")[0]


Generator = Callable[[Problem], Iterable[Variation]]

TRANSFORMATIONS: list[Generator] = []
"""Generators of variations, in the order in which equally simple explanations are preferred."""

_NAMES: dict[Generator, set[str]] = {}


def transformation(generator: Generator) -> Generator:
    """Register a generator of variations."""
    TRANSFORMATIONS.append(generator)
    return generator


def variations(problem: Problem) -> Iterator[Variation]:
    """Every variation of a problem that is wanted, in order of preference."""
    for family in FAMILIES:
        importlib.import_module(f"conformance.diagnosis.mutations.{family}")
    for generator in TRANSFORMATIONS:
        names = _NAMES.setdefault(generator, set())
        # A generator whose names are not all known yet may have what is wanted.
        if problem.wanted is None or not names or names & problem.wanted:
            for variation in generator(problem):
                names.add(variation.transform)
                if problem.wanted is None or variation.transform in problem.wanted:
                    yield variation


def subsets(problem: Problem, applies: Callable[[int], bool]) -> Iterator[tuple[int, ...]]:
    """Nonempty sets of the axes a mistake can be seen on, one axis first."""
    axes = [axis for axis in range(problem.rank) if applies(axis)]
    for count in range(1, len(axes) + 1):
        yield from itertools.combinations(axes, count)


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def along(names: Sequence[str]) -> str:
    """``along H and W``."""
    return f"along {listed(names)}"


def reordered(size: int) -> Iterator[tuple[str, np.ndarray]]:
    """Orders that an index of a given size gets mixed up into, in words and as positions to take from."""
    identity = np.arange(size)
    orders = {"in reverse order": identity[::-1], "moved on by one": np.roll(identity, 1)}
    orders["moved back by one"] = np.roll(identity, -1)
    if size <= 4:
        for entries in itertools.permutations(range(size)):
            orders[f"in the order {list(entries)}"] = np.array(entries)
    else:
        for first, second in itertools.combinations(range(min(size, 12)), 2):
            order = identity.copy()
            order[[first, second]] = second, first
            orders[f"{first} and {second} exchanged"] = order
    seen = {tuple(identity)}
    for words, positions in orders.items():
        if tuple(positions) not in seen:
            seen.add(tuple(positions))
            yield words, positions
