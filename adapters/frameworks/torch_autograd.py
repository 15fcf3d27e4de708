"""PyTorch's gradients as programs use them: accumulated, of one tensor only, of a sum of outputs, seen by hooks.

Each adapter defines ``forward`` with the lines of ``torch`` and differentiates it in its own way.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from conformance.adapters.base import Limit, Program
from conformance.adapters.frameworks.common_limits import gradients_only
from conformance.adapters.frameworks.torch_functional import TorchFunctional
from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS

__all__ = ["TorchAccumulated", "TorchHooks", "TorchOneGradient", "TorchSummedLayouts"]

_AUTOGRAD = "https://docs.pytorch.org/docs/stable/notes/autograd.html"
_EVEN = "even = (torch.arange(dy.numel()) % 2 == 0).reshape(dy.shape)"
# Every second element of dy, and the others: the gradients of both parts add up to the gradient.
_PARTS = (
    _EVEN,
    "parts = dy.where(even, torch.zeros_like(dy)), dy.where(~even, torch.zeros_like(dy))",
)

_GRADIENTS_ONLY = gradients_only(_AUTOGRAD)
_NO_PARTS = (
    Limit(
        "inexpressible",
        "data",
        lambda case: DATA_KINDS[case.data].judged not in ("exact", "bound"),
        "zeros in parts of dy would meet numbers that are not finite, or round sums twice",
        _AUTOGRAD,
    ),
    Limit(
        "inexpressible",
        "dtype",
        lambda case: case.format.is_complex,
        "its hooks and sums are written for real numbers",
        _AUTOGRAD,
    ),
)


class _TorchAutograd(TorchFunctional):
    """What they share: ``forward``, and the gradients with respect to its parameters."""

    documentation = _AUTOGRAD
    second_order = False
    mixed_dtypes = False
    limits: ClassVar[tuple[Limit, ...]] = (*TorchFunctional.limits, _GRADIENTS_ONLY, *_NO_PARTS)

    def program(self, case: Case) -> Program:
        """Write the function and the lines that differentiate it."""
        forward = super().program(replace(case, direction="fwd"))
        names = ["x", "w", "bias"][: 2 + case.bias]
        convert, *lines = forward.body
        function = [
            f"def forward({', '.join(names)}):",
            *(textwrap.indent(line, "    ") for line in (*lines, "return y")),
            "",
        ]
        body = [convert, f"dy = {self._tensor(case, 'dy')}", "", *function, *self.differentiate(names)]
        return Program(forward.setup, tuple(body))

    def differentiate(self, names: Sequence[str]) -> list[str]:
        """The lines from ``forward``, ``dy`` and the tensors to the gradients."""
        raise NotImplementedError


def _require(names: Sequence[str]) -> str:
    return ", ".join(f"{name}.requires_grad_()" for name in names)


def _collected(names: Sequence[str]) -> str:
    targets = ("dx", "dw", "db")[: len(names)]
    return f"{', '.join(targets)} = {', '.join(f'{name}.grad' for name in names)}"


class TorchAccumulated(_TorchAutograd):
    """Two calls whose gradients add up in ``.grad``, beside a third whose output nothing uses."""

    name = "torch-accumulated"

    def differentiate(self, names: Sequence[str]) -> list[str]:
        """Three calls, and two backward passes."""
        call = f"forward({', '.join(names)})"
        return [
            *_PARTS,
            _require(names),
            f"first, second, unused = {call}, {call}, forward({', '.join(f'2 * {name}' for name in names)})",
            "first.backward(parts[0])",
            "second.backward(parts[1])",
            _collected(names),
        ]


class TorchSummedLayouts(_TorchAutograd):
    """Each half of the output comes from another call, one of them and the upstream gradient in another layout."""

    name = "torch-summed-layouts"

    def differentiate(self, names: Sequence[str]) -> list[str]:
        """Two calls and one backward pass."""
        call = f"forward({', '.join(names)})"
        return [
            "def other_layout(t):",
            "    return t.movedim(1, -1).contiguous().movedim(-1, 1)",
            "",
            _EVEN,
            _require(names),
            f"first, second = {call}, other_layout({call})",
            "y = torch.where(other_layout(even), first, second)",
            "y.backward(other_layout(dy))",
            _collected(names),
        ]


class TorchHooks(_TorchAutograd):
    """Hooks: one changes the sign of the upstream gradient, others see the gradients."""

    name = "torch-hooks"

    def differentiate(self, names: Sequence[str]) -> list[str]:
        """What the hooks of the tensors saw."""
        targets = ("dx", "dw", "db")[: len(names)]
        seen = ", ".join(f'seen["{name}"]' for name in targets)
        return [
            _require(names),
            "seen = {}",
            *(
                f"{name}.register_hook(lambda gradient: seen.update({target}=gradient))"
                for name, target in zip(names, targets, strict=True)
            ),
            f"y = forward({', '.join(names)})",
            "y.register_hook(lambda gradient: -gradient)",
            "y.backward(-dy)",
            f"{', '.join(targets)} = {seen}",
        ]


class TorchOneGradient(_TorchAutograd):
    """A call for each gradient, in which only one tensor requires one."""

    name = "torch-one-gradient"
    limits = (*TorchFunctional.limits, _GRADIENTS_ONLY, _NO_PARTS[1])

    def differentiate(self, names: Sequence[str]) -> list[str]:
        """One call after the other."""
        lines = []
        for name, target in zip(names, ("dx", "dw", "db"), strict=False):
            lines += [
                f"{name}.requires_grad_()",
                f"({target},) = torch.autograd.grad(forward({', '.join(names)}), [{name}], dy)",
                f"{name}.requires_grad_(False)",
            ]
        return lines
