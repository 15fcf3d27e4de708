"""The tap trace: which tap of which input reaches which output element, measured on an implementation.

A transposed convolution is bilinear, so one-hot inputs and a kernel of distinct exact numbers make its index map
visible: every number in the output identifies its weight. From the map the stride, dilation, crop, flips
and channel order that an implementation really uses are computed, not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.adapters.host.client import AdapterProcess
from conformance.cases.case import Case
from conformance.cases.dtypes import round_to
from conformance.cases.geometry import axis_names
from conformance.diagnosis.mutations.problem import Problem, Tensors, channels_first
from conformance.diagnosis.mutations.registry import Variation, along, join_words
from conformance.oracle.expected_output import expected_output

__all__ = ["Effective", "Trace", "effective", "explanation", "trace", "trace_of_oracle"]

# Elements of the batched input above which a case is too large to be traced in one run.
_MAX_ELEMENTS = 1 << 22

Run = Callable[[Case, Tensors], np.ndarray | None]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The index map of one implementation for one case.

    Attributes
    ----------
    case : Case
        The case; its batch and data do not matter.
    output_size : tuple of int
        Spatial size of the output.
    links : numpy.ndarray
        One row for each product that arrives alone: input channel, input position, weight (Cin, Cout/G, *k),
        output channel, output position; (L, 4 + 3 * rank) integers.
    sums : int
        Output elements that sum several products of one input element; 0 where all is right.
    """

    case: Case
    output_size: tuple[int, ...]
    links: np.ndarray
    sums: int

    def column(self, name: str) -> np.ndarray:
        """Positions ``input``, ``tap`` and ``output``, or channels ``cin``, ``wcin``, ``wcout`` and ``cout``."""
        r = self.case.rank
        places: dict[str, int | slice] = {
            "cin": 0,
            "input": slice(1, 1 + r),
            "wcin": 1 + r,
            "wcout": 2 + r,
            "tap": slice(3 + r, 3 + 2 * r),
            "cout": 3 + 2 * r,
            "output": slice(4 + 2 * r, 4 + 3 * r),
        }
        return self.links[:, places[name]]


def trace(case: Case, host: AdapterProcess) -> Trace | None:
    """Measure the index map of an adapter.

    Parameters
    ----------
    case : Case
        The case; it runs forward, without bias, with one batch item for each input element.
    host : AdapterProcess
        The adapter.

    Returns
    -------
    Trace or None
        None where the adapter gives no output, or the case is too large to be traced.
    """

    def run(probe: Case, tensors: Tensors) -> np.ndarray | None:
        reply = host.run(probe, tensors)
        return reply.tensors["y"].values if "y" in reply.tensors else None  # a shape inference has none

    return _trace(case, run)


def trace_of_oracle(case: Case) -> Trace | None:
    """The index map by the rules, measured on the oracle in the same way."""
    return _trace(case, lambda probe, tensors: expected_output(probe, tensors)["y"])


def _trace(case: Case, run: Run) -> Trace | None:
    inputs = case.in_channels * math.prod(case.input_size)
    elements = inputs * max(inputs, case.out_channels * math.prod(case.geometry().full_size))
    if not inputs or elements > _MAX_ELEMENTS:
        return None
    probe = replace(case, batch=inputs, bias=False, direction="fwd", data="ints")
    x = np.eye(inputs).reshape(inputs, case.in_channels, *case.input_size)
    if case.layout == "channels_last":
        x = np.moveaxis(x, 1, -1)
    count = math.prod(case.weight_shape)
    labels = np.arange(count).reshape(case.weight_shape)
    # An output element is the sum of the labels of its m products. A second run, with the labels counted from the
    # other end, gives m: each label and its complement add up to base + 1. Labels too large for the format are run
    # digit by digit.
    base = max(min(count, case.format.largest_exact_integer // 4 - 1), 1)
    number, products, scale = np.zeros((), np.int64), None, 1
    while products is None or scale < count:
        digits = labels // scale % base
        low = run(probe, _tensors(probe, x, digits + 1))
        high = run(probe, _tensors(probe, x, base - digits))
        if low is None or high is None or low.shape != high.shape or low.ndim != case.rank + 2:
            return None
        with np.errstate(invalid="ignore"):
            counts = (low.real + high.real) / (base + 1)
        if not np.isfinite(counts).all() or (products is not None and (counts != products).any()):
            return None
        products = counts
        number = number + scale * (np.where(counts == 1, low.real, 1) - 1).astype(np.int64)
        scale *= base
    products = channels_first(case, products)
    number = channels_first(case, number)
    where = np.argwhere(products == 1)
    labels_seen = number[tuple(where.T)]
    if labels_seen.size and (labels_seen.min() < 0 or labels_seen.max() >= count):
        return None
    source = np.stack(np.unravel_index(where[:, 0], (case.in_channels, *case.input_size)), axis=1)
    weight = np.stack(np.unravel_index(labels_seen, case.weight_shape), axis=1)
    links = np.concatenate([source, weight, where[:, 1:]], axis=1)
    return Trace(case=case, output_size=products.shape[2:], links=links, sums=int((products > 1).sum()))


def _tensors(case: Case, x: np.ndarray, w: np.ndarray) -> Tensors:
    return {"x": round_to(case.format, x), "w": round_to(case.format, w.astype(np.float64))}


@dataclass(frozen=True, kw_only=True)
class Effective:
    """The numbers an implementation really uses, computed from its index map; None where that leaves them open.

    Attributes
    ----------
    stride, dilation : tuple of int or None
        Along each output axis; the dilation is negative where the kernel is flipped.
    input_axis, kernel_axis : tuple of int
        Which axis of the input and of the kernel runs along each output axis.
    low : tuple of int
        Where the output starts in the full result.
    channels_right : bool
        Whether every weight joined the channels it belongs to (R8, R9).
    missing, strange : int
        Products of the oracle that never arrive, and products that arrive where no rule sends them.
    """

    stride: tuple[int | None, ...]
    dilation: tuple[int | None, ...]
    input_axis: tuple[int, ...]
    kernel_axis: tuple[int, ...]
    low: tuple[int, ...]
    channels_right: bool
    missing: int
    strange: int


def effective(found: Trace) -> Effective | None:
    """Solve output = stride * input + dilation * tap - low for each axis; None where there is no such law."""
    case, rank = found.case, found.case.rank
    if not len(found.links):
        return None
    j, t, o = found.column("input"), found.column("tap"), found.column("output")
    stride: list[int | None] = []
    dilation: list[int | None] = []
    low: list[int] = []
    input_axes, kernel_axes = [], []
    for axis in range(rank):
        law = _law(j, t, o[:, axis], axis)
        if law is None:
            return None
        s, d, c, input_axis, kernel_axis = law
        stride.append(s)
        dilation.append(d)
        input_axes.append(input_axis)
        kernel_axes.append(kernel_axis)
        # A flipped kernel starts with its last tap.
        low.append(-c - (d * (case.kernel_size[kernel_axis] - 1) if d is not None and d < 0 else 0))
    share_in, share_out = case.in_channels // case.groups, case.out_channels // case.groups
    cin, cout = found.column("cin"), found.column("cout")
    right = (
        (found.column("wcin") == cin).all()
        and (found.column("wcout") == cout % share_out).all()
        and (cin // share_in == cout // share_out).all()
    )
    expected = trace_of_oracle(case)
    expected_links = set(map(tuple, expected.links.tolist())) if expected is not None else set()
    seen = set(map(tuple, found.links.tolist()))
    return Effective(
        stride=tuple(stride),
        dilation=tuple(dilation),
        input_axis=tuple(input_axes),
        kernel_axis=tuple(kernel_axes),
        low=tuple(low),
        channels_right=bool(right),
        missing=len(expected_links - seen),
        strange=len(seen - expected_links),
    )


def _law(
    j: np.ndarray, t: np.ndarray, o: np.ndarray, axis: int
) -> tuple[int | None, int | None, int, int, int] | None:
    """o = s * j[a] + d * t[b] + c with integers; axis pairs nearest to (axis, axis) first."""
    rank = j.shape[1]
    order = sorted(range(rank), key=lambda a: a != axis)
    for a, b in sorted(((a, b) for a in order for b in order), key=lambda ab: (ab[0] != axis) + (ab[1] != axis)):
        varies_j, varies_t = np.ptp(j[:, a]) > 0, np.ptp(t[:, b]) > 0
        columns = [np.ones(len(o)), *([j[:, a]] if varies_j else []), *([t[:, b]] if varies_t else [])]
        design = np.stack(columns, axis=1).astype(float)
        solution, _, column_rank, _ = np.linalg.lstsq(design, o.astype(float), rcond=None)
        rounded: Any = np.round(solution).astype(np.int64)
        if column_rank == len(columns) and (design @ rounded == o).all():
            c, rest = int(rounded[0]), [int(n) for n in rounded[1:]]
            s = rest.pop(0) if varies_j else None
            d = rest.pop(0) if varies_t else None
            return s, d, c, a, b
    return None


def explanation(found: Trace, problem: Problem) -> Variation | None:
    """The mistakes that an index map shows, as one variation; None where it is right or follows no law."""
    law = effective(found)
    if law is None or not law.channels_right:
        return None
    names = axis_names(problem.rank)
    parts: list[str] = []
    axes: set[str] = set()
    transforms: list[str] = []

    def note(transform: str, involved: list[str], text: str) -> None:
        if involved:
            transforms.append(transform)
            axes.update(involved)
            parts.append(text)

    own = tuple(range(problem.rank))
    swapped = [names[a] for a in own if law.kernel_axis[a] != a or law.input_axis[a] != a]
    if swapped:
        return None  # swapped axes are transformations in the registry; only numbers are read here
    flipped = [names[a] for a in own if (law.dilation[a] or 1) < 0]
    note("flip", flipped, f"the kernel flipped {along(flipped)}")
    stride = tuple(s if s is not None else e for s, e in zip(law.stride, problem.stride, strict=True))
    dilation = tuple(abs(d) if d is not None else e for d, e in zip(law.dilation, problem.dilation, strict=True))
    for field, used, right in (("stride", stride, problem.stride), ("dilation", dilation, problem.dilation)):
        wrong = [a for a in own if used[a] != right[a]]
        text = join_words([f"{used[a]} along {names[a]}" for a in wrong])
        note(field, [names[a] for a in wrong], f"the {field} of the taps {text}")
    moved = [a for a in own if law.low[a] != problem.low[a]]
    text = join_words([f"{problem.low[a] - law.low[a]:+d} along {names[a]}" for a in moved])
    note("shift", [names[a] for a in moved], f"the output shifted by {text}")
    if not parts or min(stride) < 1 or min(dilation) < 1:
        return None

    def apply(p: Problem) -> Problem:
        turn = tuple(a + 2 for a in own if names[a] in flipped)
        w = np.flip(p.w, turn) if turn else p.w
        return p.but(w=w, stride=stride, dilation=dilation, low=law.low, size=found.output_size)

    return Variation("+".join(transforms), tuple(n for n in names if n in axes), join_words(parts), apply)
