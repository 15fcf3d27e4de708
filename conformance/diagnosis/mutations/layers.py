"""Mistakes of implementations that compute the first axis tap by tap, each tap with one axis less.

The results of all taps, the columns, are then added where the taps reach, layer by layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from conformance import oracle
from conformance.diagnosis.mutations.problem import Problem, Solver, changed
from conformance.diagnosis.mutations.registry import Variation, transformation

__all__: list[str] = []


@transformation("bias_with_last_tap", "bias_beyond_first_group")
def bias_with_one_tap(p: Problem) -> Iterator[Variation]:
    """The bias comes with the last tap of the first axis only."""
    if p.bias is None or p.case.direction != "fwd" or p.rank < 3:
        return
    first = p.names[0]
    where = f"the bias missing in layers along {first} that its last tap does not reach"
    step = changed(bias_where=_last_tap_reaches)
    yield Variation("bias_with_last_tap", (first,), where, step, combines=True)
    foreign = _foreign_bias(p)
    if foreign is not None:
        change = partial(_with_foreign_bias, foreign=foreign, x=p.x)
        beyond = f"{where}, and other numbers in place of the bias of every group but the first"
        yield Variation("bias_beyond_first_group", (first,), beyond, change, cost=2)


def _last_tap_reaches(p: Problem) -> np.ndarray:
    """The layers of the first axis that its last tap reaches."""
    reached = np.zeros(p.size[0], dtype=bool)
    layers = np.arange(p.x.shape[2]) * p.stride[0] + (p.w.shape[2] - 1) * p.dilation[0] - p.low[0]
    reached[layers[(layers >= 0) & (layers < p.size[0])]] = True
    return reached.reshape(-1, *(1,) * (p.rank - 1))


def _foreign_bias(p: Problem) -> np.ndarray | None:
    """What the output shows in place of the bias: of each channel one number, by element up to rounding."""
    got = p.observed.get("y")
    if p.bias is None or p.groups < 2 or got is None or got.shape[1:] != (p.out_channels, *p.size):
        return None
    where = np.broadcast_to(_last_tap_reaches(p), p.size)
    if not where.any():
        return None
    products = Solver()(p.but(bias=None))["y"]
    added = got - products
    number = _at_smallest(products[:, :, where], added[:, :, where]).reshape(p.bias.shape)
    # Sums are rounded, some twice, so that elements of a channel show the number up to rounding only.
    slack = 4 * p.case.format.unit_roundoff * (np.abs(got) + np.abs(products) + np.abs(number))
    return np.where(np.abs(added - number) <= slack, added, number)


def _at_smallest(products: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Of each channel (axis 1) what was added to the smallest product, which shows it best."""
    sizes, numbers = (np.moveaxis(a, 1, 0).reshape(a.shape[1], -1) for a in (np.abs(products), added))
    return np.take_along_axis(numbers, np.argmin(sizes, axis=1, keepdims=True), axis=1)


def _with_foreign_bias(p: Problem, foreign: np.ndarray, x: np.ndarray) -> Problem:
    if p.bias is None:
        raise ValueError("there is no bias to change")
    # For the error bound all tensors are replaced by magnitudes, so that the numbers are magnitudes, too.
    others = foreign if p.x is x else np.abs(foreign)
    first = np.arange(p.out_channels).reshape(p.bias.shape[-p.rank - 1 :]) < p.out_channels // p.groups
    return p.but(bias=np.where(first, p.bias, others), bias_where=_last_tap_reaches)


@transformation("columns_misread")
def columns_misread(p: Problem) -> Iterator[Variation]:
    """The columns read with the number of input layers that dilation 1 would give for the output's length."""
    if p.case.direction != "fwd" or p.rank < 3 or p.dilation[0] == 1 or p.w.shape[2] == 1:
        return
    first = p.names[0]
    text = f"the results of the taps along {first} read with the row length of dilation 1"
    if p.bias is not None:
        text += ", and the bias added to those of its last tap"
    step = lambda q: q.but(compute=partial(_misread, bias=q.bias), bias=None)  # noqa: E731
    yield Variation("columns_misread", (first,), text, step, combines=True)


def _misread(p: Problem, bias: np.ndarray | None) -> np.ndarray:
    """The full result; where a read lies behind all columns, what the output shows."""
    columns = _columns(p, bias)
    batch, channels, taps, layers, *plane = columns.shape
    padding = (p.case.output_padding or (0,))[0] if not isinstance(p.case.padding, str) else max(-p.high[0], 0)
    stride, dilation, size = p.stride[0], p.dilation[0], p.size[0]
    rows = (p.full_size[0] + padding - taps) // stride + 1
    flat = columns.reshape(-1, *plane)
    y = np.zeros((batch, channels, size, *plane))
    beyond = np.zeros(y.shape, dtype=bool)
    for n, c, tap, row in np.ndindex(batch, channels, taps, rows):
        layer = row * stride + tap * dilation - p.low[0]
        source = n * channels * taps * layers + (c * taps + tap) * rows + row
        if 0 <= layer < size:
            if source < len(flat):
                y[n, c, layer] += flat[source]
            else:
                beyond[n, c, layer] = True
    got = p.observed.get("y")
    if got is not None and got.shape == y.shape:
        y = np.where(beyond, got, y)
    return np.pad(y, [(0, 0), (0, 0), *((max(low, 0), 0) for low in p.low)])


def _columns(p: Problem, bias: np.ndarray | None) -> np.ndarray:
    """(N, Cout, taps, layers, *plane): the result of each tap in each input layer, cropped on the other axes."""
    crop = ((0, 0), *zip(p.low[1:], p.high[1:], strict=True))
    tap = partial(
        oracle.conv_transpose,
        p.x,
        stride=(1, *p.stride[1:]),
        dilation=(1, *p.dilation[1:]),
        groups=p.groups,
        crop=crop,
    )
    columns = np.stack([tap(p.w[:, :, t : t + 1]) for t in range(p.w.shape[2])], axis=2)
    if bias is not None:
        columns[:, :, -1] += bias
    return columns
