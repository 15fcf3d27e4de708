"""tinygrad: the method ``conv_transpose2d`` of a tensor, for any number of axes, and the layers."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import (
    CallContext,
    CallError,
    Meaning,
    form,
    given_or_none,
    number,
    per_axis,
    symmetric,
)


@form("tinygrad.Tensor.conv_transpose2d", "Tensor.conv_transpose2d")
def method(
    context: CallContext,
    self: Any,
    weight: Any,
    bias: Any = None,
    groups: Any = 1,
    stride: Any = 1,
    dilation: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
) -> Meaning:
    context.take_input(self)
    shape = context.take_weight(weight)
    rank = context.rank_from_input()
    outputs = shape[1] * number("groups", groups)
    return context.meaning(
        layout="channels_first",
        in_channels=shape[0],
        out_channels=outputs,
        kernel_size=shape[2:],
        stride=stride,
        padding=_crop(padding, rank),
        output_padding=given_or_none("output_padding", output_padding, rank),
        dilation=dilation,
        groups=groups,
        bias=context.take_bias(bias, outputs),
    )


@form("tinygrad.nn.ConvTranspose{rank}d", ranks=(1, 2))
def layer(
    context: CallContext,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    bias: Any = True,
) -> Meaning:
    rank = context.rank_from_input()
    return context.meaning(
        layout="channels_first",
        in_channels=number("in_channels", in_channels),
        out_channels=out_channels,
        kernel_size=kernel_size,
        stride=stride,
        padding=_crop(padding, rank),
        output_padding=given_or_none("output_padding", output_padding, rank),
        dilation=dilation,
        groups=groups,
        bias=bias,
    )


def _crop(padding: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """One number, one per axis, or the two ends of every axis, the last axis first."""
    if isinstance(padding, str):
        raise CallError(f"padding: {padding!r} is not a number, or one per axis")
    if isinstance(padding, tuple) and len(padding) == 2 * rank != rank:
        flat = per_axis("padding", padding, 2 * rank)
        return tuple(zip(flat[::2], flat[1::2], strict=True))[::-1]
    return symmetric("padding", padding, rank)
