"""The definition as a few NumPy lines for a script: the expected output, from the same data as the call.

Every input element adds itself times the kernel to the full output (R1), which is then cropped or extended by
zeros (R2) before the bias is added (R3); the gradients are the adjoints (R10). The lines are this definition with
a case's numbers filled in, so that a reader can check them. They need only NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.cases import Case

__all__ = ["definition_lines"]

_TAPS = "ijk"
_DIRECTIONS = ("fwd", "grad")
Tensors = dict[str, np.ndarray]


def definition_lines(case: Case, tensors: Tensors, right: Tensors) -> list[str] | None:
    """Return lines from the arrays of a case to ``expected``: the expected output, or a dict of several by name.

    The sums are in the format of the case, in which data of exact kinds need no rounding.

    Parameters
    ----------
    case : Case
        The case.
    tensors : dict of numpy.ndarray
        Its data.
    right : dict of numpy.ndarray
        The expected output in the format of the case, or some of its tensors. The lines are run, and returned only
        if they give exactly these.

    Returns
    -------
    list of str or None
        None for a case for which the plain definition does not give the expected output exactly.
    """
    geometry = case.geometry()
    if case.direction not in _DIRECTIONS or geometry.wraps or min(geometry.full_size) < 0:
        return None
    lines = _Lines(case).forward() if case.direction == "fwd" else _Lines(case).gradients(list(right))
    there: dict[str, Any] = {"np": np, **tensors}
    with np.errstate(all="ignore"):
        exec("\n".join(lines), there)  # our own text
    computed = there["expected"] if len(right) > 1 else dict.fromkeys(right, there["expected"])
    return lines if all(_same(computed[name], value) for name, value in right.items()) else None


def _same(computed: np.ndarray, right: np.ndarray) -> bool:
    return computed.dtype == right.dtype and np.array_equal(computed, right, equal_nan=True)


def _assign_expected(written: dict[str, str]) -> list[str]:
    """Return the line that assigns ``expected``: one expression, or one per tensor; none where it is assigned."""
    if len(written) > 1:
        entries = ", ".join(f'"{name}": {text}' for name, text in written.items())
        return [f"expected = {{{entries}}}"]
    return [f"expected = {text}" for text in written.values() if text != "expected"]


class _Lines:
    """The pieces of text from which the lines of one case are made.

    In einsum's subscripts ``n`` is the batch, ``g`` the group, ``c`` and ``o`` the input and output channels, and
    ``d``, ``h`` and ``w`` the spatial axes. ``i``, ``j`` and ``k`` count the taps of the kernel.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.geometry = case.geometry()
        self.grouped = case.groups > 1
        self.spatial = "dhw"[-case.rank :]
        self.taps = _TAPS[: case.rank]
        self.x, self.w = ("x_groups", "w_groups") if self.grouped else ("x", "w")

    def forward(self) -> list[str]:
        case, image, out, channels = self.case, self._image("c"), self._image("o"), self._channels()
        expected = f"full{self._crop()}"
        if case.bias:
            expected += f" + bias.reshape(-1{', 1' * case.rank})" if self._first() else " + bias"
        return [
            *self._split(),
            f"full = np.zeros({self._full_shape()}, x.dtype)  # each x adds itself times the kernel",
            self._loop(),
            f'    full{self._places()} += np.einsum("{image},{channels}->{out}", {self.x}, {self._tap(self.w)})',
            *([f"full = full.reshape({self._full_shape(split=False)})"] if self.grouped else []),
            f"expected = {expected}",
        ]

    def gradients(self, names: list[str]) -> list[str]:
        case, image, out, channels = self.case, self._image("c"), self._image("o"), self._channels()
        axes = (0, *range(2, case.rank + 2)) if self._first() else tuple(range(case.rank + 1))
        bias = f"dy.sum({axes})"
        if names == ["db"]:
            return [f"expected = {bias}"]
        summed = [name for name in ("dx", "dw") if name in names]
        dx, dw = ("expected", "expected") if len(names) == 1 else ("dx", "dw")
        part = f"full{self._places()}" if len(summed) == 1 else "part"
        initial = {"dx": f"{dx} = np.zeros_like({self.x})", "dw": f"{dw} = np.zeros_like({self.w})"}
        added = {
            "dx": f'    {dx} += np.einsum("{out},{channels}->{image}", {part}, {self._tap(self.w)})',
            "dw": f'    {self._tap(dw)} = np.einsum("{image},{out}->{channels}", {self.x}, {part})',
        }
        back = {"dx": f"{dx}.reshape(x.shape)", "dw": f"{dw}.reshape(w.shape)"} if self.grouped else {}
        whole = {"dx": dx, "dw": dw, "db": bias} | back
        return [
            *self._split(),
            f"full = np.zeros({self._full_shape(split=False)}, dy.dtype)  # dy before the crop; the adjoint",
            f"full{self._crop()} = dy",
            *([f"full = full.reshape({self._full_shape()})"] if self.grouped else []),
            *(initial[name] for name in summed),
            self._loop(),
            *([f"    part = full{self._places()}"] if len(summed) > 1 else []),
            *(added[name] for name in summed),
            *_assign_expected({name: whole[name] for name in names}),
        ]

    def _first(self) -> bool:
        return self.case.layout == "channels_first"

    def _loop(self) -> str:
        kernel = ", ".join(map(str, self.case.kernel_size))
        return f"for {', '.join(self.taps)} in {'range' if self.case.rank == 1 else 'np.ndindex'}({kernel}):"

    def _split(self) -> list[str]:
        """Return the line that makes the group an axis of its own, before the channels."""
        case, g = self.case, self.case.groups
        kernel = (g, case.in_channels // g, case.out_channels // g, *case.kernel_size)
        image = self._shape(case.input_size, case.in_channels)
        return [f"x_groups, w_groups = x.reshape({image}), w.reshape({kernel})"] if self.grouped else []

    def _shape(self, sizes: tuple[int, ...], channels: int, *, split: bool = True) -> tuple[int, ...]:
        g = self.case.groups
        axes = (g, channels // g) if self.grouped and split else (channels,)
        return (self.case.batch, *axes, *sizes) if self._first() else (self.case.batch, *sizes, *axes)

    def _full_shape(self, *, split: bool = True) -> tuple[int, ...]:
        sizes = tuple(
            axis.full_size + max(-low, 0) + max(-high, 0)
            for axis, (low, high) in zip(self.geometry.axes, self.geometry.crop, strict=True)
        )
        return self._shape(sizes, self.case.out_channels, split=split)

    def _image(self, channel: str) -> str:
        channels = f"g{channel}" if self.grouped else channel
        return f"n{channels}{self.spatial}" if self._first() else f"n{self.spatial}{channels}"

    def _channels(self) -> str:
        return "gco" if self.grouped else "co"

    def _tap(self, name: str) -> str:
        return f"{name}[{', '.join((*':' * len(self._channels()), *self.taps))}]"

    def _at(self, ends: list[str], *, split: bool) -> str:
        ahead = 2 + (self.grouped and split) if self._first() else 1
        return f"[{', '.join((*':' * ahead, *ends))}]"

    def _places(self) -> str:
        """Return the slices of the full output to which one tap adds the input."""
        ends = []
        for letter, axis, (low, _) in zip(self.taps, self.geometry.axes, self.geometry.crop, strict=True):
            tap, ahead = letter if axis.dilation == 1 else f"{letter} * {axis.dilation}", max(-low, 0)
            start = f"{tap} + {ahead}" if ahead else tap
            reach = max((axis.input_size - 1) * axis.stride + 1, 0)
            step = f" : {axis.stride}" if axis.stride > 1 else ""
            ends.append(f"{start} : {tap} + {ahead + reach}{step}")
        return self._at(ends, split=True)

    def _crop(self) -> str:
        ends = []
        for (low, _), size in zip(self.geometry.crop, self.geometry.output_size, strict=True):
            start = max(low, 0)
            ends.append(f"{start}:{start + size}")
        return self._at(ends, split=False)
