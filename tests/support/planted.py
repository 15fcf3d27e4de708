"""Planted faults: a NumPy transposed convolution with one thing done wrong, for the diagnosis to name.

The implementation is a plain scatter loop over taps with hooks; nothing of the oracle or the diagnosis is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases.case import Case
from conformance.cases.dtypes import round_to
from conformance.cases.errors import DomainError

Tensors = dict[str, np.ndarray]


@dataclass
class Work:
    """The mutable state that a fault interferes with."""

    case: Case
    x: np.ndarray
    w: np.ndarray
    bias: np.ndarray | None
    stride: list[int]
    dilation: list[int]
    low: list[int]
    size: list[int]
    groups: int


Fault = Callable[[Work], None]


def forward(
    case: Case, tensors: Tensors, fault: Fault = lambda work: None, after: Any = lambda y: y
) -> np.ndarray:
    geometry = case.geometry()
    x = np.asarray(tensors["x"], dtype=float)
    if case.layout == "channels_last":
        x = np.moveaxis(x, -1, 1)
    bias = tensors.get("bias")
    work = Work(
        case,
        x,
        np.asarray(tensors["w"], dtype=float),
        None if bias is None else np.asarray(bias, dtype=float).reshape(-1, *(1,) * case.rank),
        list(case.stride),
        list(case.dilation),
        [low for low, _ in geometry.crop],
        list(geometry.output_size),
        case.groups,
    )
    fault(work)
    y = after(scatter(work))
    y = np.moveaxis(y, 1, -1) if case.layout == "channels_last" else y
    return round_to(case.format, y)


def scatter(work: Work) -> np.ndarray:
    per_in, per_out = work.x.shape[1] // work.groups, work.w.shape[1]
    y = np.zeros((work.x.shape[0], per_out * work.groups, *work.size))
    for g in range(work.groups):
        ins, outs = slice(g * per_in, (g + 1) * per_in), slice(g * per_out, (g + 1) * per_out)
        for j in np.ndindex(*work.x.shape[2:]):
            for t in np.ndindex(*work.w.shape[2:]):
                o = tuple(
                    a * s + b * d - low
                    for a, s, b, d, low in zip(j, work.stride, t, work.dilation, work.low, strict=True)
                )
                if all(0 <= p < n for p, n in zip(o, work.size, strict=True)):
                    y[(slice(None), outs, *o)] += work.x[(slice(None), ins, *j)] @ work.w[(ins, slice(None), *t)]
    return y if work.bias is None else y + work.bias


class Planted:
    """An adapter's process in miniature: runs every case with one fault, in this process."""

    def __init__(self, compute: Callable[[Case, Tensors], Tensors], *, steady: bool = True) -> None:
        self.compute, self.steady, self.calls = compute, steady, 0

    def run(self, case: Case, tensors: Tensors) -> Reply:
        self.calls += 1
        try:
            found = self.compute(case, tensors)
        except (DomainError, NotImplementedError, ValueError) as error:
            return Reply("raised", detail=f"{type(error).__name__}: {error}")
        return Reply(
            "answer",
            {n: Tensor(np.asarray(a), case.dtype) for n, a in found.items()},
            changing=() if self.steady else tuple(found),
            promise="fp32-acc" if case.dtype != "f64" else "fp64",
        )


def gradients(case: Case, tensors: Tensors, fault: Fault = lambda work: None) -> Tensors:
    """dx, dw and db by loops over every product, with one fault."""
    geometry = case.geometry()
    x, dy = (np.asarray(tensors[n], dtype=float) for n in ("x", "dy"))
    if case.layout == "channels_last":
        x, dy = np.moveaxis(x, -1, 1), np.moveaxis(dy, -1, 1)
    work = Work(
        case,
        x,
        np.asarray(tensors["w"], float),
        None,
        list(case.stride),
        list(case.dilation),
        [low for low, _ in geometry.crop],
        list(geometry.output_size),
        case.groups,
    )
    fault(work)
    dx, dw = np.zeros_like(x), np.zeros_like(work.w)
    per_in, per_out = x.shape[1] // work.groups, work.w.shape[1]
    for c, f in np.ndindex(x.shape[1], per_out):
        out = c // per_in * per_out + f
        for j in np.ndindex(*x.shape[2:]):
            for t in np.ndindex(*work.w.shape[2:]):
                o = tuple(
                    a * s + b * d - low
                    for a, s, b, d, low in zip(j, work.stride, t, work.dilation, work.low, strict=True)
                )
                if all(0 <= p < n for p, n in zip(o, work.size, strict=True)):
                    dx[(slice(None), c, *j)] += dy[(slice(None), out, *o)] * work.w[(c, f, *t)]
                    dw[(c, f, *t)] += (dy[(slice(None), out, *o)] * work.x[(slice(None), c, *j)]).sum()
    found = {"dx": np.moveaxis(dx, 1, -1) if case.layout == "channels_last" else dx, "dw": dw}
    if case.bias:
        found["db"] = dy.sum(axis=(0, *range(2, dy.ndim)))
    return {name: round_to(case.format, array) for name, array in found.items()}
