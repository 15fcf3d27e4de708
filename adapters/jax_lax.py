"""JAX: ``jax.lax.conv_transpose``."""

from __future__ import annotations

import importlib
from typing import Any

from adapters.base import Adapter, Limit, Program, call
from cases.case import Case
from cases.errors import DomainError

__all__ = ["JaxLax"]

_DTYPES = {
    "f64": "float64",
    "f32": "float32",
    "f16": "float16",
    "bf16": "bfloat16",
    "c64": "complex64",
    "c128": "complex128",
}
_DOCUMENTATION = "https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_transpose.html"


class JaxLax(Adapter):
    """``conv_transpose`` with ``transpose_kernel=True``, eager, on the CPU.

    Its documentation: transpose_kernel "flips spatial axes and swaps the input/output channel axes of the
    kernel. This makes the output of this function identical to the gradient-derived functions like
    keras.layers.Conv2DTranspose". The kernel is that of the forward convolution, (\\*k, Cout, Cin).
    """

    name = "jax-lax"
    packages = ("jax", "jaxlib")
    documentation = _DOCUMENTATION
    limits = (
        Limit(
            "inexpressible",
            "groups",
            lambda case: case.groups != 1,
            "conv_transpose has no argument for groups",
            _DOCUMENTATION,
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("jax")

    def program(self, case: Case) -> Program:
        """Write the call."""
        setup = (
            "import jax",
            "import jax.numpy as jnp",
            'jax.config.update("jax_enable_x64", True)',
        )
        spatial = "DHW"[-case.rank :]
        image = f"NC{spatial}" if case.layout == "channels_first" else f"N{spatial}C"
        dtype = f"jnp.{_DTYPES[case.dtype]}"
        to_lax = (*range(2, case.rank + 2), 1, 0)
        body = [
            f"x = jnp.asarray(x, dtype={dtype})",
            f"w = jnp.asarray(np.transpose(w, {to_lax}), dtype={dtype})  # (*k, Cout, Cin)",
        ]
        if case.bias:
            shape = f".reshape(-1{', 1' * case.rank})" if case.layout == "channels_first" else ""
            body.append(f"bias = jnp.asarray(bias, dtype={dtype})")
        convolve = call(
            "jax.lax.conv_transpose",
            [
                ("", "x"),
                ("", "w"),
                ("strides", case.stride),
                ("padding", _padding(case)),
                ("rhs_dilation", case.dilation),
                ("dimension_numbers", (image, f"{spatial}IO", image)),
                ("transpose_kernel", True),
            ],
        )
        added = f" + bias{shape}" if case.bias else ""
        if case.direction == "fwd":
            body.append(f"y = {convolve}{added}")
            return Program(setup, tuple(body))
        names = ["x", "w", "bias"][: 2 + case.bias]
        listed = ", ".join(names)
        body += [
            f"def forward({listed}):",
            f"    return {convolve}{added}".replace("\n", "\n    "),
            "",
            f"y, pull_back = jax.vjp(forward, {listed})",
            f"{', '.join(['dx', 'dw', 'db'][: len(names)])} = pull_back(jnp.asarray(dy, dtype={dtype}))",
            f"dw = jnp.transpose(dw, {(case.rank + 1, case.rank, *range(case.rank))})",
        ]
        return Program(setup, tuple(body))


def _padding(case: Case) -> Any:
    """The framework's own word where it has one; else the pairs (a, b) that pad the spread-out input.

    Such a pair crops the full result by lo = e - 1 - a and hi = e - 1 - b.
    """
    if isinstance(case.padding, str) and case.output_padding is None:
        return repr(case.padding.upper())
    if isinstance(case.padding, str):
        try:
            crop = case.geometry().crop
        except DomainError:
            return repr(case.padding.upper())
    else:
        extra = case.output_padding or (0,) * case.rank
        crop = tuple((low, high - o) for (low, high), o in zip(case.padding, extra, strict=True))
    reach = [d * (k - 1) for d, k in zip(case.dilation, case.kernel_size, strict=True)]
    return tuple((r - low, r - high) for r, (low, high) in zip(reach, crop, strict=True))
