"""PyTorch, eager: ``torch.nn.functional.conv_transpose{1,2,3}d`` and other ways to the same operator.

A variant defines how ``y`` is computed from the tensors ``x``, ``w`` and ``bias``; the code for the tensors, the
layout, the rest of the crop and the gradients is shared.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from conformance.adapters.base import (
    Adapter,
    Declined,
    DocumentedRefusal,
    Limit,
    Program,
    Tensor,
    call,
    conversion_line,
)
from conformance.adapters.frameworks.common_limits import (
    no_crop_for_invalid_cases,
    no_output_padding_for_invalid_cases,
    no_periodic,
)
from conformance.adapters.frameworks.padding import SymmetricPadding, geometry, slices, symmetric_padding
from conformance.adapters.frameworks.refusals import torch_on_cpu
from conformance.adapters.frameworks.torch_gradients import gradient_lines
from conformance.cases.case import Case

__all__ = ["TorchAdapter", "TorchFunctional", "TorchModule", "functional"]

_FUNCTIONAL = "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html"
_MODULE = "https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html"


def _no_crop(source: str) -> Limit:
    """The adapter slices asymmetric crops; the framework cannot refuse one that is longer than the output."""
    inner = no_crop_for_invalid_cases(source)

    def applies(case: Case) -> bool:
        pairs = () if isinstance(case.padding, str) else case.padding
        return any(low != high for low, high in pairs) and inner.applies(case)

    return Limit(inner.status, inner.parameter, applies, inner.reason, source)


class TorchAdapter(Adapter):
    """What the adapters on PyTorch share.

    PyTorch's ``padding`` crops both ends alike and ``output_padding`` gives back at the end (lo = p, hi = p - op).
    The rest of a crop, at either end or outside the full output, is sliced or padded around the call.

    Attributes
    ----------
    settings : tuple of str
        Setup lines of the process.
    sources : tuple of str
        The tensors that the gradients are with respect to: input, weights and bias.
    """

    packages = ("torch",)
    extra = "torch"
    second_order = True
    mixed_dtypes = True
    documentation = _FUNCTIONAL
    limits: ClassVar[tuple[Limit, ...]] = (no_periodic(_FUNCTIONAL), _no_crop(_FUNCTIONAL))
    refusals: ClassVar[tuple[DocumentedRefusal, ...]] = torch_on_cpu()
    # The native CPU kernels multiply into a column buffer and add up its overlapping columns, both in the format
    # of the tensors, and weight gradients over the batch likewise: 3d-n2-c16x8-i5-k3-s2-p1-f16-normal.1 takes 48
    # times the fp32-acc bound with torch 2.13.0. oneDNN's kernels, chosen by processor, are more accurate.
    promises: ClassVar[Mapping[str, str]] = {**Adapter.promises, "f16": "storage-acc", "bf16": "storage-acc"}
    settings: ClassVar[tuple[str, ...]] = ()
    sources: ClassVar[tuple[str, str, str]] = ("x", "w", "bias")

    def __init__(self) -> None:
        super().__init__()
        self._torch: Any = importlib.import_module("torch")

    def export(self, value: Any) -> Tensor:
        """Convert a tensor of PyTorch; NumPy has no bfloat16, so that it is converted through float32."""
        value = value.detach().resolve_conj().cpu()
        if value.dtype == self._torch.bfloat16:
            return Tensor(value.float().numpy(), "bf16")
        return Tensor.of(value.numpy())

    def export_at(self, value: Any, positions: np.ndarray) -> Tensor:
        """Take some elements out by NumPy, which has no bfloat16 but can hold its bits."""
        value = value.detach().cpu()
        if value.dtype != self._torch.bfloat16:
            return super().export_at(value.numpy(), positions)
        bits = value.view(self._torch.int16).numpy()[tuple(positions.T)].view(np.uint16)
        return Tensor((bits.astype(np.uint32) << 16).view(np.float32), "bf16")

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text of `export`."""
        home = "" if cls.device == "cpu" else ".cpu()"
        conjugated = ".resolve_conj()" if case.format.is_complex else ""
        widened = ".float()" if case.format.name == "bf16" else ""
        return f"{name}.detach(){home}{conjugated}{widened}.numpy()"

    def program(self, case: Case) -> Program:
        """Write the call."""
        body = self.tensors(case)
        padding = symmetric_padding(case)
        pads_zeros = any(low < 0 or high < 0 for low, high in padding.rest)
        with_bias = case.bias and not pads_zeros
        if case.layout == "channels_last":
            body.append("image = x.movedim(-1, 1)")
        body += self.operation(case, padding, "image" if case.layout == "channels_last" else "x", with_bias)
        if pads_zeros:
            # F.pad lists the last axis first. It comes before the crop, which may reach past the full output.
            flat = [max(-end, 0) for pair in reversed(padding.rest) for end in pair]
            body.append(f"y = F.pad(y, {flat})")
        crop = slices(padding.rest, "channels_first")
        if crop:
            body.append(f"y = y{crop}")
        if pads_zeros and case.bias:
            body.append(f"y = y + {self.sources[2]}.reshape(-1{', 1' * case.rank})")
        if case.layout == "channels_last":
            body.append("y = y.movedim(1, -1)")
        return Program(
            ("import torch", "import torch.nn.functional as F", *self.settings), (*body, *self.output_lines(case))
        )

    def tensors(self, case: Case) -> list[str]:
        """The lines that convert the arrays to tensors."""
        names = ["x", "w", "bias"][: 2 + case.bias]
        mixed = case.weight_dtype is not None
        lines = [conversion_line(names, lambda name: self._tensor(case, name), apart=mixed)]
        if case.direction != "fwd":
            lines.append(", ".join(f"{name}.requires_grad_()" for name in names))
        return lines

    def operation(self, case: Case, padding: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """The lines that compute ``y``, channels_first, from the image."""
        return ["y = " + functional(case, padding, image, "bias" if with_bias else "None")]

    def output_lines(self, case: Case) -> list[str]:
        """The lines after ``y``."""
        if case.direction == "fwd":
            return []
        return gradient_lines(case, self.sources[: 2 + case.bias], lambda name: self._tensor(case, name))

    def place(self) -> str:
        """The device that the tensors are on."""
        return self.device

    def _tensor(self, case: Case, name: str) -> str:
        """An array as a tensor; dtype and device are stated where they differ from the array's."""
        form = case.format_of(name)
        dtype = f"torch.{form.label}" if form.carrier != form.label else ""
        place = ", ".join(filter(None, (f"'{self.place()}'" if self.place() != "cpu" else "", dtype)))
        return f"torch.from_numpy({name})" + (f".to({place})" if place else "")


def functional(case: Case, padding: SymmetricPadding, image: str, bias: str, *, weight: str = "w") -> str:
    """The call of the functional interface on the named tensors."""
    return call(
        f"F.conv_transpose{case.rank}d",
        [
            ("", image),
            ("", weight),
            ("", bias),
            ("stride", case.stride),
            ("padding", padding.padding),
            ("output_padding", padding.output_padding),
            ("groups", case.groups),
            ("dilation", case.dilation),
        ],
    )


class TorchFunctional(TorchAdapter):
    """The functional interface, with the padding parameters wherever they can express the crop."""

    name = "torch"


class TorchNative(TorchFunctional):
    """With oneDNN off: PyTorch's own kernels."""

    name = "torch-native"
    settings = ("torch.backends.mkldnn.enabled = False",)


class TorchChannelsLast(TorchFunctional):
    """Image and weights in the channels_last memory format, which has its own kernels."""

    name = "torch-channels-last"
    documentation = "https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.memory_format"
    limits = (
        *TorchFunctional.limits,
        Limit(
            "inexpressible",
            "rank",
            lambda case: case.rank == 1,
            "memory formats are named for 4 and 5 dimensions: channels_last and channels_last_3d",
            documentation,
        ),
    )

    def operation(self, case: Case, padding: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """The call on tensors in that memory format."""
        memory_format = "torch.channels_last_3d" if case.rank == 3 else "torch.channels_last"
        convolve = functional(case, padding, "image", "bias" if with_bias else "None", weight="w_last")
        return [
            f"image = {image}.contiguous(memory_format={memory_format})",
            f"w_last = w.contiguous(memory_format={memory_format})",
            f"y = {convolve}",
        ]


class TorchUnbatched(TorchFunctional):
    """One image at a time: the documented input without a batch axis."""

    name = "torch-unbatched"
    limits = (
        *TorchFunctional.limits,
        Limit(
            "inexpressible",
            "batch",
            lambda case: case.batch == 0,
            "there is no image to call it with",
            _FUNCTIONAL,
        ),
    )

    def operation(self, case: Case, padding: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """One call per image."""
        convolve = functional(case, padding, "one", "bias" if with_bias else "None")
        return [f"y = torch.stack([{convolve} for one in {image}])"]


class TorchModule(TorchAdapter):
    """``torch.nn.ConvTranspose{1,2,3}d`` with the case's weights as its parameters."""

    name = "torch-module"
    documentation = _MODULE
    limits: ClassVar[tuple[Limit, ...]] = (no_periodic(_MODULE), _no_crop(_MODULE))
    sources = ("x", "layer.weight", "layer.bias")

    def layer(self, case: Case, padding: SymmetricPadding, with_bias: bool) -> list[str]:
        """The lines that construct the layer; a bias that is added after the padding is its parameter too."""
        constructor = call(
            f"torch.nn.ConvTranspose{case.rank}d",
            [
                ("", case.in_channels),
                ("", case.out_channels),
                ("", case.kernel_size),
                ("stride", case.stride),
                ("padding", padding.padding),
                ("output_padding", padding.output_padding),
                ("groups", case.groups),
                ("bias", with_bias),
                ("dilation", case.dilation),
                ("dtype", f"torch.{case.format_of('w').label}"),
            ],
        )
        bias = ["layer.bias = torch.nn.Parameter(bias)"] if case.bias else []
        return [f"layer = {constructor}", "layer.weight = torch.nn.Parameter(w)", *bias]

    def tensors(self, case: Case) -> list[str]:
        """The shared lines; the layer's parameters require gradients by themselves."""
        lines = super().tensors(case)
        return [*lines[:-1], "x.requires_grad_()"] if case.direction != "fwd" else lines

    def operation(self, case: Case, padding: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """Construct the layer and call it."""
        if case.bias and not with_bias:
            raise Declined("inexpressible", "the layer adds its bias before zeros could be added", _MODULE)
        return [*self.layer(case, padding, with_bias), f"y = layer({image})"]


def _reaches_a_stride(case: Case, padding: SymmetricPadding) -> bool:
    """Whether an output_padding gives a size that a forward convolution would map to a different input size."""
    return any(o >= s for o, s in zip(padding.output_padding, case.stride, strict=True))


class TorchOutputSize(TorchModule):
    """The module called with ``output_size``, from which it computes the output_padding itself."""

    name = "torch-output-size"
    limits = (*TorchModule.limits, no_output_padding_for_invalid_cases(_MODULE))

    def operation(self, case: Case, padding: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """Pass the output size that the rules give."""
        padding = symmetric_padding(case, below_stride=True)
        solved = geometry(case)
        if solved is not None and (_reaches_a_stride(case, padding) or not padding.is_complete):
            raise Declined("inexpressible", "output_size takes less than one stride beyond the smallest", _MODULE)
        arguments = image if solved is None else f"{image}, output_size={list(solved.output_size)}"
        unset = padding._replace(output_padding=(0,) * case.rank)
        return [*self.layer(case, unset, with_bias), f"y = layer({arguments})"]


class TorchNNGrad(TorchAdapter):
    """``torch.nn.grad``: the transposed convolution as the input gradient of the forward one.

    The forward convolution's weights are (Cout', Cin'/G, \\*k) with Cout' = Cin and Cin' = Cout. Its own
    gradient is a forward convolution, and ``torch.nn.grad.conv{1,2,3}d_weight`` gives the weights'.
    """

    name = "torch-nn-grad"
    second_order = False  # its gradients are calls of their own
    documentation = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/grad.py"
    limits = (
        *TorchAdapter.limits,
        Limit("inexpressible", "bias", lambda case: case.bias, "it adds no bias", documentation),
        no_output_padding_for_invalid_cases(documentation),
    )

    def operation(self, case: Case, padding: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """The input gradient for an input of the output's size."""
        if geometry(case) is not None and _reaches_a_stride(case, padding):
            raise Declined(
                "inexpressible", "the forward convolution of such an output is longer than x", self.documentation
            )
        arguments = self._arguments(case, padding)
        shape = [case.batch, case.out_channels, *self._size(case, padding)]
        return [
            "y = "
            + call(f"torch.nn.grad.conv{case.rank}d_input", [("", shape), ("", "w"), ("", image), *arguments])
        ]

    def output_lines(self, case: Case) -> list[str]:
        """The adjoints: the forward convolution and its weight gradient; the adjoint of the crop is padding."""
        if case.direction == "fwd":
            return []
        padding = symmetric_padding(case)
        if not padding.is_complete:
            detail = "the gradient functions cannot express a crop that padding does not"
            raise Declined("inexpressible", detail, self.documentation)
        image, dy = ("image", "dy.movedim(-1, 1)") if case.layout == "channels_last" else ("x", "dy")
        arguments = self._arguments(case, padding)
        lines = [
            f"dy = {self._tensor(case, 'dy')}",
            "dx = " + call(f"F.conv{case.rank}d", [("", dy), ("", "w"), *arguments]),
            "dw = "
            + call(
                f"torch.nn.grad.conv{case.rank}d_weight",
                [("", dy), ("", "w.shape"), ("", image), *arguments],
            ),
        ]
        return [*lines, "dx = dx.movedim(1, -1)"] if case.layout == "channels_last" else lines

    def _arguments(self, case: Case, padding: SymmetricPadding) -> list[tuple[str, Any]]:
        return [
            ("stride", case.stride),
            ("padding", padding.padding),
            ("dilation", case.dilation),
            ("groups", case.groups),
        ]

    def _size(self, case: Case, padding: SymmetricPadding) -> list[int]:
        # R4 on each axis; a crop beyond padding is sliced afterwards.
        axes = zip(case.input_size, case.kernel_size, case.stride, case.dilation, padding.padding,
                   padding.output_padding, strict=True)  # fmt: skip
        return [(i - 1) * s + d * (k - 1) + 1 - 2 * p + o for i, k, s, d, p, o in axes]


class TorchCuda(TorchFunctional):
    """``torch`` on a CUDA device, float32 in full precision.

    cuDNN may add in a different order each time (https://docs.pytorch.org/docs/stable/notes/randomness.html, "CUDA
    convolution benchmarking" and "Avoiding nondeterministic algorithms").
    """

    name = "torch-cuda"
    device = "cuda"
    repeatable = False
    refusals = ()
    settings = ("torch.backends.cudnn.allow_tf32 = False", "torch.backends.cuda.matmul.allow_tf32 = False")


class TorchCudaTf32(TorchCuda):
    """``torch`` on a CUDA device, float32 products in TF32: PyTorch's default for convolutions."""

    name = "torch-cuda-tf32"
    promises: ClassVar[Mapping[str, str]] = {**TorchCuda.promises, "f32": "tf32", "c64": "tf32"}
    settings = ("torch.backends.cudnn.allow_tf32 = True", "torch.backends.cuda.matmul.allow_tf32 = True")
