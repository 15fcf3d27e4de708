"""A right implementation with its inside open, so that faults can be planted in it, and their registry.

`Work` is one call taken apart. A fault changes it before the computation (wrong parameters, wrong reading of a
tensor) or changes the answers after it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance import oracle
from conformance.adapters.base import Adapter, Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.cases.directions import DIRECTIONS, IMAGES
from conformance.cases.dtypes import round_to
from conformance.oracle.second_order import conv_transpose_second_order

Outputs = dict[str, np.ndarray]
Crop = tuple[tuple[int, int], ...]
AXES = {"W": -1, "H": -2, "D": -3}


@dataclass
class Work:
    """One call: its tensors in channels_first and float64, its parameters, and where the output begins.

    ``reply`` holds what a fault overrides in the reply itself; ``wraps`` is whether a periodic output (R15) is.
    """

    case: Case
    tensors: Outputs
    stride: list[int]
    dilation: list[int]
    groups: int
    low: list[int]
    size: list[int]
    reply: dict[str, Any] = field(default_factory=dict)
    wraps: bool = True

    @classmethod
    def of(cls, case: Case, given: Outputs | None = None) -> Work:
        geometry = case.geometry()
        tensors = dict(make_tensors(case) if given is None else given)
        for name, array in tensors.items():
            array = np.array(array, dtype=np.complex128 if case.format.is_complex else np.float64)
            if case.layout == "channels_last" and name in IMAGES:
                array = np.ascontiguousarray(np.moveaxis(array, -1, 1))
            tensors[name] = array
        low = [pair[0] for pair in geometry.crop]
        stride, dilation = list(case.stride), list(case.dilation)
        return cls(case, tensors, stride, dilation, case.groups, low, list(geometry.output_size))

    def at(self, name: str) -> int:
        """Index of an axis, among the spatial ones."""
        return self.case.rank + AXES[name]

    def compute(self) -> Outputs:
        """The answers in channels_first, in float64."""
        first, *periods = self._crops()
        found = self._window(self.tensors, first)
        without_bias = {name: array for name, array in self.tensors.items() if name not in ("bias", "vb")}
        for crop in periods:
            for name, part in self._window(without_bias, crop).items():
                if name != "db":
                    found[name] = found[name] + part
        return found

    def taps(self) -> np.ndarray:
        """Number of products at each element of the output, in channels_first."""
        x, w = np.ones(self.tensors["x"].shape), np.ones(self.tensors["w"].shape)
        parts = (oracle.conv_transpose(x, w, None, **self._arguments(crop)) for crop in self._crops())
        return np.asarray(sum(parts))

    def _window(self, t: Outputs, crop: Crop) -> Outputs:
        arguments = self._arguments(crop)
        if self.case.direction == "fwd":
            return {"y": oracle.conv_transpose(t["x"], t["w"], t.get("bias"), **arguments)}
        first = self.case.direction == "grad"
        solve: Any = oracle.conv_transpose_gradients if first else conv_transpose_second_order
        given = (t.get(name) for name in DIRECTIONS[self.case.direction].given)
        found = solve(t["x"], t["w"], *given, **arguments)._asdict()
        return {name: found[name] for name in self.case.outputs}

    def _arguments(self, crop: Crop) -> dict[str, Any]:
        return {"stride": self.stride, "dilation": self.dilation, "groups": self.groups, "crop": crop}

    def _crops(self) -> list[Crop]:
        """The output's window of the full result and, where it wraps, those a period away."""
        t = self.tensors
        sizes = zip(t["x"].shape[2:], t["w"].shape[2:], self.stride, self.dilation, strict=True)
        axes = [
            ((i - 1) * s + d * (k - 1) + 1, low, size)
            for (i, k, s, d), low, size in zip(sizes, self.low, self.size, strict=True)
        ]
        shifts: list[list[int]] = [[0]] * len(axes)
        if self.wraps and self.case.geometry().wraps and 0 not in self.size:
            shifts = [[0, *(m for m in range(-full - size, full + size) if m % size == 0 and m)]
                      for full, _, size in axes]  # fmt: skip
        return [
            tuple((low + m, full - low - m - size) for (full, low, size), m in zip(axes, shift, strict=True))
            for shift in itertools.product(*shifts)
            if all(-size < low + m < full for (full, low, size), m in zip(axes, shift, strict=True))
            or not any(shift)
        ]


Change = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """A way to be wrong.

    Attributes
    ----------
    name : str
        What is wrong, in words.
    ranks : tuple of int
        The ranks on which it can be said.
    before, after : callable or None
        Changes the work, or the answers; ``after`` also takes them.
    """

    name: str
    ranks: tuple[int, ...]
    before: Change | None = None
    after: Change | None = None

    def reply(self, case: Case, given: Outputs | None = None) -> Reply:
        """What an adapter with this fault replies."""
        return reply(case, self, given)


RIGHT = Fault("none", (1, 2, 3))


def reply(case: Case, fault: Fault = RIGHT, given: Outputs | None = None) -> Reply:
    """The reply of the implementation with a fault planted in it."""
    work = Work.of(case, given)
    if fault.before is not None:
        fault.before(work)
    answers = work.compute()
    if fault.after is not None:
        fault.after(work, answers)
    tensors = {}
    for name, array in answers.items():
        if case.layout == "channels_last" and name in IMAGES:
            array = np.moveaxis(array, 1, -1)
        tensors[name] = Tensor(round_to(case.format, array), case.dtype)
    fields: dict[str, Any] = {"kind": "answer", "tensors": tensors, "promise": Adapter.promises[case.dtype]}
    return Reply(**fields | work.reply)


FAULTS: dict[str, Fault] = {}


def _register(name: str, ranks: tuple[int, ...], **hooks: Change) -> None:
    assert name not in FAULTS, name
    FAULTS[name] = Fault(name, ranks, **hooks)


def _planted(hook: str, name: str, ranks: tuple[int, ...], axes: int, ordered: bool) -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        if axes == 0:
            _register(name, ranks, **{hook: change})
            return change
        choose = itertools.permutations if ordered else itertools.combinations
        for chosen in choose(AXES, axes):
            deepest = max(-AXES[axis] for axis in chosen)

            def bound(*arguments: Any, chosen: tuple[str, ...] = chosen) -> Any:
                return change(*arguments, *chosen)

            kept = tuple(rank for rank in ranks if rank >= deepest)
            _register(name.format(*chosen), kept, **{hook: bound})
        return change

    return register


def before(name: str, *, ranks: tuple[int, ...] = (1, 2, 3), axes: int = 0, ordered: bool = False) -> Any:
    """Plant a fault before the computation; ``axes`` of them are chosen and named in ``name``."""
    return _planted("before", name, ranks, axes, ordered)


def after(name: str, *, ranks: tuple[int, ...] = (1, 2, 3), axes: int = 0, ordered: bool = False) -> Any:
    """Plant a fault after the computation."""
    return _planted("after", name, ranks, axes, ordered)


__all__ = ["AXES", "FAULTS", "RIGHT", "Fault", "Outputs", "Work", "after", "before", "reply"]
