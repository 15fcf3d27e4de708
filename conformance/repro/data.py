"""Input data as source text: literals where they are small, the documented draws where they are not."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from cases import Case
from cases.directions import IMAGES

__all__ = ["LITERAL_SIZE", "array_text", "data_lines"]

LITERAL_SIZE = 64
_LARGEST_BOUND = 128
Tensors = dict[str, np.ndarray]


def array_text(array: np.ndarray) -> str:
    """A NumPy array as source text that gives the same bits back."""
    if array.size == 0:
        return f"np.zeros({array.shape}, np.{array.dtype})"
    shown = array
    if array.dtype.kind == "f" and np.isfinite(array).all():
        whole = array.astype(np.int64) if float(np.abs(array).max()) < 2**53 else array
        if whole.astype(array.dtype).tobytes() == array.tobytes():  # minus zero is no whole number
            shown = whole
    text = re.sub(r"\b(nan|inf)\b", r"np.\1", repr(shown.tolist()))
    return f"np.array({text}, np.{array.dtype})"


def data_lines(case: Case, tensors: Tensors) -> list[str]:
    """Lines that make the arrays of a case, bit for bit.

    Parameters
    ----------
    case : Case
        The question.
    tensors : dict of numpy.ndarray
        Its data.

    Returns
    -------
    list of str
        Assignments to ``x``, ``w``, ``bias``, ``dy`` and so on, those there are.
    """
    if all(array.size <= LITERAL_SIZE for array in tensors.values()):
        return [f"{name} = {array_text(array)}" for name, array in tensors.items()]
    for lines in _draws(case, tensors):
        if _gives(lines, tensors):
            return lines
    return ["import base64, zlib", *(_packed(name, array) for name, array in tensors.items())]


def _draws(case: Case, tensors: Tensors) -> Iterator[list[str]]:
    """The draws of ``cases.data`` written out, for kinds that are plain draws; candidates to be tried."""
    if case.data == "ones":
        yield [f"{name} = np.ones({array.shape}, np.{array.dtype})" for name, array in tensors.items()]
    if case.data == "normal":
        yield _drawn(case, tensors, "rng.standard_normal({shape})")
    if case.data == "ints":
        # The bound of the draws is not in the tensors: the smallest that gives them back is it.
        largest = int(max(np.abs(array).max(initial=1) for array in tensors.values()))
        for bound in range(largest + 1, _LARGEST_BOUND):
            yield _drawn(
                case, tensors, f"rng.integers(1, {bound}, {{shape}}) * (rng.integers(0, 2, {{shape}}) * 2 - 1)"
            )


def _drawn(case: Case, tensors: Tensors, draw: str) -> list[str]:
    lines = [f"rng = np.random.default_rng({case.seed})"]
    for name, array in tensors.items():
        # Drawn in channels_first order, whatever the layout.
        last = case.layout == "channels_last" and name in IMAGES
        shape = (array.shape[0], array.shape[-1], *array.shape[1:-1]) if last else array.shape
        lines.append(f"{name} = ({draw.format(shape=shape)}).astype(np.{array.dtype})")
        if last:
            lines.append(f"{name} = np.ascontiguousarray(np.moveaxis({name}, 1, -1))")
    return lines


def _packed(name: str, array: np.ndarray) -> str:
    packed = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()
    unpacked = f"np.frombuffer(zlib.decompress(base64.b64decode('{packed}')), np.{array.dtype})"
    return f"{name} = {unpacked}.reshape({array.shape}).copy()"


def _gives(lines: list[str], tensors: Tensors) -> bool:
    """Whether lines give the arrays back; they are our own text and need NumPy only."""
    there: dict[str, Any] = {"np": np}
    exec("\n".join(lines), there)
    return all(
        (there[name].dtype, there[name].shape, there[name].tobytes())
        == (array.dtype, array.shape, array.tobytes())
        for name, array in tensors.items()
    )
