"""tinygrad: ``Tensor.conv_transpose2d``, which takes any number of spatial axes."""

from __future__ import annotations

import importlib
import math
import shutil
from collections.abc import Mapping
from typing import Any, ClassVar

from conformance.adapters.base import Adapter, Limit, Program, Tensor, call, conversion_line
from conformance.adapters.frameworks.common_limits import no_complex, no_dtype, no_periodic
from conformance.adapters.frameworks.padding import geometry
from conformance.cases.case import Case

__all__ = ["Tinygrad"]

_DOCUMENTATION = "https://docs.tinygrad.org/tensor/ops/#tinygrad.Tensor.conv_transpose2d"
_INTERPRETED = shutil.which("clang") is None
_MOST_INTERPRETED = 100_000


def _products(case: Case) -> int:
    """Every tap of every output, as the inserted zeros are multiplied, too; for an output or its gradients."""
    solved = geometry(case)
    if solved is None:
        return 0
    outputs = 1 if case.direction == "fwd" else 3
    sizes = (case.batch, case.in_channels, case.out_channels, *solved.output_size, *case.kernel_size)
    return outputs * math.prod(sizes)


class Tinygrad(Adapter):
    """On the CPU; without clang, which the CPU device needs, on the device that interprets kernels in Python.

    Its padding is one pair per axis, the last axis first, which is the crop (lo = p.lo, hi = p.hi - op).
    """

    name = "tinygrad"
    packages = ("tinygrad",)
    extra = "tinygrad"
    documentation = _DOCUMENTATION
    environment: ClassVar[Mapping[str, str]] = {"DEV": "PYTHON" if _INTERPRETED else "CPU"}
    limits: ClassVar[tuple[Limit, ...]] = (
        no_periodic(_DOCUMENTATION),
        no_complex(_DOCUMENTATION),
        # Its bfloat16 does not survive a conversion to NumPy and back.
        no_dtype("https://docs.tinygrad.org/dtypes/", "bf16", status="inexpressible"),
        Limit(
            "inexpressible",
            "input_size",
            lambda case: _INTERPRETED and _products(case) > _MOST_INTERPRETED,
            "without clang every operation is interpreted in Python: so many products take minutes",
            "https://docs.tinygrad.org/runtime/",
        ),
    )
    bias_in_storage = True

    def __init__(self) -> None:
        super().__init__()
        importlib.import_module("tinygrad")

    def export(self, value: Any) -> Tensor:
        """Convert a tensor of tinygrad."""
        return Tensor.of(value.numpy())

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text of `export`."""
        return f"{name}.numpy()"

    def program(self, case: Case) -> Program:
        """Write the call."""
        names = ["x", "w", "bias"][: 2 + case.bias]
        body = [conversion_line(names, lambda name: f"Tensor({name})")]
        last = case.layout == "channels_last"
        axes = tuple(range(case.rank + 2))
        image = f"x.permute({(0, case.rank + 1, *axes[1:-1])})" if last else "x"
        pairs, output_padding = _padding(case)
        convolve = call(
            f"{image}.conv_transpose2d",
            [
                ("", "w"),
                ("", "bias" if case.bias else "None"),
                ("groups", case.groups),
                ("stride", case.stride),
                ("dilation", case.dilation),
                ("padding", tuple(end for pair in reversed(pairs) for end in pair)),
                ("output_padding", output_padding),
            ],
        )
        body.append(f"y = {convolve}" + (f".permute({(0, *axes[2:], 1)})" if last else ""))
        if case.direction == "fwd":
            body.append("y.realize()")  # tinygrad computes lazily
        else:
            targets = ", ".join(["dx", "dw", "db"][: len(names)])
            body.append(f"{targets} = y.gradient({', '.join(names)}, gradient=Tensor(dy))")
            body.append(f"Tensor.realize({targets})")
        variables = [f'os.environ["{name}"] = "{value}"' for name, value in self.environment.items()]
        return Program(("import os", *variables, "from tinygrad import Tensor"), tuple(body))


def _padding(case: Case) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
    none = (0,) * case.rank
    if not isinstance(case.padding, str):
        return case.padding, case.output_padding or none
    solved = geometry(case)
    return (((0, 0),) * case.rank, case.output_padding or none) if solved is None else (solved.crop, none)
