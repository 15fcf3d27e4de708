"""PyTorch: ``torch.nn.functional.conv_transpose{1,2,3}d``."""

from __future__ import annotations

import importlib
from typing import Any

from adapters.base import Adapter, Program, Tensor, call
from cases.case import Case
from cases.errors import DomainError

__all__ = ["TorchFunctional"]

_DTYPES = {
    "f64": "torch.float64",
    "f32": "torch.float32",
    "f16": "torch.float16",
    "bf16": "torch.bfloat16",
    "c64": "torch.complex64",
    "c128": "torch.complex128",
}


class TorchFunctional(Adapter):
    """The functional interface on the CPU, with the padding argument wherever it can say the crop.

    Its ``padding`` crops both ends alike and ``output_padding`` gives back at the end (lo = p, hi = p - op), so
    a crop that ends later than it begins, or reaches outside the full result, is cut or padded around the call.
    """

    name = "torch"
    packages = ("torch",)
    documentation = "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html"

    def __init__(self) -> None:
        super().__init__()
        self._torch: Any = importlib.import_module("torch")
        # One thread: results do not depend on the machine's core count, and small cases run faster.
        self._torch.set_num_threads(1)

    def export(self, value: Any) -> Tensor:
        """Take a tensor out of PyTorch; NumPy has no bfloat16, so that goes by way of float32."""
        value = value.detach().resolve_conj()
        if value.dtype == self._torch.bfloat16:
            return Tensor(value.float().numpy(), "bf16")
        return Tensor.of(value.numpy())

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text of `export`."""
        widened = ".float()" if case.dtype == "bf16" else ""
        return f"{name}.detach().resolve_conj().cpu(){widened}.numpy()"

    def program(self, case: Case) -> Program:
        """Write the call."""
        setup = ("import torch", "import torch.nn.functional as F")
        dtype = _DTYPES[case.dtype]
        body = [f"x = torch.from_numpy(x).to({dtype})", f"w = torch.from_numpy(w).to({dtype})"]
        if case.bias:
            body.append(f"bias = torch.from_numpy(bias).to({dtype})")
        if case.direction == "grad":
            body.append("x.requires_grad_(), w.requires_grad_()" + (", bias.requires_grad_()" * case.bias))
        operand = "x"
        if case.layout == "channels_last":
            operand = "x.movedim(-1, 1)"
        body += self._forward(case, operand)
        if case.layout == "channels_last":
            body.append("y = y.movedim(1, -1)")
        if case.direction == "grad":
            names = ["x", "w", "bias"][: 2 + case.bias]
            body.append(f"dy = torch.from_numpy(dy).to({dtype})")
            targets = ", ".join({"x": "dx", "w": "dw", "bias": "db"}[name] for name in names)
            body.append(f"{targets} = torch.autograd.grad(y, [{', '.join(names)}], dy)")
        return Program(setup, tuple(body))

    def _forward(self, case: Case, operand: str) -> list[str]:
        padding, output_padding, rest = _native_padding(case)
        pads_zeros = any(low < 0 or high < 0 for low, high in rest)
        inside = "bias" if case.bias and not pads_zeros else None
        lines = [
            "y = "
            + call(
                f"F.conv_transpose{case.rank}d",
                [
                    ("", operand),
                    ("", "w"),
                    ("", inside),
                    ("stride", case.stride),
                    ("padding", padding),
                    ("output_padding", output_padding),
                    ("groups", case.groups),
                    ("dilation", case.dilation),
                ],
            )
        ]
        if any(low > 0 or high > 0 for low, high in rest):
            ends = [f"{max(low, 0)}:{-high if high > 0 else ''}" for low, high in rest]
            lines.append(f"y = y[:, :, {', '.join(ends)}]")
        if pads_zeros:
            # F.pad lists the last axis first.
            flat = [max(-end, 0) for pair in reversed(rest) for end in pair]
            lines.append(f"y = F.pad(y, {flat})")
            if case.bias:
                lines.append(f"y = y + bias.reshape(-1{', 1' * case.rank})")
        return lines


def _native_padding(case: Case) -> tuple[Any, Any, list[tuple[int, int]]]:
    """Arguments padding and output_padding, and what remains to crop (or, negative, to pad) after the call."""
    none = [(0, 0)] * case.rank
    if not isinstance(case.padding, str) and all(low == high for low, high in case.padding):
        padding = tuple(pair[0] for pair in case.padding)
        return padding, case.output_padding or (0,) * case.rank, none
    try:
        crop = case.geometry().crop
    except DomainError:
        # No answer exists; the question is put as it stands, for the framework to refuse.
        return (0,) * case.rank, case.output_padding or (0,) * case.rank, none
    paddings, extras, rest = [], [], []
    for (low, high), stride, dilation in zip(crop, case.stride, case.dilation, strict=True):
        if 0 <= low - high < max(stride, dilation) and low >= 0:
            paddings.append(low)
            extras.append(low - high)
            rest.append((0, 0))
        else:
            common = max(min(low, high), 0)
            paddings.append(common)
            extras.append(0)
            rest.append((low - common, high - common))
    return tuple(paddings), tuple(extras), rest
