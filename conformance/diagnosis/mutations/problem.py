"""``Problem``: a case in pieces, so that a mistake can be made in one piece at a time.

A transformation of the oracle is a function from a problem to a problem. It may change the numbers (stride, crop,
...), the tensors (a flipped kernel) or the processing of the result (a shift); two transformations combine by
composition. Linear changes of a tensor carry their adjoint, so that the gradients of the changed map follow.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from conformance import oracle
from conformance.adapters.base import Tensor
from conformance.cases.case import Case
from conformance.cases.directions import DIRECTIONS, IMAGES
from conformance.cases.geometry import axis_names
from conformance.diagnosis.mutations.periodic import folds
from conformance.diagnosis.mutations.windows import at, window

__all__ = [
    "Change",
    "Map",
    "Mutation",
    "Problem",
    "Solver",
    "Tensors",
    "at",
    "changed",
    "channels_first",
    "divided",
    "in_every_output",
    "in_output",
    "in_turn",
    "on_input",
    "on_linear",
    "on_output",
    "on_weights",
    "times",
    "to_channels_first",
    "window",
]

Tensors = dict[str, np.ndarray]

# Elements of full results that one search caches: 128 MiB.
_MAX_KEPT = 1 << 24
Change = Callable[[np.ndarray], np.ndarray]
Mutation = Callable[["Problem"], "Problem"]


@dataclass(frozen=True)
class Map:
    """A linear map of an array and its adjoint."""

    forward: Change
    adjoint: Change

    @classmethod
    def symmetric(cls, change: Change) -> Map:
        """A map that is its own adjoint, such as a flip or a mask."""
        return cls(change, change)

    @classmethod
    def take(cls, order: Any, axis: int) -> Map:
        """Entries of an axis by index; the adjoint adds each entry back at its source."""
        order = np.asarray(order)

        def put(array: np.ndarray) -> np.ndarray:
            spread = np.zeros_like(array)
            np.add.at(np.moveaxis(spread, axis, 0), order, np.moveaxis(array, axis, 0))
            return spread

        return cls(lambda array: np.take(array, order, axis), put)


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """One case in pieces; arrays are channels_first and double precision.

    Attributes
    ----------
    case : Case
        The case.
    x, w : numpy.ndarray
        (N, Cin, *i) and (Cin, Cout/G, *k).
    bias : numpy.ndarray or None
        Added to the result; any shape that broadcasts. The right shape is (Cout, 1, ..).
    dy : numpy.ndarray or None
        Upstream gradient in the shape of the right output.
    stride, dilation, groups
        As the taps use them.
    low, size : tuple of int
        Where the output starts in the full result, and its length.
    linear, output : tuple of Map
        Changes of the result before and after the bias is added.
    x_maps, w_maps : tuple of Map
        Changes that were made to ``x`` and ``w``, for the gradients.
    finish : tuple of callable
        Changes of the named output tensors at the very end, linear or not.
    compute : callable or None
        Another algorithm for the full result, from a problem to an array.
    bias_where : callable or None
        The positions that the bias is added to, from a problem to a mask of the output; None for all of them.
    observed : dict of numpy.ndarray
        The wrong output, channels_first, for mistakes whose numbers (a factor, an offset) are read off it.
    wanted : frozenset of str or None
        Names of the transformations to search for; None for all.
    wanted_axes : frozenset of tuple or None
        Their axes. A generator whose mistakes take long to make leaves out those along others.
    second : dict of numpy.ndarray
        For gradients of gradients: ``dy``, ``vx``, ``vw`` and ``vb``, channels_first; ``dy`` itself is None then.
    """

    case: Case
    x: np.ndarray
    w: np.ndarray
    bias: np.ndarray | None
    dy: np.ndarray | None
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    low: tuple[int, ...]
    size: tuple[int, ...]
    linear: tuple[Map, ...] = ()
    output: tuple[Map, ...] = ()
    x_maps: tuple[Map, ...] = ()
    w_maps: tuple[Map, ...] = ()
    finish: tuple[Callable[[Tensors], Tensors], ...] = ()
    compute: Callable[[Problem], np.ndarray] | None = None
    bias_where: Callable[[Problem], np.ndarray] | None = None
    observed: Tensors = field(default_factory=dict)
    wanted: frozenset[str] | None = None
    wanted_axes: frozenset[tuple[str, ...]] | None = None
    second: Tensors = field(default_factory=dict)

    @classmethod
    def of(cls, case: Case, tensors: Tensors) -> Problem:
        """The pieces of a case; raises DomainError for an invalid case (R11)."""
        geometry = case.geometry()
        wide = np.complex128 if case.format.is_complex else np.float64
        arrays = {name: np.asarray(array, dtype=wide) for name, array in tensors.items()}
        bias = arrays.get("bias")
        second = {name: arrays[name] for name in DIRECTIONS["grad2"].given if name in arrays}
        for name in IMAGES & second.keys():
            second[name] = channels_first(case, second[name])
        if case.direction != "grad2":
            second = {}
        problem = cls(
            case=case,
            x=channels_first(case, arrays["x"]),
            w=arrays["w"],
            bias=None if bias is None else bias.reshape(-1, *(1,) * case.rank),
            dy=channels_first(case, arrays["dy"]) if case.direction == "grad" else None,
            stride=case.stride,
            dilation=case.dilation,
            groups=case.groups,
            low=tuple(low for low, _ in geometry.crop),
            size=geometry.output_size,
            second=second,
        )
        if len(geometry.windows) == 1:
            return problem
        # A periodic output (R15) is the full result, folded.
        pairs = folds(problem.full_size, problem.low, problem.size)
        linear = tuple(itertools.starmap(Map, pairs))
        return problem.but(low=(0,) * case.rank, size=problem.full_size, linear=linear)

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return self.case.rank

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the spatial axes."""
        return axis_names(self.case.rank)

    @cached_property
    def full_size(self) -> tuple[int, ...]:
        """Length of the full scatter result on each axis, as the taps make it."""
        sizes = zip(self.x.shape[2:], self.w.shape[2:], self.stride, self.dilation, strict=True)
        return tuple((i - 1) * s + d * (k - 1) + 1 for i, k, s, d in sizes)

    @property
    def high(self) -> tuple[int, ...]:
        """Positions of the full result dropped at its end."""
        return tuple(f - a - n for f, a, n in zip(self.full_size, self.low, self.size, strict=True))

    @property
    def out_channels(self) -> int:
        """Number of output channels."""
        return self.groups * self.w.shape[1]

    @property
    def work(self) -> int:
        """Products that one evaluation takes."""
        return self.x.size * max(self.w.size // max(self.w.shape[0], 1), 1)

    def but(self, **changes: Any) -> Problem:
        """The same problem with other values of some attributes."""
        # A search makes thousands; `dataclasses.replace` takes several times as long.
        other = object.__new__(Problem)
        other.__dict__.update(self.__dict__, **changes)
        other.__dict__.pop("full_size", None)
        return other


def on_input(change: Map) -> Mutation:
    """The input changed linearly."""
    return lambda p: p.but(x=change.forward(p.x), x_maps=(*p.x_maps, change))


def on_weights(change: Map) -> Mutation:
    """The weights changed linearly."""
    return lambda p: p.but(w=change.forward(p.w), w_maps=(*p.w_maps, change))


def on_output(change: Map) -> Mutation:
    """The output changed linearly, its bias included."""
    return lambda p: p.but(output=(*p.output, change))


def on_linear(change: Map) -> Mutation:
    """The output changed linearly before the bias is added."""
    return lambda p: p.but(linear=(*p.linear, change))


def changed(**changes: Any) -> Mutation:
    """Other values of some attributes."""
    return lambda p: p.but(**changes)


def in_output(name: str, change: Change) -> Mutation:
    """One output tensor changed at the very end."""
    return lambda p: p.but(finish=(*p.finish, lambda output: {**output, name: change(output[name])}))


def in_every_output(change: Change) -> Mutation:
    """Every output tensor changed at the very end."""
    return lambda p: p.but(
        finish=(*p.finish, lambda output: {name: change(array) for name, array in output.items()})
    )


def times(factor: float) -> Change:
    """Multiplication by a number."""
    return lambda array: array * factor


def divided(by: float) -> Change:
    """Division by a number, which rounds differently from multiplication by its reciprocal."""
    return lambda array: array / by


def in_turn(*steps: Mutation) -> Mutation:
    """Several changes, one after the other."""
    return lambda p: functools.reduce(lambda changed, step: step(changed), steps, p)


class Solver:
    """Evaluates problems. Full results are cached, because most mistakes only use the same result differently.

    ``spent`` counts the products that were computed, ``touched`` the elements of the outputs.
    """

    def __init__(self) -> None:
        self._full: dict[Any, tuple[np.ndarray, Problem]] = {}
        self._adjoint: dict[Any, tuple[Tensors, Problem]] = {}
        self.spent = self.touched = self._kept = 0

    def is_cheap(self, problem: Problem) -> bool:
        """Whether the products of a problem are in the cache."""
        return problem.case.direction == "fwd" and problem.compute is None and _key(problem) in self._full

    def __call__(self, problem: Problem) -> Tensors:
        """The output of a problem, by the names of ``Case.outputs``, channels_first.

        Raises
        ------
        ValueError
            The pieces do not fit together.
        """
        output = self._solve[problem.case.direction](self, problem)
        for change in problem.finish:
            output = change(output)
        self.touched += sum(array.size for array in output.values())
        return output

    def _forward(self, p: Problem) -> Tensors:
        if p.compute is None and min(p.full_size) >= 1:
            y = window(self._full_result(p), p.low, p.size)
        elif p.compute is not None:
            self.spent += p.work
            y = window(p.compute(p), p.low, p.size)
        else:
            self.spent += p.work
            y = oracle.conv_transpose(p.x, p.w, **_arguments(p))
        for change in p.linear:
            y = change.forward(y)
        if p.bias is not None:
            y = y + (p.bias if p.bias_where is None else np.where(p.bias_where(p), p.bias, 0))
        for change in p.output:
            y = change.forward(y)
        return {"y": y}

    def _full_result(self, p: Problem) -> np.ndarray:
        key = _key(p)
        if key not in self._full:
            self.spent += p.work
            arguments = _arguments(p) | {"crop": None}
            full = oracle.conv_transpose(p.x, p.w, **arguments)
            self._kept += full.size
            if self._kept > _MAX_KEPT and self._full:
                return full
            # The problem is cached with the result: while it lives, no other array can have the ids in the key.
            self._full[key] = full, p
        return self._full[key][0]

    def _gradients(self, p: Problem) -> Tensors:
        assert p.dy is not None
        key = (*_key(p), id(p.dy), p.low, p.size)
        plain = not (p.output or p.linear or p.x_maps or p.w_maps)
        if plain and key in self._adjoint:
            return dict(self._adjoint[key][0])
        gradients = self._gradients_of(p, p.dy)
        if plain and self._kept + p.x.size + p.w.size <= _MAX_KEPT:
            self._kept += p.x.size + p.w.size
            self._adjoint[key] = dict(gradients), p
        return gradients

    def _gradients_of(self, p: Problem, dy: np.ndarray) -> Tensors:
        for change in reversed(p.output):
            dy = change.adjoint(dy)
        at_bias = dy
        for change in reversed(p.linear):
            dy = change.adjoint(dy)
        self.spent += 2 * p.work
        dx, dw, _ = oracle.conv_transpose_gradients(p.x, p.w, dy, **_arguments(p))
        for change in reversed(p.x_maps):
            dx = change.adjoint(dx)
        for change in reversed(p.w_maps):
            dw = change.adjoint(dw)
        gradients = {"dx": dx, "dw": dw}
        if p.case.bias:
            gradients["db"] = at_bias.sum(axis=(0, *range(2, at_bias.ndim)))
        return gradients

    def _second_order(self, p: Problem) -> Tensors:
        """R16 of the changed map: the changes of ``x`` and ``w`` apply to ``vx`` and ``vw``, too."""
        vx, vw, vb = p.second["vx"], p.second["vw"], p.second.get("vb")
        for change in p.x_maps:
            vx = change.forward(vx)
        for change in p.w_maps:
            vw = change.forward(vw)
        flat = p.but(case=replace(p.case, direction="fwd"), bias=None)
        ddy = self._forward(flat.but(x=vx, output=()))["y"] + self._forward(flat.but(w=vw, output=()))["y"]
        ddy = ddy if vb is None else ddy + vb.reshape(-1, *(1,) * p.rank)
        for change in p.output:
            ddy = change.forward(ddy)
        back = p.but(case=replace(p.case, direction="grad", bias=False), dy=p.second["dy"])
        ddx = self._gradients(back.but(w=vw))["dx"]
        ddw = self._gradients(back.but(x=vx))["dw"]
        return {"ddx": ddx, "ddw": ddw, "ddy": ddy}

    _solve: ClassVar[dict[str, Callable[[Solver, Problem], Tensors]]] = {
        "fwd": _forward,
        "grad": _gradients,
        "grad2": _second_order,
    }


def _key(p: Problem) -> tuple[Any, ...]:
    return id(p.x), id(p.w), p.stride, p.dilation, p.groups


def _arguments(p: Problem) -> dict[str, Any]:
    crop = tuple(zip(p.low, p.high, strict=True))
    return {"stride": p.stride, "dilation": p.dilation, "groups": p.groups, "crop": crop}


def to_channels_first(case: Case, tensors: Mapping[str, Tensor]) -> Tensors:
    """The values of an output, channels_first where they have spatial axes; wrong shapes stay as they are."""
    return {
        name: channels_first(case, np.asarray(tensor.values))
        if name in IMAGES and tensor.values.ndim == case.rank + 2
        else np.asarray(tensor.values)
        for name, tensor in tensors.items()
    }


def channels_first(case: Case, array: np.ndarray) -> np.ndarray:
    """A tensor of a case's layout with its channels before the spatial axes."""
    return np.moveaxis(array, -1, 1) if case.layout == "channels_last" else array
