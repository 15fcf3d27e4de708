"""The expected output, in NumPy float64: rules R1, R2, R3, R8 and R10.

Three algorithms that share no code compute the output, and three the gradients. The tests compare them with each
other, and with R1 to R3 in exact rational arithmetic.

``conv_transpose``, ``conv_transpose_gradients``
    Scatter by tap: one matrix product, then axis by axis one strided addition per tap. Everything uses this one.
``by_zero_insertion``, ``gradients_by_correlation``
    The input with zeros inserted, correlated with the flipped kernel (Dumoulin and Visin, A guide to
    convolution arithmetic for deep learning, 2016, section 4).
``by_forward_matrix``, ``gradients_by_forward_matrix``
    The matrix of the forward convolution, transposed (the same guide, section 4.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "Gradients",
    "by_forward_matrix",
    "by_zero_insertion",
    "conv_transpose",
    "conv_transpose_gradients",
    "gradients_by_correlation",
    "gradients_by_forward_matrix",
]

IntOrAxes = int | Sequence[int]
Crop = Sequence[tuple[int, int]]


class Gradients(NamedTuple):
    """The adjoints of the bilinear map (R10): of the input, the weights and the bias."""

    dx: np.ndarray
    dw: np.ndarray
    db: np.ndarray


class _Problem(NamedTuple):
    """One problem with every argument given per axis; arrays are channels_first and at least double precision."""

    x: np.ndarray
    w: np.ndarray
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    crop: tuple[tuple[int, int], ...]
    layout: str
    full_size: tuple[int, ...]
    output_size: tuple[int, ...]

    @property
    def out_channels(self) -> int:
        return self.groups * self.w.shape[1]


def _per_axis(name: str, value: IntOrAxes, rank: int) -> tuple[int, ...]:
    values = (value,) * rank if isinstance(value, (int, np.integer)) else tuple(map(int, value))
    if len(values) != rank:
        raise ValueError(f"{name} has {len(values)} entries for {rank} spatial axes")
    if min(values) < 1:
        raise ValueError(f"{name} is {values}; R11 requires at least 1")
    return values


def _double(array: Any) -> np.ndarray:
    array = np.asarray(array)
    return np.asarray(array, np.complex128 if array.dtype.kind == "c" else np.float64)


def _problem(
    x: Any,
    w: Any,
    *,
    stride: IntOrAxes = 1,
    dilation: IntOrAxes = 1,
    groups: int = 1,
    crop: Crop | None = None,
    layout: str = "channels_first",
) -> _Problem:
    x, w = _double(x), _double(w)
    rank = w.ndim - 2
    if rank < 1 or x.ndim != w.ndim:
        raise ValueError(f"x has {x.ndim} axes and w {w.ndim}; both need two and one per spatial axis")
    if layout not in ("channels_first", "channels_last"):
        raise ValueError(f"layout is {layout!r}; it is channels_first or channels_last")
    if layout == "channels_last":
        x = x.transpose(0, -1, *range(1, rank + 1))
    if min(w.shape) < 1 or groups < 1 or w.shape[0] % groups or x.shape[1] != w.shape[0]:
        raise ValueError(
            f"x of shape {x.shape} (channels_first) and w of shape {w.shape} do not fit with groups {groups}"
        )
    pairs = ((0, 0),) * rank if crop is None else tuple([(int(low), int(high)) for low, high in crop])
    if len(pairs) != rank:
        raise ValueError(f"crop has {len(pairs)} entries for {rank} spatial axes")
    stride, dilation = _per_axis("stride", stride, rank), _per_axis("dilation", dilation, rank)
    axes = zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True)
    full = tuple([(i - 1) * s + d * (k - 1) + 1 for i, k, s, d in axes])
    output = tuple([size - low - high for size, (low, high) in zip(full, pairs, strict=True)])
    if min(output) < 0:
        raise ValueError(f"the output size would be {output}; R11 requires at least 0")
    return _Problem(x, w, stride, dilation, groups, pairs, layout, full, output)


def _finish(y: np.ndarray, bias: Any, layout: str) -> np.ndarray:
    """Add the bias (R3) and arrange the layout."""
    if bias is not None:
        y = y + _double(bias).reshape(-1, *(1,) * (y.ndim - 2))
    return np.ascontiguousarray(y.transpose(0, *range(2, y.ndim), 1) if layout == "channels_last" else y)


def _at(positions: Iterable[slice]) -> Any:
    """Index of the last axes; the axes before them are taken in full."""
    return (..., *positions)


def _window(full: int, low: int, length: int) -> tuple[slice, slice]:
    """Where the output [low, low + length) overlaps the full result: the slice of each."""
    start, stop = max(low, 0), min(low + length, full)
    if stop <= start:
        return slice(0, 0), slice(0, 0)
    return slice(start, stop), slice(start - low, stop - low)


def _move(array: np.ndarray, p: _Problem, *, to_full: bool) -> np.ndarray:
    """From the full result to the output (R2), or back. Positions that both have are copied; the rest is zero."""
    if not to_full and min(map(min, p.crop)) >= 0:
        return array[_at(slice(low, low + size) for (low, _), size in zip(p.crop, p.output_size, strict=True))]
    windows = [_window(*axis) for axis in zip(p.full_size, (low for low, _ in p.crop), p.output_size, strict=True)]
    source, target = (1, 0) if to_full else (0, 1)
    size = [max(size, 0) for size in p.full_size] if to_full else p.output_size
    moved = np.zeros((*array.shape[:2], *size), array.dtype)
    moved[_at(pair[target] for pair in windows)] = array[_at(pair[source] for pair in windows)]
    return moved


def _landing(axis: int, p: _Problem) -> list[Any]:
    """For each tap of a spatial axis, the index of the elements that it adds to in the full result (R1)."""
    before = (slice(None),) * (1 + len(p.stride))
    i, s, d = p.x.shape[2 + axis], p.stride[axis], p.dilation[axis]
    return [
        (*before, slice(t * d, t * d + (i - 1) * s + 1 if i else t * d, s)) for t in range(p.w.shape[2 + axis])
    ]


def _add_taps(parts: np.ndarray, axis: int, p: _Problem) -> np.ndarray:
    """Add the taps of a spatial axis where they land.

    The axes of ``parts`` are N, C, the taps of this axis and the later ones, the full sizes of the earlier axes,
    and the input sizes of this axis and the later ones.
    """
    place, one = 1 + len(p.stride), parts[:, :, 0]
    full = np.empty_like(one, shape=(*one.shape[:place], max(p.full_size[axis], 0), *one.shape[place + 1 :]))
    full.fill(0)
    for tap, index in enumerate(_landing(axis, p)):
        reached = full[index]
        np.add(reached, parts[:, :, tap], out=reached)
    return full


def _gather_taps(full: np.ndarray, axis: int, p: _Problem) -> np.ndarray:
    """The transpose of `_add_taps`: the elements that each tap reaches."""
    shape, rank, landing = full.shape, len(p.stride), _landing(axis, p)
    size = p.x.shape[2 + axis]
    parts = np.empty((*shape[:2], len(landing), *shape[2 : 1 + rank], size, *shape[2 + rank :]), full.dtype)
    for tap, index in enumerate(landing):
        parts[:, :, tap] = full[index]
    return parts


def _as_matrices(p: _Problem) -> tuple[np.ndarray, np.ndarray]:
    """Input (N, G, Cin/G, spatial) and weights (G, Cin/G, Cout/G * taps): one matrix per group."""
    share = p.w.shape[0] // p.groups
    image = p.x.reshape(p.x.shape[0], p.groups, share, math.prod(p.x.shape[2:]))
    return image, p.w.reshape(p.groups, share, -1)


@np.errstate(invalid="ignore", over="ignore")  # NaN and infinity are data like any other
def conv_transpose(
    x: Any,
    w: Any,
    bias: Any = None,
    *,
    stride: IntOrAxes = 1,
    dilation: IntOrAxes = 1,
    groups: int = 1,
    crop: Crop | None = None,
    layout: str = "channels_first",
) -> np.ndarray:
    """Transposed convolution by scatter (R1), crop (R2) and bias (R3).

    Parameters
    ----------
    x : array_like
        Input, (N, Cin, *i) or (N, *i, Cin) by ``layout``; with one to three spatial axes (more also work).
    w : array_like
        Weights, (Cin, Cout/G, *k) in either layout (R9); not flipped.
    bias : array_like, optional
        (Cout,).
    stride, dilation : int or sequence of int
        One number, or one per axis; at least 1.
    groups : int
        Contiguous channel groups (R8).
    crop : sequence of (int, int), optional
        Positions to drop at the start and the end of each axis; negative adds zeros. None drops nothing.
    layout : str
        ``channels_first`` or ``channels_last``.

    Returns
    -------
    numpy.ndarray
        Output in the same layout, float64 (complex128 for complex input).

    Raises
    ------
    ValueError
        Arguments that do not fit each other or lie outside the domain (R11).
    """
    p = _problem(x, w, stride=stride, dilation=dilation, groups=groups, crop=crop, layout=layout)
    image, weights = _as_matrices(p)
    full = np.matmul(weights.swapaxes(1, 2), image)
    full = full.reshape(p.x.shape[0], p.out_channels, *p.w.shape[2:], *p.x.shape[2:])
    if full.shape[0] * full.shape[1] > 2 * full.shape[-1]:  # adds along longer runs of memory
        full = np.moveaxis(np.ascontiguousarray(np.moveaxis(full, (0, 1), (-2, -1))), (-2, -1), (0, 1))
    for axis in range(len(p.stride)):
        full = _add_taps(full, axis, p)
    return _finish(_move(full, p, to_full=False), bias, layout)


@np.errstate(invalid="ignore", over="ignore")  # NaN and infinity are data like any other
def conv_transpose_gradients(
    x: Any,
    w: Any,
    dy: Any,
    *,
    stride: IntOrAxes = 1,
    dilation: IntOrAxes = 1,
    groups: int = 1,
    crop: Crop | None = None,
    layout: str = "channels_first",
) -> Gradients:
    """Gradients of ``sum(dy * conv_transpose(x, w, bias))`` (R10).

    Parameters
    ----------
    x, w, stride, dilation, groups, crop, layout
        As in `conv_transpose`.
    dy : array_like
        Upstream gradient in the shape of the output.

    Returns
    -------
    Gradients
        ``dx`` in the shape of ``x``, ``dw`` in the shape of ``w`` and ``db`` of (Cout,), float64. Complex
        arguments are not conjugated: the map is bilinear, and these are its transposes.

    Raises
    ------
    ValueError
        As in `conv_transpose`, or ``dy`` has a different shape from the output.
    """
    p = _problem(x, w, stride=stride, dilation=dilation, groups=groups, crop=crop, layout=layout)
    dy = _output_gradient(p, dy)
    image, weights = _as_matrices(p)
    gathered = _move(dy, p, to_full=True)
    for axis in reversed(range(len(p.stride))):
        gathered = _gather_taps(gathered, axis, p)
    gathered = gathered.reshape(p.x.shape[0], groups, weights.shape[2], image.shape[3])
    dx = np.matmul(weights, gathered).reshape(p.x.shape)
    dw = np.zeros(weights.shape, np.result_type(p.x, dy))
    for item, window in zip(image, gathered, strict=True):
        dw += np.matmul(item, window.swapaxes(1, 2))
    return Gradients(_finish(dx, None, layout), dw.reshape(p.w.shape), dy.sum(axis=(0, *range(2, dy.ndim))))


def _output_gradient(problem: _Problem, dy: Any) -> np.ndarray:
    dy = _double(dy)
    if problem.layout == "channels_last":
        dy = np.moveaxis(dy, -1, 1)
    if dy.shape != (expected := (problem.x.shape[0], problem.out_channels, *problem.output_size)):
        raise ValueError(f"dy has shape {dy.shape} (channels_first); the output has {expected}")
    return dy


# --- Zero insertion and correlation -------------------------------------------------------------------------


def by_zero_insertion(x: Any, w: Any, bias: Any = None, **arguments: Any) -> np.ndarray:
    """`conv_transpose` as a correlation of the zero-stuffed input with the flipped kernel."""
    p = _problem(x, w, **arguments)
    kernel = p.w.shape[2:]
    reach = [d * (k - 1) for d, k in zip(p.dilation, kernel, strict=True)]
    places, keep, total = [], [], []
    for size, step, r, (low, _), length in zip(p.x.shape[2:], p.stride, reach, p.crop, p.output_size, strict=True):
        stuffed_size = max((size - 1) * step + 1, 0)
        # Zeros before the input, or positions to skip, so that the kernel starts at the first output that is kept.
        front, skip = max(r - low, 0), max(low - r, 0)
        places.append(slice(front, front + stuffed_size, step))
        keep.append(slice(skip, skip + length))
        # Zeros after the input, so that the kernel reaches the last output that is kept.
        total.append(max(front + stuffed_size, skip + max(length, 1) + r))
    stuffed = np.zeros((*p.x.shape[:2], *total), p.x.dtype)
    if p.x.size:
        stuffed[_at(places)] = p.x
    flipped = np.flip(p.w, axis=tuple(range(2, p.w.ndim)))
    extent = [r + 1 for r in reach]
    views = np.lib.stride_tricks.sliding_window_view(stuffed, extent, axis=tuple(range(2, p.x.ndim)))
    views = views[(slice(None), slice(None), *keep, *(slice(None, None, d) for d in p.dilation))]
    spatial, window, share = "pqrs"[: len(kernel)], "uvwx"[: len(kernel)], p.x.shape[1] // p.groups
    parts = [
        np.einsum(
            f"nc{spatial}{window},cf{window}->nf{spatial}",
            views[:, g * share : (g + 1) * share],
            flipped[g * share : (g + 1) * share],
        )
        for g in range(p.groups)
    ]
    return _finish(np.concatenate(parts, axis=1), bias, p.layout)


def gradients_by_correlation(x: Any, w: Any, dy: Any, **arguments: Any) -> Gradients:
    """`conv_transpose_gradients` by sliding the kernel, or the input, over the padded upstream gradient."""
    p = _problem(x, w, **arguments)
    dy = _output_gradient(p, dy)
    rank = p.w.ndim - 2
    batch, spatial, kernel = p.x.shape[0], p.x.shape[2:], p.w.shape[2:]
    trimmed = dy[_at((slice(max(-low, 0), n) for (low, _), n in zip(p.crop, p.output_size, strict=True)))]
    front = [max(low, 0) for low, _ in p.crop]
    back = [max(f - a - n, 0) for f, a, n in zip(p.full_size, front, trimmed.shape[2:], strict=True)]
    padded = np.pad(trimmed, [(0, 0), (0, 0), *zip(front, back, strict=True)])
    share_in, share_out = p.x.shape[1] // p.groups, p.w.shape[1]
    dx, dw = np.zeros_like(p.x, dtype=dy.dtype), np.zeros_like(p.w, dtype=dy.dtype)
    if p.x.size:
        extent = [d * (k - 1) + 1 for d, k in zip(p.dilation, kernel, strict=True)]
        views = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=tuple(range(2, 2 + rank)))
        places = [slice(0, (i - 1) * s + 1, s) for i, s in zip(spatial, p.stride, strict=True)]
        views = views[(slice(None), slice(None), *places, *(slice(None, None, d) for d in p.dilation))]
        position, window = "pqrs"[:rank], "uvwx"[:rank]
        for g in range(p.groups):
            ins, outs = slice(g * share_in, (g + 1) * share_in), slice(g * share_out, (g + 1) * share_out)
            dx[:, ins] = np.einsum(f"nf{position}{window},cf{window}->nc{position}", views[:, outs], p.w[ins])
            dw[ins] = np.einsum(f"nf{position}{window},nc{position}->cf{window}", views[:, outs], p.x[:, ins])
    db = np.einsum("nfk->f", dy.reshape(batch, p.out_channels, math.prod(p.output_size)))
    return Gradients(_finish(dx, None, p.layout), dw, db)


# --- The transposed matrix of the forward convolution -------------------------------------------------------


def _incidence(i: int, k: int, s: int, d: int, low: int, length: int) -> np.ndarray:
    """For one axis, 1.0 where input j meets output o through tap t, as (i, k, length)."""
    j, t, o = np.ogrid[:i, :k, :length]
    return (j * s + t * d - low == o).astype(np.float64)


def _forward_matrices(p: _Problem) -> tuple[str, list[np.ndarray], str, str, str]:
    axes = zip(p.x.shape[2:], p.w.shape[2:], p.stride, p.dilation, p.crop, p.output_size, strict=True)
    matrices = [_incidence(i, k, s, d, low, out) for i, k, s, d, (low, _), out in axes]
    rank = len(matrices)
    # One incidence tensor per axis: input, tap and output index. The letters are distinct over the axes.
    labels = ",".join(["iao", "jbp", "kcq", "leP"][:rank])
    return labels, matrices, "ijkl"[:rank], "abce"[:rank], "opqP"[:rank]


def by_forward_matrix(x: Any, w: Any, bias: Any = None, **arguments: Any) -> np.ndarray:
    """`conv_transpose` as the product of the input with the transposed matrix of the forward convolution."""
    p = _problem(x, w, **arguments)
    labels, matrices, inputs, taps, outputs = _forward_matrices(p)
    parts = []
    for xg, wg in zip(np.split(p.x, p.groups, axis=1), np.split(p.w, p.groups, axis=0), strict=True):
        matrix = np.einsum(f"xf{taps},{labels}->x{inputs}f{outputs}", wg, *matrices, optimize=True)
        matrix = matrix.reshape(math.prod(xg.shape[1:]), wg.shape[1] * math.prod(p.output_size))
        flat = xg.reshape(xg.shape[0], matrix.shape[0]) @ matrix
        parts.append(flat.reshape(xg.shape[0], wg.shape[1], *p.output_size))
    return _finish(np.concatenate(parts, axis=1), bias, p.layout)


def gradients_by_forward_matrix(x: Any, w: Any, dy: Any, **arguments: Any) -> Gradients:
    """`conv_transpose_gradients` by contracting the incidence of input, tap and output."""
    p = _problem(x, w, **arguments)
    dy = _output_gradient(p, dy)
    labels, matrices, inputs, taps, outputs = _forward_matrices(p)
    dx, dw = [], []
    for xg, wg, dyg in zip(
        np.split(p.x, p.groups, 1), np.split(p.w, p.groups, 0), np.split(dy, p.groups, 1), strict=True
    ):
        operands = [dyg, *matrices]
        dx.append(np.einsum(f"xf{taps},nf{outputs},{labels}->nx{inputs}", wg, *operands, optimize=True))
        dw.append(np.einsum(f"nx{inputs},nf{outputs},{labels}->xf{taps}", xg, *operands, optimize=True))
    ones = np.ones((p.x.shape[0], *p.output_size))
    db = np.tensordot(ones, np.moveaxis(dy, 1, -1), axes=ones.ndim)
    return Gradients(_finish(np.concatenate(dx, 1), None, p.layout), np.concatenate(dw, 0), db)
