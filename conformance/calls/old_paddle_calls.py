"""PaddlePaddle 1, ``paddle.fluid``, read as what it became."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import CallContext, CallError, Meaning, form
from conformance.calls.paddle_calls import meaning_of


@form(
    "paddle.fluid.layers.conv{rank}d_transpose", "fluid.layers.conv{rank}d_transpose", ranks=(2, 3),
    importable=False,
)  # fmt: skip
def function(
    context: CallContext,
    input: Any,
    num_filters: Any,
    output_size: Any = None,
    filter_size: Any = None,
    padding: Any = 0,
    stride: Any = 1,
    dilation: Any = 1,
    groups: Any = None,
    param_attr: Any = None,
    bias_attr: Any = None,
    use_cudnn: Any = True,
    act: Any = None,
    name: Any = None,
    data_format: Any = "NCHW",
) -> Meaning:
    context.take_input(input)
    return _meaning(
        context, num_filters, filter_size, output_size, padding, stride, dilation, groups, bias_attr, act,
        data_format,
    )  # fmt: skip


@form(
    "paddle.fluid.dygraph.Conv{rank}DTranspose", "paddle.fluid.dygraph.nn.Conv{rank}DTranspose",
    "fluid.dygraph.Conv{rank}DTranspose", "fluid.dygraph.nn.Conv{rank}DTranspose", ranks=(2, 3), importable=False,
)  # fmt: skip
def layer(
    context: CallContext,
    num_channels: Any = None,
    num_filters: Any = None,
    filter_size: Any = None,
    output_size: Any = None,
    padding: Any = 0,
    stride: Any = 1,
    dilation: Any = 1,
    groups: Any = None,
    param_attr: Any = None,
    bias_attr: Any = None,
    use_cudnn: Any = True,
    act: Any = None,
    dtype: Any = "float32",
) -> Meaning:
    """Before version 1.7 the first argument was a name."""
    return _meaning(
        context, num_filters, filter_size, output_size, padding, stride, dilation, groups, bias_attr, act, "NCHW",
        None if isinstance(num_channels, str) else num_channels,
    )  # fmt: skip


def _meaning(
    context: CallContext,
    filters: Any,
    kernel: Any,
    output_size: Any,
    padding: Any,
    stride: Any,
    dilation: Any,
    groups: Any,
    bias_attr: Any,
    act: Any,
    data_format: Any,
    channels: Any = None,
) -> Meaning:
    if kernel is None:
        raise CallError("filter_size: not given; it cannot be read from output_size yet")
    if act is not None:
        context.notes.append(f"the activation {act!s} is left out: only the convolution is compared")
    return meaning_of(
        context, channels, filters, kernel, stride, padding, 0, 1 if groups is None else groups, dilation,
        output_size, data_format, bias_attr is not False,
    )  # fmt: skip
