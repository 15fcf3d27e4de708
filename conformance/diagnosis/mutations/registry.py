"""The registry of transformations: every mistake that the diagnosis can name.

To add a mistake, write a generator with the decorator `transformation`, in the module of its family. The decorator
names the transformations that it yields, so that a search for others leaves it out. It yields `Variation`s: the
mistake, its axes, a text that completes "equals the expected output with ...", and a function that makes the same
mistake in a `Problem`.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from conformance.diagnosis.mutations.problem import Problem

__all__ = [
    "FAMILIES",
    "TRANSFORMATIONS",
    "Variation",
    "along",
    "equals_expected",
    "join_words",
    "subsets",
    "transformation",
    "variations",
    "wrong_orders",
]

FAMILIES = ("placement", "kernel", "channels", "bias", "values", "special_values", "gradients", "blocks", "layers")


@dataclass(frozen=True, eq=False)
class Variation:
    """One way to compute a case wrongly.

    Attributes
    ----------
    transform : str
        Name of the transformation.
    axes : tuple of str
        The spatial axes that it affects, outermost first.
    text : str
        Text that completes "equals the expected output with ..."; see `equals_expected`.
    apply : callable
        Makes the mistake in a problem.
    cost : int
        Its complexity: 1 for one mistake without free numbers, more where numbers are chosen freely.
    combines : bool
        Whether it is common enough to be tried together with another mistake.
    name : str
        Its name in every case, where the text contains numbers of this one.
    sentence : str
        A full sentence that replaces "equals the expected output with ..."; empty where that is good enough.
    travels : bool
        Whether ``apply`` makes the same mistake in other cases too, as where its numbers come from the output.
    """

    transform: str
    axes: tuple[str, ...]
    text: str
    apply: Callable[[Problem], Problem]
    _: KW_ONLY
    cost: int = 1
    combines: bool = False
    name: str = ""
    sentence: str = ""
    travels: bool = False

    @property
    def key(self) -> tuple[str, tuple[str, ...], str]:
        """The identity of the mistake across cases."""
        return self.transform, self.axes, self.name or self.text.partition(" (")[0]


Generator = Callable[[Problem], Iterable[Variation]]

TRANSFORMATIONS: dict[Generator, frozenset[str]] = {}
"""Generators of variations, in the order in which equally simple explanations are preferred, with their names."""


def transformation(*names: str) -> Callable[[Generator], Generator]:
    """Register a generator of variations with the names of all transformations that it may yield."""

    def register(generator: Generator) -> Generator:
        TRANSFORMATIONS[generator] = frozenset(names)
        return generator

    return register


def variations(problem: Problem) -> Iterator[Variation]:
    """Every variation of a problem that is searched for, in order of preference."""
    for family in FAMILIES:
        importlib.import_module(f"conformance.diagnosis.mutations.{family}")
    for generator, names in TRANSFORMATIONS.items():
        if problem.wanted is None or names & problem.wanted:
            for variation in generator(problem):
                if problem.wanted is None or variation.transform in problem.wanted:
                    yield variation


def subsets(rank: int, applies: Callable[..., bool]) -> Iterator[tuple[int, ...]]:
    """Nonempty sets of the axes on which a mistake is visible, single axes first."""
    axes = [axis for axis in range(rank) if applies(axis)]
    for count in range(1, len(axes) + 1):
        yield from itertools.combinations(axes, count)


def equals_expected(text: str, *, several: bool = False) -> str:
    """Complete "equals the expected output with ..."; one mistake that moves the output needs no "with"."""
    moved = not several and text.startswith(("the output shifted ", "the output flipped ", "the output in "))
    return f"equals the expected output {text.removeprefix('the output ') if moved else f'with {text}'}"


def join_words(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def along(names: Sequence[str]) -> str:
    """``along H and W``."""
    return f"along {join_words(names)}"


def wrong_orders(size: int) -> Iterator[tuple[str, np.ndarray]]:
    """Wrong orders of an index of a given size: a text, and the positions to take from."""
    identity = np.arange(size)
    orders = {"in reverse order": identity[::-1], "rotated by +1": np.roll(identity, 1)}
    orders["rotated by -1"] = np.roll(identity, -1)
    if size <= 4:
        for entries in itertools.permutations(range(size)):
            orders[f"in the order {list(entries)}"] = np.array(entries)
    else:
        for first, second in itertools.combinations(range(min(size, 12)), 2):
            order = identity.copy()
            order[[first, second]] = second, first
            orders[f"{first} and {second} swapped"] = order
    seen = {tuple(identity)}
    for text, positions in orders.items():
        if tuple(positions) not in seen:
            seen.add(tuple(positions))
            yield text, positions
