"""Input data as source text: small data as literals, larger data as the documented random draws."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from conformance.calls.formatting import tidy
from conformance.cases import Case
from conformance.cases.directions import IMAGES

__all__ = ["LITERAL_LINES", "LITERAL_SIZE", "array_text", "data_lines", "packed_text"]

# The most numbers in a literal, and lines of literals, that people can read. Beyond them the script draws the
# numbers, if it can.
LITERAL_SIZE = 64
LITERAL_LINES = 4
_LARGEST_BOUND = 128
Tensors = dict[str, np.ndarray]


def array_text(array: np.ndarray) -> str:
    """Return a NumPy array as source text that gives the same bits back."""
    if array.size == 0:
        return f"np.zeros({array.shape}, np.{array.dtype})"
    if array.dtype.kind == "c" and not _written_out(array):
        return packed_text(array)
    shown = array
    if array.dtype.kind == "f" and np.isfinite(array).all():
        whole = array.astype(np.int64) if float(np.abs(array).max()) < 2**53 else array
        if whole.astype(array.dtype).tobytes() == array.tobytes():  # false where there is a minus zero
            shown = whole
    text = re.sub(r"\b(nan|inf)\b", r"np.\1", repr(shown.tolist()))
    return f"np.array({text}, np.{array.dtype})"


def _written_out(array: np.ndarray) -> bool:
    """Tell whether Python reads complex numbers back as it writes them; it loses nan and the signs of zeros."""
    parts = np.stack([array.real, array.imag])
    return bool(np.isfinite(parts).all() and not (np.signbit(parts) & (parts == 0)).any())


def data_lines(case: Case, tensors: Tensors) -> list[str]:
    """Return lines that make the arrays of a case, bit for bit.

    Parameters
    ----------
    case : Case
        The case.
    tensors : dict of numpy.ndarray
        Its data.

    Returns
    -------
    list of str
        Assignments to ``x``, ``w``, ``bias``, ``dy`` and so on, as far as the case has them.
    """
    small = all(array.size <= LITERAL_SIZE for array in tensors.values())
    text = array_text if small else packed_text
    written = [f"{name} = {text(array)}" for name, array in tensors.items()]
    if small and len(tidy(written)) <= LITERAL_LINES:
        return written
    return next((lines for lines in _draws(case, tensors) if _gives(lines, tensors)), written)


def packed_text(array: np.ndarray) -> str:
    """Return a NumPy array as source text of its compressed bytes, for scripts that import base64 and zlib."""
    packed = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()
    unpacked = f"np.frombuffer(zlib.decompress(base64.b64decode('{packed}')), np.{array.dtype})"
    return f"{unpacked}.reshape({array.shape}).copy()"


def _draws(case: Case, tensors: Tensors) -> Iterator[list[str]]:
    """Yield the draws of `make_tensors` as text, for kinds that are plain draws; the caller tries each."""
    if case.data == "ones":
        yield [f"{name} = np.ones({array.shape}, np.{array.dtype})" for name, array in tensors.items()]
    if case.weight_dtype is not None:
        return  # the draws below are in one dtype
    if case.data == "normal":
        yield _drawn(case, tensors, "rng.standard_normal(shape)")
    if case.data == "ints":
        # The tensors do not contain the bound of the draws, so bounds are tried until one gives the tensors back.
        largest = int(max(np.abs(array).max(initial=1) for array in tensors.values()))
        for bound in range(largest + 1, _LARGEST_BOUND):
            yield _drawn(case, tensors, f"(rng.integers(1, {bound}, shape) * (rng.integers(0, 2, shape) * 2 - 1))")


def _drawn(case: Case, tensors: Tensors, draw: str) -> list[str]:
    (dtype,) = {array.dtype for array in tensors.values()}
    # Drawn in channels_first order, whatever the layout.
    moved = [name for name in tensors if name in IMAGES and case.layout == "channels_last"]
    shapes = {name: array.shape for name, array in tensors.items()}
    shapes |= {name: (shapes[name][0], shapes[name][-1], *shapes[name][1:-1]) for name in moved}
    drawn = [f"draw({', '.join(map(str, shape))})" for shape in shapes.values()]
    lines = [
        f"rng = np.random.default_rng({case.seed})",
        "",
        "def draw(*shape):",
        f"    return {draw}.astype(np.{dtype})",
        "",
        f"{', '.join(tensors)} = {', '.join(drawn)}",
    ]
    if len(moved) == 1:
        lines.append(f"{moved[0]} = np.ascontiguousarray(np.moveaxis({moved[0]}, 1, -1))")
    if len(moved) > 1:
        names = ", ".join(moved)
        lines.append(f"{names} = (np.ascontiguousarray(np.moveaxis(a, 1, -1)) for a in ({names}))")
    return lines


def _gives(lines: list[str], tensors: Tensors) -> bool:
    """Run lines, which are our own text and need only NumPy, and tell whether they give the arrays back."""
    there: dict[str, Any] = {"np": np}
    exec("\n".join(lines), there)
    return all(
        (there[name].dtype, there[name].shape, there[name].tobytes())
        == (array.dtype, array.shape, array.tobytes())
        for name, array in tensors.items()
    )
