"""Paddle: the functions and layers; channels_first by default, weights (Cin, Cout/G, *k)."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import FORMS, CallContext, CallError, Meaning, form, number, pairs, per_axis, symmetric
from conformance.calls.values import Arguments

__all__ = ["meaning_of"]


@form(
    "paddle.nn.functional.conv{rank}d_transpose", "functional.conv{rank}d_transpose", "F.conv{rank}d_transpose",
    ranks=(1, 3),
)  # fmt: skip
def functional(
    context: CallContext,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
    output_size: Any = None,
    data_format: Any = None,
    name: Any = None,
) -> Meaning:
    context.take_input(x)
    shape = context.take_weight(weight)
    outputs = shape[1] * number("groups", groups)
    return meaning_of(
        context, shape[0], outputs, shape[2:], stride, padding, output_padding, groups, dilation, output_size,
        data_format, context.take_bias(bias, outputs),
    )  # fmt: skip


# Only the function of two axes takes the dilation before the groups.
@form(
    "paddle.nn.functional.conv{rank}d_transpose", "functional.conv{rank}d_transpose", "F.conv{rank}d_transpose",
    ranks=(2,),
)  # fmt: skip
def functional_2d(
    context: CallContext,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    output_size: Any = None,
    data_format: Any = "NCHW",
    name: Any = None,
) -> Meaning:
    return functional(
        context, x, weight, bias, stride, padding, output_padding, groups, dilation, output_size, data_format
    )


@form("paddle.nn.Conv{rank}DTranspose", ranks=(1, 3))
def layer(
    context: CallContext,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
    weight_attr: Any = None,
    bias_attr: Any = None,
    data_format: Any = None,
) -> Meaning:
    output_size = context.applied.kwargs.get("output_size") if context.applied else None
    return meaning_of(
        context, number("in_channels", in_channels), out_channels, kernel_size, stride, padding, output_padding,
        groups, dilation, output_size, data_format, bias_attr is not False,
    )  # fmt: skip


@form("paddle.nn.Conv{rank}DTranspose", ranks=(2,))
def layer_2d(
    context: CallContext,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    weight_attr: Any = None,
    bias_attr: Any = None,
    data_format: Any = "NCHW",
) -> Meaning:
    return layer(
        context, in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, dilation,
        weight_attr, bias_attr, data_format,
    )  # fmt: skip


@form("nn.Conv{rank}DTranspose", importable=False)
def ambiguous(context: CallContext, *args: Any, **kwargs: Any) -> Meaning:
    """``nn`` is Paddle's, which takes the input channels too, or stands for the layers of Keras."""
    of_paddle = "in_channels" in kwargs or len(args) > 2 or (len(args) == 2 and "kernel_size" in kwargs)
    context.name = f"{'paddle.nn' if of_paddle else 'keras.layers'}.Conv{context.rank}DTranspose"
    return FORMS[context.name].read(Arguments(args, kwargs), context)


def meaning_of(
    context: CallContext,
    inputs: int | None,
    outputs: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
    output_size: Any,
    data_format: Any,
    bias: Any,
) -> Meaning:
    """The case of the arguments; ``inputs`` is None where only the input tells the channels."""
    rank = context.rank_from_input()
    extra = per_axis("output_padding", output_padding, rank)
    if output_size is not None:
        raise CallError("output_size: cannot be read yet; write the output_padding that gives it")
    layout = "channels_last" if str(data_format or "").endswith("C") else "channels_first"
    return context.meaning(
        layout=layout,
        in_channels=inputs,
        out_channels=outputs,
        kernel_size=kernel,
        stride=stride,
        padding=_crop(padding, layout, rank),
        output_padding=extra if any(extra) else None,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )


def _crop(padding: Any, layout: str, rank: int) -> tuple[tuple[int, int], ...]:
    """One number, one per axis, the two ends of every axis, or a pair for every axis, batch and channels too."""
    if isinstance(padding, str):
        if padding.upper() != "VALID":
            raise CallError(f"padding: {padding!r} cannot be read; write the numbers")
        return ((0, 0),) * rank
    if isinstance(padding, tuple) and any(isinstance(entry, tuple) for entry in padding):
        spatial = padding[1:-1] if layout == "channels_last" else padding[2:]
        return pairs("padding", spatial, rank)
    if isinstance(padding, tuple) and len(padding) == 2 * rank:
        flat = per_axis("padding", padding, 2 * rank)
        return tuple(zip(flat[::2], flat[1::2], strict=True))
    return symmetric("padding", padding, rank)
