"""PyTorch, traced: ``torch.compile``, ``torch.export`` and the meta device."""

from __future__ import annotations

import textwrap

from conformance.adapters.frameworks.padding import SymmetricPadding
from conformance.adapters.frameworks.torch_functional import TorchFunctional, TorchModule, functional
from conformance.cases.case import Case

__all__ = ["TorchExport", "TorchInductor", "TorchMeta"]


class TorchInductor(TorchFunctional):
    """Compiled by ``torch.compile`` with its default backend, Inductor."""

    name = "torch-inductor"
    second_order = False  # "torch.compile with aot_autograd does not currently support double backward"
    documentation = "https://docs.pytorch.org/docs/stable/generated/torch.compile.html"

    def operation(self, case: Case, padding: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """The call, compiled for these shapes."""
        names = ["image", "w", "bias"][: 2 + with_bias]
        convolve = functional(case, padding, "image", "bias" if with_bias else "None")
        arguments = ", ".join([image, *names[1:]])
        return [
            f"def convolve({', '.join(names)}):",
            textwrap.indent(f"return {convolve}", "    "),
            "",
            f"y = torch.compile(convolve, dynamic=False)({arguments})",
        ]


class TorchExport(TorchModule):
    """The module through ``torch.export``."""

    name = "torch-export"
    documentation = "https://docs.pytorch.org/docs/stable/export.html"

    def operation(self, case: Case, padding: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """Export the layer, and call the exported program."""
        *layer, _ = super().operation(case, padding, image, with_bias)
        return [*layer, f"layer = torch.export.export(layer, ({image}.detach(),)).module()", f"y = layer({image})"]


class TorchMeta(TorchFunctional):
    """The functional interface on the meta device: shape and rejection, no numbers."""

    name = "torch-meta"
    documentation = "https://docs.pytorch.org/docs/stable/meta.html"
    shape_only = True

    def place(self) -> str:
        """The meta device, which holds no memory."""
        return "meta"

    def output_lines(self, case: Case) -> list[str]:
        """The line that assigns the shape."""
        return ["shape = tuple(y.shape)"]
