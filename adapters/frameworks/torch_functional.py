"""PyTorch, eager: ``torch.nn.functional.conv_transpose{1,2,3}d`` and other ways to the same operator.

A variant says how it makes ``y`` from the tensors ``x``, ``w`` and ``bias``; the tensors, the layout, what is
left to crop and the gradients are shared.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

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
from conformance.cases.case import Case

__all__ = ["TorchAdapter", "TorchFunctional", "gradient_lines"]

_FUNCTIONAL = "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv_transpose2d.html"
_MODULE = "https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html"


def _no_crop(source: str) -> Limit:
    """Asymmetric crops are cut from the result; where that is longer than the result, nobody can refuse it."""
    inner = no_crop_for_invalid_cases(source)

    def applies(case: Case) -> bool:
        pairs = () if isinstance(case.padding, str) else case.padding
        return any(low != high for low, high in pairs) and inner.applies(case)

    return Limit(inner.status, inner.parameter, applies, inner.reason, source)


class TorchAdapter(Adapter):
    """What the adapters on PyTorch share.

    Its ``padding`` crops both ends alike and ``output_padding`` gives back at the end (lo = p, hi = p - op), so
    a crop that ends later than it begins, or reaches outside the full result, is cut or padded around the call.

    Attributes
    ----------
    settings : tuple of str
        Lines of the process's set-up.
    sources : tuple of str
        What the gradients are taken of: input, weights and bias.
    """

    packages = ("torch",)
    extra = "torch"
    second_order = True
    documentation = _FUNCTIONAL
    limits: ClassVar[tuple[Limit, ...]] = (no_periodic(_FUNCTIONAL), _no_crop(_FUNCTIONAL))
    refusals: ClassVar[tuple[DocumentedRefusal, ...]] = torch_on_cpu()
    # The native CPU kernels multiply into a column buffer and add up its overlapping columns, both in the format
    # of the tensors, and weight gradients over the batch likewise: 3d-n2-c16x8-i5-k3-s2-p1-f16-normal.1 takes 48
    # times the fp32-acc bound with torch 2.13.0. oneDNN's kernels, which the processor decides on, do better.
    promises: ClassVar[Mapping[str, str]] = {**Adapter.promises, "f16": "storage-acc", "bf16": "storage-acc"}
    settings: ClassVar[tuple[str, ...]] = ()
    sources: ClassVar[tuple[str, str, str]] = ("x", "w", "bias")

    def __init__(self) -> None:
        super().__init__()
        self._torch: Any = importlib.import_module("torch")

    def export(self, value: Any) -> Tensor:
        """Take a tensor out of PyTorch; NumPy has no bfloat16, so that goes by way of float32."""
        value = value.detach().resolve_conj().cpu()
        if value.dtype == self._torch.bfloat16:
            return Tensor(value.float().numpy(), "bf16")
        return Tensor.of(value.numpy())

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text of `export`."""
        home = "" if cls.device == "cpu" else ".cpu()"
        conjugated = ".resolve_conj()" if case.format.is_complex else ""
        widened = ".float()" if case.dtype == "bf16" else ""
        return f"{name}.detach(){home}{conjugated}{widened}.numpy()"

    def program(self, case: Case) -> Program:
        """Write the call."""
        body = self.tensors(case)
        words = symmetric_padding(case)
        pads_zeros = any(low < 0 or high < 0 for low, high in words.rest)
        with_bias = case.bias and not pads_zeros
        if case.layout == "channels_last":
            body.append("image = x.movedim(-1, 1)")
        body += self.operation(case, words, "image" if case.layout == "channels_last" else "x", with_bias)
        if pads_zeros:
            # F.pad lists the last axis first. It comes before the cut, which may reach past the full result.
            flat = [max(-end, 0) for pair in reversed(words.rest) for end in pair]
            body.append(f"y = F.pad(y, {flat})")
        body += [f"y = y{cut}" for cut in [slices(words.rest, "channels_first")] if cut]
        if pads_zeros and case.bias:
            body.append(f"y = y + {self.sources[2]}.reshape(-1{', 1' * case.rank})")
        if case.layout == "channels_last":
            body.append("y = y.movedim(1, -1)")
        return Program(
            ("import torch", "import torch.nn.functional as F", *self.settings), (*body, *self.answer(case))
        )

    def tensors(self, case: Case) -> list[str]:
        """The lines that make tensors of the arrays."""
        names = ["x", "w", "bias"][: 2 + case.bias]
        lines = [conversion_line(names, lambda name: self._tensor(case, name))]
        if case.direction != "fwd":
            lines.append(", ".join(f"{name}.requires_grad_()" for name in names))
        return lines

    def operation(self, case: Case, words: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """The lines that make ``y``, channels_first, from the image."""
        return ["y = " + functional(case, words, image, "bias" if with_bias else "None")]

    def answer(self, case: Case) -> list[str]:
        """The lines after ``y``."""
        if case.direction == "fwd":
            return []
        return gradient_lines(case, self.sources[: 2 + case.bias], lambda name: self._tensor(case, name))

    def place(self) -> str:
        """The device that the tensors are on."""
        return self.device

    def _tensor(self, case: Case, name: str) -> str:
        """A tensor of an array: what of its dtype and place NumPy does not know is said."""
        dtype = f"torch.{case.format.label}" if case.format.carrier != case.format.label else ""
        place = ", ".join(filter(None, (f"'{self.place()}'" if self.place() != "cpu" else "", dtype)))
        return f"torch.from_numpy({name})" + (f".to({place})" if place else "")


def gradient_lines(case: Case, sources: Sequence[str], convert: Callable[[str], str]) -> list[str]:
    """Lines from ``y`` to its gradients by the sources, or to theirs; ``convert`` makes a tensor of an array."""
    first = ("dx", "dw", "db")[: len(sources)]
    make = [f"dy = {convert('dy')}"]
    if case.direction == "grad":
        return [*make, _autograd(case, first, ("y",), sources, ("dy",))]
    along = ("vx", "vw", "vb")[: len(sources)]
    return [
        *make,
        *(f"{name} = {convert(name)}" for name in along),
        "dy.requires_grad_()",
        _autograd(case, first, ("y",), sources, ("dy",), ", create_graph=True"),
        _autograd(case, case.outputs, first, (*sources[:2], "dy"), along),
    ]


def _autograd(
    case: Case,
    targets: Sequence[str],
    outputs: Sequence[str],
    sources: Sequence[str],
    upstream: Sequence[str],
    options: str = "",
) -> str:
    """The line of one call of autograd.

    It gives the conjugate Wirtinger derivative, R10 the transposed map without conjugation.
    """
    given = [f"{name}.conj_physical()" if case.format.is_complex else name for name in upstream]
    output = outputs[0] if len(outputs) == 1 else f"[{', '.join(outputs)}]"
    cotangent = given[0] if len(given) == 1 else f"[{', '.join(given)}]"
    gradient = f"torch.autograd.grad({output}, [{', '.join(sources)}], {cotangent}{options})"
    if case.format.is_complex:
        gradient = f"(d.conj() for d in {gradient})"
    return f"{', '.join(targets)} = {gradient}"


def functional(case: Case, words: SymmetricPadding, image: str, bias: str) -> str:
    """The call of the functional interface."""
    return call(
        f"F.conv_transpose{case.rank}d",
        [
            ("", image),
            ("", "w"),
            ("", bias),
            ("stride", case.stride),
            ("padding", words.padding),
            ("output_padding", words.output_padding),
            ("groups", case.groups),
            ("dilation", case.dilation),
        ],
    )


class TorchFunctional(TorchAdapter):
    """The functional interface, with the padding arguments wherever they can say the crop."""

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

    def operation(self, case: Case, words: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """The call on tensors laid out so."""
        form = "torch.channels_last" + "_3d" * (case.rank == 3)
        return [
            f"image = {image}.contiguous(memory_format={form})",
            "w_last = w.contiguous(memory_format=" + form + ")",
            "y = " + functional(case, words, "image", "bias" if with_bias else "None").replace("w", "w_last", 1),
        ]


class TorchUnbatched(TorchFunctional):
    """One image at a time: the documented input without a batch axis."""

    name = "torch-unbatched"
    limits = (
        *TorchFunctional.limits,
        Limit(
            "inexpressible", "batch", lambda case: case.batch == 0, "there is no image to ask with", _FUNCTIONAL
        ),
    )

    def operation(self, case: Case, words: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """A call an image."""
        convolve = functional(case, words, "one", "bias" if with_bias else "None")
        return [f"y = torch.stack([{convolve} for one in {image}])"]


class TorchModule(TorchAdapter):
    """``torch.nn.ConvTranspose{1,2,3}d`` with the weights put in."""

    name = "torch-module"
    documentation = _MODULE
    limits: ClassVar[tuple[Limit, ...]] = (no_periodic(_MODULE), _no_crop(_MODULE))
    sources = ("x", "layer.weight", "layer.bias")

    def layer(self, case: Case, words: SymmetricPadding, with_bias: bool) -> list[str]:
        """The lines that make the layer; a bias that comes after the padding stays on it."""
        made = call(
            f"torch.nn.ConvTranspose{case.rank}d",
            [
                ("", case.in_channels),
                ("", case.out_channels),
                ("", case.kernel_size),
                ("stride", case.stride),
                ("padding", words.padding),
                ("output_padding", words.output_padding),
                ("groups", case.groups),
                ("bias", with_bias),
                ("dilation", case.dilation),
                ("dtype", f"torch.{case.format.label}"),
            ],
        )
        bias = ["layer.bias = torch.nn.Parameter(bias)"] if case.bias else []
        return [f"layer = {made}", "layer.weight = torch.nn.Parameter(w)", *bias]

    def tensors(self, case: Case) -> list[str]:
        """The parameters carry their own gradients."""
        lines = super().tensors(case)
        return [*lines[:-1], "x.requires_grad_()"] if case.direction != "fwd" else lines

    def operation(self, case: Case, words: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """Make the layer and call it."""
        if case.bias and not with_bias:
            raise Declined("inexpressible", "the layer adds its bias before zeros could be added", _MODULE)
        return [*self.layer(case, words, with_bias), f"y = layer({image})"]


def _reaches_a_stride(case: Case, words: SymmetricPadding) -> bool:
    """Whether an output_padding names a size that a forward convolution would take to another input size."""
    return any(o >= s for o, s in zip(words.output_padding, case.stride, strict=True))


class TorchOutputSize(TorchModule):
    """The module called with ``output_size``, from which it computes the output_padding itself."""

    name = "torch-output-size"
    limits = (*TorchModule.limits, no_output_padding_for_invalid_cases(_MODULE))

    def operation(self, case: Case, words: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """Ask for the size by the rules."""
        words = symmetric_padding(case, below_stride=True)
        found = geometry(case)
        if found is not None and (_reaches_a_stride(case, words) or not words.is_complete):
            raise Declined("inexpressible", "output_size takes less than one stride beyond the smallest", _MODULE)
        asked = image if found is None else f"{image}, output_size={list(found.output_size)}"
        unset = words._replace(output_padding=(0,) * case.rank)
        return [*self.layer(case, unset, with_bias), f"y = layer({asked})"]


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

    def operation(self, case: Case, words: SymmetricPadding, image: str, with_bias: bool) -> list[str]:
        """The input gradient for an input of the output's size."""
        if geometry(case) is not None and _reaches_a_stride(case, words):
            raise Declined(
                "inexpressible", "the forward convolution of such an output is longer than x", self.documentation
            )
        arguments = self._arguments(case, words)
        shape = [case.batch, case.out_channels, *self._size(case, words)]
        return [
            "y = "
            + call(f"torch.nn.grad.conv{case.rank}d_input", [("", shape), ("", "w"), ("", image), *arguments])
        ]

    def answer(self, case: Case) -> list[str]:
        """The adjoints by the forward convolution and its weight gradient; the crop's is padding."""
        if case.direction == "fwd":
            return []
        words = symmetric_padding(case)
        if not words.is_complete:
            raise Declined("inexpressible", "a crop beyond padding has no gradient here", self.documentation)
        image, dy = ("image", "dy.movedim(-1, 1)") if case.layout == "channels_last" else ("x", "dy")
        arguments = self._arguments(case, words)
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

    def _arguments(self, case: Case, words: SymmetricPadding) -> list[tuple[str, Any]]:
        return [
            ("stride", case.stride),
            ("padding", words.padding),
            ("dilation", case.dilation),
            ("groups", case.groups),
        ]

    def _size(self, case: Case, words: SymmetricPadding) -> list[int]:
        axes = zip(case.input_size, case.kernel_size, case.stride, case.dilation, words.padding,
                   words.output_padding, strict=True)  # fmt: skip
        return [(i - 1) * s + d * (k - 1) + 1 - 2 * p + o for i, k, s, d, p, o in axes]


class TorchCuda(TorchFunctional):
    """``torch`` on a CUDA device, float32 in full precision.

    cuDNN may add in another order each time (https://docs.pytorch.org/docs/stable/notes/randomness.html, "CUDA
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
