"""``DataKind``: one way to fill the tensors of a case, and what several of them share."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from conformance.cases.errors import DomainError

if TYPE_CHECKING:
    from conformance.cases.case import Case

__all__ = ["EXACT_RULE", "Adapt", "Budget", "DataKind", "Draw", "Judged", "Tensors", "draw_ints", "one_input"]

Tensors = dict[str, np.ndarray]
Draw = Callable[[np.random.Generator, tuple[int, ...], "Budget"], np.ndarray]
Adapt = Callable[["Case", np.random.Generator, Tensors], None]


@dataclass(frozen=True)
class Budget:
    """How large integers may be so that every partial sum stays exact.

    Attributes
    ----------
    amplitude : int
        Largest magnitude of an integer.
    density : float
        Share of entries that may differ from zero.
    """

    amplitude: int
    density: float


Judged = Literal["exact", "bound", "nonfinite", "signed zero", "flush", "rounded once", "overflow"]


@dataclass(frozen=True, kw_only=True)
class DataKind:
    """A way to fill tensors.

    Attributes
    ----------
    draw : callable
        Maps a generator, a shape and the integer budget to values in float64.
    judged : str
        How outputs are judged: ``exact`` (bit for bit), ``bound`` (the error bound), ``rounded once`` (bit for bit
        after the rounding to the format), or exact with a freedom: ``nonfinite``, ``signed zero``, ``flush``,
        ``overflow`` (see ``conformance.oracle.special_values``).
    about : str
        What the kind is for.
    rule : str
        What an output must hold, and what an implementation may choose.
    adapt : callable or None
        Changes the drawn tensors (channels_first, float64) in place.
    headroom : int
        Bits by which every partial sum stays below the exact range.
    in_tiers : bool
        Whether the designs of tiers draw cases of this kind.
    misfit : callable or None
        Why the tensors do not fit the parameters, so that the case is invalid (R11); "" where they fit.
    directions : tuple of str
        The directions in which the kind differs from plain integers.
    dtypes : tuple of str
        The formats in which it does; empty for all.
    """

    draw: Draw
    judged: Judged
    about: str
    rule: str
    adapt: Adapt | None = None
    headroom: int = 0
    in_tiers: bool = True
    misfit: Callable[[Case], str] | None = None
    directions: tuple[str, ...] = ("fwd", "grad", "grad2")
    dtypes: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether outputs are judged bit for bit rather than by the error bound."""
        return self.judged != "bound"


EXACT_RULE = "The output is bit-exact in any order of summation; a zero may have either sign."


def draw_ints(rng: np.random.Generator, shape: tuple[int, ...], budget: Budget) -> np.ndarray:
    # No zeros while the budget allows it: a zero hides every mistake with the tap that it is multiplied by.
    magnitude = rng.integers(1, budget.amplitude + 1, size=shape)
    sign = rng.integers(0, 2, size=shape) * 2 - 1
    values = (magnitude * sign).astype(np.float64)
    if budget.density < 1:
        values[rng.random(size=shape) >= budget.density] = 0.0
    return values


def one_input(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    x, w = tensors["x"], tensors["w"]
    # Distinct up to half of the exact range: the rest is for the bias, and for the second output of ddy.
    limit = case.format.largest_exact_integer // (4 if "vw" in tensors else 2) - 1
    w[...] = (1 + np.arange(w.size) % limit).reshape(w.shape)
    if "vw" in tensors:
        tensors["vw"][...] = (limit - np.arange(w.size) % limit).reshape(w.shape)
    for name in {"bias", "vb"} & tensors.keys():
        tensors[name][...] = 1 + np.arange(tensors[name].size) % limit
    meetings = _meetings(case)
    x[...] = 0
    if x.size == 0:
        return
    if not meetings:
        x.flat[rng.integers(x.size)] = 1
        return
    item, channel = int(rng.integers(case.batch)), int(rng.integers(case.in_channels))
    position, reached = meetings[int(rng.integers(len(meetings)))]
    x[(item, channel, *position)] = 1
    if "dy" in tensors:
        share = case.out_channels // case.groups
        group = channel // (case.in_channels // case.groups)
        tensors["dy"][...] = 0
        tensors["dy"][(item, group * share + int(rng.integers(share)), *reached)] = 1
    if "vx" in tensors:
        tensors["vx"][...] = x


def _meetings(case: Case) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Pairs of an input position and an output position that a tap connects; one per input position."""
    try:
        geometry = case.geometry()
    except DomainError:
        return []
    axes: list[list[tuple[int, int]]] = []
    for axis, (low, _), length in zip(geometry.axes, geometry.crop, geometry.output_size, strict=True):
        first_output: dict[int, int] = {}  # per input position j, the output position of its first tap t inside
        for j, t in itertools.product(range(axis.input_size), range(axis.kernel_size)):
            output = j * axis.stride + t * axis.dilation - low
            if 0 <= output < length:
                first_output.setdefault(j, output)
        axes.append(list(first_output.items()))
    meetings = []
    for _, pairs in zip(range(1000), itertools.product(*axes), strict=False):
        meetings.append((tuple(j for j, _ in pairs), tuple(output for _, output in pairs)))
    return meetings
