"""MLX: ``mlx.core.conv_transpose{1,2,3}d`` on the CPU."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from conformance.adapters.base import (
    Adapter,
    Declined,
    Limit,
    Program,
    Tensor,
    call,
    conversion_line,
    inline_return,
)
from conformance.adapters.frameworks.common_limits import (
    gradients_only,
    no_complex,
    no_crop_for_invalid_cases,
    no_crop_outside,
    no_dtype,
    no_periodic,
)
from conformance.adapters.frameworks.padding import slices, symmetric_padding
from conformance.cases.case import Case

__all__ = ["Mlx", "MlxOneGradient", "MlxStrided"]

_DOCUMENTATION = "https://ml-explore.github.io/mlx/build/html/python/_autosummary/mlx.core.conv_transpose2d.html"


def _weights(case: Case) -> str:
    """The expression of MLX's weights, (Cout, \\*k, Cin/G), from those of the case."""
    axes = tuple(range(2, case.rank + 2))
    if case.groups == 1:
        return f"mx.transpose(w, {(1, *axes, 0)})"
    per_group = case.in_channels // case.groups
    shape = (case.groups, per_group, case.out_channels // case.groups, *case.kernel_size)
    ordered = f"mx.transpose(mx.reshape(w, {shape}), {(0, 2, *(a + 1 for a in axes), 1)})"
    return f"mx.reshape({ordered}, {(case.out_channels, *case.kernel_size, per_group)})"


class Mlx(Adapter):
    """Images are channels_last, weights (Cout, \\*k, Cin); padding and output_padding are those of PyTorch."""

    mixed_dtypes = True
    name = "mlx"
    settings: ClassVar[tuple[str, ...]] = ()
    packages = ("mlx",)
    extra = "mlx"
    documentation = _DOCUMENTATION
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(
            "unsupported",
            "groups",
            lambda case: case.groups != 1,
            'the argument for groups is documented for 1 only: "Only the default groups=1 is currently supported"',
            _DOCUMENTATION,
        ),
        no_periodic(_DOCUMENTATION),
        no_crop_outside(_DOCUMENTATION),
        no_crop_for_invalid_cases(_DOCUMENTATION),
        no_complex("https://ml-explore.github.io/mlx/build/html/python/data_types.html"),
        no_dtype("https://ml-explore.github.io/mlx/build/html/python/data_types.html", "f64"),
    )
    bias_in_storage = True
    second_order = True

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("mlx.core")

    def export(self, value: Any) -> Tensor:
        """Convert an array of MLX; NumPy has no bfloat16, so that it is converted through float32."""
        name = str(value.dtype).removeprefix("mlx.core.")
        if name == "bfloat16":
            return Tensor(np.array(value.astype(importlib.import_module("mlx.core").float32)), "bf16")
        return Tensor.of(np.array(value))

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text of `export`."""
        return f"np.array({name}{'.astype(mx.float32)' if case.format.name == 'bf16' else ''})"

    def program(self, case: Case) -> Program:
        """Write the call."""
        padding = symmetric_padding(case)
        if any(low < 0 or high < 0 for low, high in padding.rest):
            raise Declined("inexpressible", "padding and output_padding do not reach that far", _DOCUMENTATION)
        names = ["x", "w", "bias"][: 2 + case.bias]
        inputs = ", ".join(names)
        axes = tuple(range(case.rank + 2))
        first = case.layout == "channels_first"
        image = f"mx.transpose(x, {(0, *axes[2:], 1)})" if first else "x"
        convolve = call(
            f"mx.conv_transpose{case.rank}d",
            [
                ("", image),
                ("", _weights(case)),
                # In one dimension the arguments are plain numbers.
                *(
                    (name, value if case.rank > 1 else value[0])
                    for name, value in (
                        ("stride", case.stride),
                        ("padding", padding.padding),
                        ("dilation", case.dilation),
                        ("output_padding", padding.output_padding),
                    )
                ),
                ("groups", case.groups),
            ],
        )
        lines = [f"y = {convolve}{slices(padding.rest, 'channels_last')}"]
        if case.bias:
            lines.append("y = y + bias")
        lines.append(f"return mx.transpose(y, {(0, case.rank + 1, *axes[1:-1])})" if first else "return y")
        body = [conversion_line(names, lambda name: self._array(case, name), apart=case.weight_dtype is not None)]
        setup = ("import mlx.core as mx", "mx.set_default_device(mx.cpu)", *self.settings)
        if case.direction == "fwd":
            return Program(setup, (*body, *inline_return(lines), "mx.eval(y)"))
        body += ["", f"def forward({inputs}):", *(textwrap.indent(line, "    ") for line in lines), ""]
        upstream = self._array(case, "dy")
        if case.direction == "grad":
            body += self.gradient_lines(names, upstream)
        else:
            along = ", ".join(self._array(case, name) for name in ("vx", "vw", "vb")[: len(names)])
            body += [
                f"def gradients({inputs}, dy):",
                f"    return mx.vjp(forward, [{inputs}], [dy])[1]",
                "",
                f"_, (ddx, ddw, *_, ddy) = mx.vjp(gradients, [{inputs}, {upstream}], [{along}])",
                "mx.eval(ddx, ddw, ddy)",
            ]
        return Program(setup, tuple(body))

    def gradient_lines(self, names: Sequence[str], upstream: str) -> list[str]:
        """The lines from ``forward`` and an upstream gradient to the gradients."""
        targets = ", ".join(["dx", "dw", "db"][: len(names)])
        return [
            f"_, ({targets},) = mx.vjp(forward, [{', '.join(names)}], [{upstream}])",
            f"mx.eval({targets})",
        ]

    def _array(self, case: Case, name: str) -> str:
        """The expression of an array of MLX."""
        return f"mx.array({name}, dtype=mx.{case.format_of(name).label})"


class MlxOneGradient(Mlx):
    """A vector-Jacobian product for each gradient, in which the other arrays are constants."""

    name = "mlx-one-gradient"
    second_order = False
    limits = (
        *Mlx.limits,
        gradients_only("https://ml-explore.github.io/mlx/build/html/python/_autosummary/mlx.core.vjp.html"),
    )

    def gradient_lines(self, names: Sequence[str], upstream: str) -> list[str]:
        """One call after the other."""
        targets = ("dx", "dw", "db")[: len(names)]
        lines = [f"dy = {upstream}"]
        for name, target in zip(names, targets, strict=True):
            lines.append(f"_, ({target},) = mx.vjp(lambda {name}: forward({', '.join(names)}), [{name}], [dy])")
        return [*lines, f"mx.eval({', '.join(targets)})"]


class MlxStrided(Mlx):
    """Every array is a view of a larger one: every other element, the axes in reverse order, NaN between them."""

    name = "mlx-strided"
    settings = (
        "",
        "def strided(a):\n"
        "    room = mx.full([2 * n + 1 for n in reversed(a.shape)], float('nan'), dtype=a.dtype)\n"
        "    places = (slice(1, None, 2),) * a.ndim\n"
        "    room[places] = mx.transpose(a)\n"
        "    mx.eval(room)\n"
        "    return mx.transpose(room[places])",
        "",
    )

    def _array(self, case: Case, name: str) -> str:
        return f"strided({super()._array(case, name)})"
