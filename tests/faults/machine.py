"""A right implementation with its inside open, so that faults can be planted in it, and their registry.

`Work` is one call taken apart. A fault changes it before the computation (wrong parameters, wrong reading of a
tensor) or changes the outputs after it.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Sequence
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
    """One call: its tensors in channels_first and float64, its parameters, and where the output starts.

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
        """The outputs in channels_first, in float64."""
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
        Changes the work, or the outputs; ``after`` also takes them.
    diagnosed_as : dict of int to str
        What the diagnosis calls it on each rank; "unexplained" where no transformation of the oracle equals it.
    axes : dict of int to list of str
        The axes that the diagnosis names on each rank, outermost first.
    shown_by : str
        Fields of a case id that show the fault, in place of those of the standard case of `case`.
    where : callable or None
        The cases that the fault is confined to; None for all.
    """

    name: str
    ranks: tuple[int, ...]
    before: Change | None = None
    after: Change | None = None
    diagnosed_as: dict[int, str] = field(default_factory=dict, hash=False)
    axes: dict[int, list[str]] = field(default_factory=dict, hash=False)
    shown_by: str = ""
    where: Callable[[Case], bool] | None = None

    def case(self, rank: int) -> Case:
        """A case that shows the fault."""
        tokens = _CASES[rank].split("-")
        for token in self.shown_by.split():
            place = next(n for n, pattern in enumerate(_FIELDS) if re.fullmatch(pattern, token))
            tokens[place] = _of_rank(token, rank) if place in _SPATIAL else token
        return Case.parse("-".join(tokens))

    def reply(self, case: Case, given: Outputs | None = None) -> Reply:
        """What an adapter with this fault replies."""
        return reply(case, self, given)


def _of_rank(token: str, rank: int) -> str:
    """A field with numbers for three axes, cut to the last ones; one without such numbers is left as it is."""
    letters, numbers = re.fullmatch(r"([a-z_]*?)(m?\d.*)?", token).groups()  # type: ignore[union-attr]
    return letters + "x".join((numbers or "").split("x")[-rank:])


# One case a rank that every number of tells apart.
_CASES = {
    1: "1d-n3-c4x6-i5-k3-s2-d3-g1-p1.3-op2-cf-f32-b1-ints.0-fwd",
    2: "2d-n3-c4x6-i3x5-k4x3-s2x3-d3x2-g1-p3.1x1.4-op1x2-cf-f32-b1-ints.0-fwd",
    3: "3d-n3-c4x6-i2x4x3-k3x2x4-s3x2x1-d1x3x2-g1-p0.2x2.1x1.4-op1x2x0-cf-f32-b1-ints.0-fwd",
}
_FIELDS = (r"\dd", r"n\d+", r"c\d.*", r"i\d.*", r"k\d.*", r"s\d.*", r"d\d.*", r"g\d+",
           r"same.*|circular.*|valid|pm?\d.*", r"op.*", r"cf|cl", r"f64|f32|f16|bf16", r"b[01]",
           r"[a-z]+\.\d+", r"fwd|grad|grad2")  # fmt: skip
_SPATIAL = (3, 4, 5, 6, 8, 9)

RIGHT = Fault("none", (1, 2, 3))


def reply(case: Case, fault: Fault = RIGHT, given: Outputs | None = None) -> Reply:
    """The reply of the implementation with a fault planted in it."""
    work = Work.of(case, given)
    if fault.where is not None and not fault.where(case):
        fault = RIGHT
    if fault.before is not None:
        fault.before(work)
    outputs = work.compute()
    if fault.after is not None:
        fault.after(work, outputs)
    tensors = {}
    for name, array in outputs.items():
        if case.layout == "channels_last" and name in IMAGES:
            array = np.moveaxis(array, 1, -1)
        tensors[name] = Tensor(round_to(case.format, array), case.dtype)
    fields: dict[str, Any] = {"kind": "answer", "tensors": tensors, "promise": Adapter.promises[case.dtype]}
    return Reply(**fields | work.reply)


FAULTS: dict[str, Fault] = {}


# Which axes the diagnosis names: by default those chosen for the fault.
_AXES_ON: dict[str, Callable[[int, tuple[str, ...]], Sequence[str]]] = {
    "chosen": lambda rank, chosen: sorted(chosen, key="DHW".index),
    "second": lambda rank, chosen: chosen[1:],
    "last": lambda rank, chosen: "W",
    "every": lambda rank, chosen: "DHW"[-rank:],
    "inner": lambda rank, chosen: "DHW"[-rank:][1:],
}


def _plant(
    hook: str,
    name: str,
    *,
    diagnosed_as: str | dict[int, str],
    on: str = "chosen",
    shown_by: str = "",
    ranks: tuple[int, ...] = (1, 2, 3),
    axes: int = 0,
    ordered: bool = False,
    where: Callable[[Case], bool] | None = None,
) -> Callable[[Change], Change]:
    def register(change: Change) -> Change:
        choose = itertools.permutations if ordered else itertools.combinations
        for chosen in choose(AXES, axes):
            bound = functools.partial(_on_axes, change, chosen)
            kept = tuple(rank for rank in ranks if rank >= max((-AXES[axis] for axis in chosen), default=1))
            fault = Fault(
                name.format(*chosen),
                kept,
                **{hook: bound},
                diagnosed_as=dict.fromkeys(kept, diagnosed_as) if isinstance(diagnosed_as, str) else diagnosed_as,
                axes={rank: list(_AXES_ON[on](rank, chosen)) for rank in kept},
                shown_by=shown_by,
                where=where,
            )
            assert fault.name not in FAULTS, fault.name
            FAULTS[fault.name] = fault
        # Every function of the catalogue is called `_`; tracebacks and profiles show what is wrong instead.
        change.__code__ = change.__code__.replace(co_name=name, co_qualname=name)
        return change

    return register


def _on_axes(change: Change, chosen: tuple[str, ...], *arguments: Any) -> Any:
    return change(*arguments, *chosen)


def before(name: str, **declared: Any) -> Callable[[Change], Change]:
    """Plant a fault before the computation.

    Parameters
    ----------
    name : str
        What is wrong, with a ``{}`` for each chosen axis.
    diagnosed_as : str or dict of int to str
        What the diagnosis calls it, on every rank or on each.
    on : {"chosen", "second", "last", "every", "inner"}
        The axes that the diagnosis names.
    shown_by : str
        Fields of a case id that show the fault, in place of those of the standard case.
    ranks : tuple of int
        The ranks on which it can be said.
    axes : int
        Number of axes to choose; one fault is planted for each choice.
    ordered : bool
        Whether the order of the axes matters.
    where : callable
        The cases that the fault is confined to; by default all.
    """
    return _plant("before", name, **declared)


def after(name: str, **declared: Any) -> Callable[[Change], Change]:
    """Plant a fault after the computation, declared as for `before`."""
    return _plant("after", name, **declared)


__all__ = ["AXES", "FAULTS", "RIGHT", "Fault", "Outputs", "Work", "after", "before", "reply"]
