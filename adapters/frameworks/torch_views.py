"""PyTorch on tensors that are views: with gaps, without strides, at an odd address; and without autograd."""

from __future__ import annotations

import textwrap

from conformance.adapters.base import Limit
from conformance.adapters.frameworks.padding import SymmetricPadding
from conformance.adapters.frameworks.torch_functional import TorchFunctional, TorchModule
from conformance.cases.case import Case

__all__ = ["TorchBroadcast", "TorchInference", "TorchStrided", "TorchUnaligned"]


class TorchStrided(TorchFunctional):
    """Every tensor is a view of a larger one: every other element, the axes in reverse order, NaN between them."""

    name = "torch-strided"
    documentation = "https://docs.pytorch.org/docs/stable/tensor_view.html"
    settings = (
        "",
        "def strided(t):\n"
        "    room = torch.full([2 * n + 1 for n in reversed(t.shape)], float('nan'), dtype=t.dtype)\n"
        "    view = room.permute(*reversed(range(t.dim())))[(slice(1, None, 2),) * t.dim()]\n"
        "    return view.copy_(t)",
        "",
    )

    def _tensor(self, case: Case, name: str) -> str:
        return f"strided({super()._tensor(case, name)})"


class TorchBroadcast(TorchFunctional):
    """Every tensor is one number in memory, with stride 0 on all axes, as the gradient of a sum is."""

    name = "torch-broadcast"
    documentation = "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.expand.html"
    limits = (
        *TorchFunctional.limits,
        Limit(
            "inexpressible",
            "data",
            lambda case: case.data != "ones" or not case.is_valid or 0 in (*case.input_shape, *case.output_shape),
            "only equal numbers can share one place in memory",
            documentation,
        ),
    )

    def _tensor(self, case: Case, name: str) -> str:
        tensor = super()._tensor(case, name)
        return f"{tensor}.reshape(-1)[0].expand({name}.shape)"


class TorchUnaligned(TorchFunctional):
    """Every tensor starts at an odd address."""

    name = "torch-unaligned"
    documentation = "https://docs.pytorch.org/docs/stable/generated/torch.from_numpy.html"
    settings = (
        "",
        "def unaligned(a):\n"
        "    room = np.zeros(a.nbytes + 64, np.uint8)\n"
        "    start = 1 + -room.ctypes.data % 64\n"
        "    moved = room[start : start + a.nbytes].view(a.dtype).reshape(a.shape)\n"
        "    moved[...] = a\n"
        "    return moved",
        "",
    )
    limits = (
        *TorchFunctional.limits,
        Limit(
            "inexpressible",
            "dtype",
            lambda case: case.format.name == "bf16" or case.weight_dtype is not None,
            "NumPy has no bfloat16, so that the tensor is a copy",
            documentation,
        ),
    )

    def _tensor(self, case: Case, name: str) -> str:
        return super()._tensor(case, f"unaligned({name})")


class TorchInference(TorchModule):
    """The module in evaluation mode, called under ``torch.inference_mode``."""

    name = "torch-inference"
    documentation = "https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html"
    second_order = False
    limits = (
        *TorchModule.limits,
        Limit(
            "inexpressible",
            "direction",
            lambda case: case.direction != "fwd",
            "inference mode records nothing for gradients",
            documentation,
        ),
    )

    def operation(self, case: Case, padding: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """Construct the layer, and call it in that mode."""
        *layer, call = super().operation(case, padding, image, with_bias)
        return [*layer, "layer.eval()", "with torch.inference_mode():", textwrap.indent(call, "    ")]
