"""MLX: ``mlx.core.conv_transpose{1,2,3}d`` and the layers; channels_last, weights (Cout, *k, Cin)."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import CallContext, Meaning, WeightForm, form, given_or_none, number, symmetric

__all__ = ["layer_of"]

_WEIGHT = WeightForm("o*i")


@form("mlx.core.conv_transpose{rank}d", "mx.conv_transpose{rank}d")
def functional(
    context: CallContext,
    input: Any,  # the framework's own name
    weight: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    output_padding: Any = 0,
    groups: Any = 1,
    *,
    stream: Any = None,
) -> Meaning:
    context.narrows = "MLX makes float32 of it"
    context.take_input(input)
    out_channels, *kernel, in_channels = context.take_weight(weight)
    return layer_of(
        context, in_channels * number("groups", groups), out_channels, tuple(kernel), stride, padding, dilation,
        output_padding, groups, False,
    )  # fmt: skip


@form("mlx.nn.ConvTranspose{rank}d", "mlx_nn.ConvTranspose{rank}d")
def layer(
    context: CallContext,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    output_padding: Any = 0,
    bias: Any = True,
) -> Meaning:
    context.narrows = "MLX makes float32 of it"
    return layer_of(
        context, in_channels, out_channels, kernel_size, stride, padding, dilation,
        output_padding, 1, bias,
    )  # fmt: skip


def layer_of(
    context: CallContext,
    inputs: Any,
    outputs: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    output_padding: Any,
    groups: Any,
    bias: Any,
) -> Meaning:
    """The meaning of a layer's arguments."""
    rank = context.rank_from_input()
    return context.meaning(
        layout="channels_last",
        in_channels=number("in_channels", inputs),
        out_channels=outputs,
        kernel_size=kernel,
        stride=stride,
        padding=symmetric("padding", padding, rank),
        output_padding=given_or_none("output_padding", output_padding, rank),
        dilation=dilation,
        groups=groups,
        bias=bias,
        weight=_WEIGHT,
    )
