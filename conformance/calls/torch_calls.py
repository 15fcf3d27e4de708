"""PyTorch: modules (lazy ones too) and functionals; the crop is symmetric, output_padding extends the output."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import (
    CallContext,
    CallError,
    Meaning,
    OtherOperation,
    form,
    given_or_none,
    number,
    per_axis,
    refuse,
    symmetric,
)


@form("torch.nn.ConvTranspose{rank}d", "nn.ConvTranspose{rank}d", "ConvTranspose{rank}d")
def module(
    context: CallContext,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    bias: Any = True,
    dilation: Any = 1,
    padding_mode: Any = "zeros",
    device: Any = None,
    dtype: Any = None,
) -> Meaning:
    context.take_device(device)
    refuse("padding_mode", padding_mode, "zeros", "the transposed modules take only zeros")
    rank = context.rank_from_input()
    channels = None if in_channels is None else number("in_channels", in_channels)
    extra = given_or_none("output_padding", output_padding, rank)
    output_size = (context.applied.kwargs.get("output_size") if context.applied else None) or None
    if output_size is not None:
        extra = _for_output_size(context, output_size, kernel_size, stride, padding, dilation)
    return context.meaning(
        layout="channels_first",
        in_channels=channels,
        out_channels=out_channels,
        kernel_size=kernel_size,
        stride=stride,
        padding=_padding(context, padding, rank),
        output_padding=extra,
        dilation=dilation,
        groups=groups,
        bias=bias,
        dtype=dtype,
    )


@form("torch.nn.LazyConvTranspose{rank}d", "nn.LazyConvTranspose{rank}d", "LazyConvTranspose{rank}d")
def lazy_module(
    context: CallContext,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    bias: Any = True,
    dilation: Any = 1,
    padding_mode: Any = "zeros",
    device: Any = None,
    dtype: Any = None,
) -> Meaning:
    return module(
        context, None, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation,
        padding_mode, device, dtype,
    )  # fmt: skip


@form(
    "torch.nn.functional.conv_transpose{rank}d",
    "nn.functional.conv_transpose{rank}d",
    "functional.conv_transpose{rank}d",
    "F.conv_transpose{rank}d",
    "torch.conv_transpose{rank}d",
    "conv_transpose{rank}d",
)
def functional(
    context: CallContext,
    input: Any,  # the framework's own name
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
) -> Meaning:
    context.take_input(input)
    shape = context.take_weight(weight)
    rank = context.rank_from_input()
    return context.meaning(
        layout="channels_first",
        in_channels=shape[0],
        out_channels=shape[1] * number("groups", groups),
        kernel_size=shape[2:],
        stride=stride,
        padding=_padding(context, padding, rank),
        output_padding=given_or_none("output_padding", output_padding, rank),
        dilation=dilation,
        groups=groups,
        bias=context.take_bias(bias, shape[1] * number("groups", groups)),
    )


@form(
    "torch.ops.aten.convolution",
    "torch.ops.aten.convolution.default",
    "aten.convolution",
    "aten.convolution.default",
    "torch.convolution",
    importable=False,  # its signature is in the dispatcher, not in Python
)
def convolution(
    context: CallContext,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: Any,
    output_padding: Any,
    groups: Any,
) -> Meaning:
    if transposed is not True:
        raise OtherOperation("transposed: only True is a transposed convolution")
    return functional(context, input, weight, bias, stride, padding, output_padding, groups, dilation)


@form(
    "torch._convolution",
    "torch.ops.aten._convolution",
    "torch.ops.aten._convolution.default",
    "aten._convolution",
    importable=False,
)
def traced_convolution(
    context: CallContext,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: Any,
    output_padding: Any,
    groups: Any,
    benchmark: Any = False,
    deterministic: Any = False,
    cudnn_enabled: Any = True,
    allow_tf32: Any = True,
) -> Meaning:
    return convolution(context, input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)


@form(
    "torch.nn.grad.conv{rank}d_input",
    "nn.grad.conv{rank}d_input",
    "F.grad.conv{rank}d_input",
    "grad.conv{rank}d_input",
)
def gradient_of_convolution(
    context: CallContext,
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> Meaning:
    context.take_input(grad_output)
    shape = context.take_weight(weight)
    rank = context.rank_from_input()
    extra = _for_output_size(context, input_size, shape[2:], stride, padding, dilation)
    return functional(context, grad_output, weight, None, stride, padding, extra or (0,) * rank, groups, dilation)


for _rank in (1, 2, 3):
    _overload = "default" if _rank == 1 else "input"
    form(f"torch.ops.aten.conv_transpose{_rank}d.{_overload}", f"torch.ops.aten.conv_transpose{_rank}d",
         f"aten.conv_transpose{_rank}d.{_overload}", f"aten.conv_transpose{_rank}d", ranks=(_rank,),
         importable=False)(functional)  # fmt: skip


def _padding(context: CallContext, padding: Any, rank: int) -> Any:
    """The crop; the forward convolutions take names too, the transposed ones refuse them."""
    if isinstance(padding, str):
        raise CallError(
            f"padding: {padding!r} is not a number; PyTorch refuses it: {context.name} raises TypeError, argument "
            "'padding' must be tuple of ints. Only the forward convolutions take 'same' and 'valid'"
        )
    return symmetric("padding", padding, rank)


def _for_output_size(
    context: CallContext, output_size: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[int, ...] | None:
    """The output_padding with which ``forward(x, output_size=...)`` reaches a size."""
    rank = context.rank_from_input()
    if context.input_shape is None:
        raise CallError("output_size: the input's shape must be known; give --input")
    sizes = output_size[-rank:] if isinstance(output_size, tuple) else output_size
    spatial = context.input_shape[-rank:]
    extras = []
    numbers = (("kernel_size", kernel_size), ("stride", stride), ("padding", padding), ("dilation", dilation))
    columns = (per_axis(name, value, rank) for name, value in numbers)
    for size, i, k, s, p, d in zip(per_axis("output_size", sizes, rank), spatial, *columns, strict=True):
        shortest = (i - 1) * s - 2 * p + d * (k - 1) + 1
        if not shortest <= size < shortest + s:
            raise CallError(f"output_size: {size} cannot be reached; {shortest} to {shortest + s - 1} can")
        extras.append(size - shortest)
    return tuple(extras) if any(extras) else None
