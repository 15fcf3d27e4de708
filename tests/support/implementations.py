"""Right implementations that are unlike each other, each with the promise that its arithmetic supports."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.dtypes import round_to
from tests.faults.machine import Outputs, Work

__all__ = ["RIGHT", "reply_of"]

Sum = Callable[[list[np.ndarray], np.random.Generator], np.ndarray]


def _one_by_one(parts: list[np.ndarray], order: np.random.Generator) -> np.ndarray:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _backwards(parts: list[np.ndarray], order: np.random.Generator) -> np.ndarray:
    return _one_by_one(parts[::-1], order)


def _shuffled(parts: list[np.ndarray], order: np.random.Generator) -> np.ndarray:
    return _one_by_one([parts[n] for n in order.permutation(len(parts))], order)


def _in_pairs(parts: list[np.ndarray], order: np.random.Generator) -> np.ndarray:
    while len(parts) > 1:
        parts = [_one_by_one(parts[n : n + 2], order) for n in range(0, len(parts), 2)]
    return parts[0]


def _in_blocks(parts: list[np.ndarray], order: np.random.Generator) -> np.ndarray:
    return _one_by_one([_one_by_one(parts[n : n + 4], order) for n in range(0, len(parts), 4)], order)


def _in_threads(parts: list[np.ndarray], order: np.random.Generator) -> np.ndarray:
    """Partial sums in four threads, added in the order in which they are done."""

    def add(some: list[np.ndarray], order: np.random.Generator) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):  # a thread does not inherit the caller's
            return _one_by_one(some, order)

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(add, parts[n::4], order) for n in range(min(4, len(parts)))]
        return _one_by_one([part.result() for part in as_completed(waiting)], order)


def _terms(work: Work, kind: type) -> list[np.ndarray]:
    """One array a tap and channel, in full size: what each adds to the output."""
    x: np.ndarray = work.tensors["x"].astype(kind)
    w: np.ndarray = work.tensors["w"].astype(kind)
    return [
        _placed(work, product, tap)
        for tap in np.ndindex(*w.shape[2:])
        for product in _products(work, x, w[(slice(None), slice(None), *tap)])
    ]


def _products(work: Work, x: np.ndarray, w: np.ndarray) -> list[np.ndarray]:
    """By channel within a group, what one tap makes of the input: (N, Cout, *I)."""
    groups, share = work.groups, w.shape[1]
    within = x.shape[1] // groups
    found = []
    for c in range(within):
        parts = [
            x[:, g * within + c, None] * w[g * within + c].reshape(1, share, *(1,) * (x.ndim - 2))
            for g in range(groups)
        ]
        found.append(np.concatenate(parts, axis=1))
    return found


def _placed(work: Work, product: np.ndarray, tap: tuple[int, ...]) -> np.ndarray:
    full = np.zeros((*product.shape[:2], *_full(work)), product.dtype)
    places = tuple(
        slice(t * d, t * d + (i - 1) * s + 1, s)
        for t, d, s, i in zip(tap, work.dilation, work.stride, product.shape[2:], strict=True)
    )
    full[(slice(None), slice(None), *places)] = product
    return _cropped(work, full)


def _full(work: Work) -> list[int]:
    sizes = zip(work.tensors["x"].shape[2:], work.tensors["w"].shape[2:], strict=True)
    return [(i - 1) * s + d * (k - 1) + 1 for (i, k), s, d in zip(sizes, work.stride, work.dilation, strict=True)]


def _cropped(work: Work, full: np.ndarray) -> np.ndarray:
    out = np.zeros((*full.shape[:2], *work.size), full.dtype)
    source, target = [], []
    for length, low, size in zip(full.shape[2:], work.low, work.size, strict=True):
        first, last = max(low, 0), min(low + size, length)
        source.append(slice(first, max(last, first)))
        target.append(slice(first - low, max(last, first) - low))
    out[(slice(None), slice(None), *target)] = full[(slice(None), slice(None), *source)]
    return out


def _summed(kind: type, way: Sum, seed: int | np.random.Generator = 0) -> Callable[[Work], np.ndarray]:
    # A generator in place of a seed goes on from call to call.
    return lambda work: way(_terms(work, kind), np.random.default_rng(seed))


def _by_fft(kind: type) -> Callable[[Work], np.ndarray]:
    """The full result as a product of spectra, of lengths that are powers of two."""
    complex_kind = np.complex64 if kind is np.float32 else np.complex128

    def compute(work: Work) -> np.ndarray:
        import scipy.fft

        x: np.ndarray = work.tensors["x"].astype(kind)

        w: np.ndarray = work.tensors["w"].astype(kind)
        axes = tuple(range(2, x.ndim))
        sizes = [1 << max(size - 1, 0).bit_length() for size in _full(work)]
        a = scipy.fft.fftn(_spread(x, work.stride).astype(complex_kind), sizes, axes)
        b = scipy.fft.fftn(_spread(w, work.dilation).astype(complex_kind), sizes, axes)
        share, within = w.shape[1], x.shape[1] // work.groups
        out = np.zeros((x.shape[0], share * work.groups, *sizes), complex_kind)
        for g, c, o in itertools.product(range(work.groups), range(within), range(share)):
            out[:, g * share + o] += a[:, g * within + c] * b[g * within + c, o]
        full = scipy.fft.ifftn(out, axes=axes).real.astype(kind)
        return _cropped(work, full[(slice(None), slice(None), *(slice(size) for size in _full(work)))])

    return compute


def _spread(array: np.ndarray, steps: list[int]) -> np.ndarray:
    sizes = [(n - 1) * step + 1 for n, step in zip(array.shape[2:], steps, strict=True)]
    wide = np.zeros((*array.shape[:2], *sizes), array.dtype)
    wide[(slice(None), slice(None), *(slice(None, None, step) for step in steps))] = array
    return wide


def _by_strassen(kind: type) -> Callable[[Work], np.ndarray]:
    """Columns by one level of Strassen's algorithm, their overlaps added up tap by tap."""

    def compute(work: Work) -> np.ndarray:
        x: np.ndarray = work.tensors["x"].astype(kind)
        w: np.ndarray = work.tensors["w"].astype(kind)
        taps, share, within = list(np.ndindex(*w.shape[2:])), w.shape[1], x.shape[1] // work.groups
        total = np.zeros((x.shape[0], share * work.groups, *work.size), kind)
        for item, g in np.ndindex(x.shape[0], work.groups):
            rows = slice(g * within, (g + 1) * within)
            left = w[rows].reshape(within, -1).T
            columns = _strassen(np.ascontiguousarray(left), x[item, rows].reshape(within, -1))
            columns = columns.reshape(share, len(taps), *x.shape[2:])
            for n, tap in enumerate(taps):
                total[item : item + 1, g * share : (g + 1) * share] += _placed(work, columns[None, :, n], tap)
        return total

    return compute


def _strassen(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    rows, columns = a.shape[0], b.shape[1]
    a = np.pad(a, [(0, n % 2) for n in a.shape])
    b = np.pad(b, [(0, n % 2) for n in b.shape])
    (m, k), n = (size // 2 for size in a.shape), b.shape[1] // 2
    a11, a12, a21, a22 = a[:m, :k], a[:m, k:], a[m:, :k], a[m:, k:]
    b11, b12, b21, b22 = b[:k, :n], b[:k, n:], b[k:, :n], b[k:, n:]
    p1, p2, p3 = (a11 + a22) @ (b11 + b22), (a21 + a22) @ b11, a11 @ (b12 - b22)
    p4, p5 = a22 @ (b21 - b11), (a11 + a12) @ b22
    p6, p7 = (a21 - a11) @ (b11 + b12), (a12 - a22) @ (b21 + b22)
    found = np.block([[p1 + p4 - p5 + p7, p3 + p5], [p2 + p4, p1 - p2 + p3 + p6]])
    return np.asarray(found[:rows, :columns])


def _by_winograd(kind: type) -> Callable[[Work], np.ndarray]:
    """The full result along W by Winograd's F(2, 3), three taps at a time; the taps of other axes one by one."""

    def compute(work: Work) -> np.ndarray:
        x, w = _spread(work.tensors["x"], work.stride), _spread(work.tensors["w"], work.dilation)
        x, w = x.astype(kind), w.astype(kind)
        w = np.pad(w, [(0, 0)] * (w.ndim - 1) + [(0, -w.shape[-1] % 3)])
        share, within = w.shape[1], x.shape[1] // work.groups
        full = np.zeros((x.shape[0], share * work.groups, *_full(work)), kind)
        for channel, tap in itertools.product(range(x.shape[1]), np.ndindex(*w.shape[2:-1])):
            outputs = slice(channel // within * share, (channel // within + 1) * share)
            rows = tuple(slice(t, t + n) for t, n in zip(tap, x.shape[2:-1], strict=True))
            for first in range(0, w.shape[-1], 3):
                taps = w[(channel, slice(None), *tap, slice(first, first + 3))]
                found = _winograd(x[:, channel], taps, first, full.shape[-1])
                full[(slice(None), outputs, *rows)] += found
        return _cropped(work, full)

    return compute


def _winograd(x: np.ndarray, taps: np.ndarray, first: int, size: int) -> np.ndarray:
    """What three taps from ``first`` on make of the rows of x: two positions of the result at a time."""
    even = size + size % 2
    rows = np.zeros((x.shape[0], 1, *x.shape[1:-1], even + 2), x.dtype)
    rows[:, 0, ..., first + 2 : first + 2 + x.shape[-1]] = x
    d0, d1, d2, d3 = (rows[..., n : n + even - 1 : 2] for n in range(4))
    g2, g1, g0 = (taps[:, n].reshape(1, -1, *(1,) * (x.ndim - 1)) for n in range(3))
    half = x.dtype.type(0.5)
    m1, m4 = (d0 - d2) * g0, (d1 - d3) * g2
    m2, m3 = (d1 + d2) * ((g0 + g1 + g2) * half), (d2 - d1) * ((g0 - g1 + g2) * half)
    return np.stack([m1 + m2 + m3, m2 - m3 - m4], axis=-1).reshape(*m1.shape[:-1], even)[..., :size]


RIGHT: dict[str, tuple[str, Callable[[Work], np.ndarray], type]] = {
    "float64 sums": ("fp64", _summed(np.float64, _one_by_one), np.float64),
    "one by one": ("fp32-acc", _summed(np.float32, _one_by_one), np.float32),
    "backwards": ("fp32-acc", _summed(np.float32, _backwards), np.float32),
    "another order": ("fp32-acc", _summed(np.float32, _shuffled, 1), np.float32),
    "yet another order": ("fp32-acc", _summed(np.float32, _shuffled, 2), np.float32),
    "an order of its own in each call": (
        "fp32-acc",
        _summed(np.float32, _shuffled, np.random.default_rng(3)),
        np.float32,
    ),
    "in threads": ("fp32-acc", _summed(np.float32, _in_threads), np.float32),
    "in pairs": ("fp32-acc", _summed(np.float32, _in_pairs), np.float32),
    "in blocks": ("fp32-acc", _summed(np.float32, _in_blocks), np.float32),
    "FFT in float64": ("normwise-fp64", _by_fft(np.float64), np.float64),
    "FFT in float32": ("normwise-fp32", _by_fft(np.float32), np.float32),
    "Strassen in float64": ("normwise-fp64", _by_strassen(np.float64), np.float64),
    "Strassen in float32": ("normwise-fp32", _by_strassen(np.float32), np.float32),
    "Winograd in float64": ("normwise-fp64", _by_winograd(np.float64), np.float64),
    "Winograd in float32": ("normwise-fp32", _by_winograd(np.float32), np.float32),
}
"""By name: the promise, the output in channels_first without bias, and the format it is computed in."""


def reply_of(name: str, case: Case, change: Callable[[Work], None] | None = None) -> Reply:
    """The reply of an implementation to a forward case; ``change`` plants a fault first.

    Parameters
    ----------
    name : str
        A name in ``RIGHT``.
    case : Case
        A forward case of real numbers, without a period.
    change : callable, optional
        Changes the work before it is computed.
    """
    promise, compute, kind = RIGHT[name]
    work = Work.of(case)
    if change is not None:
        change(work)
    with np.errstate(all="ignore"):
        y = compute(work)
        if "bias" in work.tensors:
            y = y + work.tensors["bias"].astype(kind).reshape(-1, *(1,) * case.rank)
    outputs: Outputs = {"y": np.moveaxis(y, 1, -1) if case.layout == "channels_last" else y}
    tensors = {key: Tensor(round_to(case.format, value), case.dtype) for key, value in outputs.items()}
    return Reply("answer", tensors, promise=promise)
