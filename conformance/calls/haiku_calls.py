"""Haiku: ``Conv{1,2,3}DTranspose`` and ``ConvNDTranspose``; kernel reversed, SAME by default, no dilation."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import (
    CallContext,
    CallError,
    Meaning,
    WeightForm,
    crops_for_output,
    form,
    full_size,
    per_axis,
)
from conformance.calls.jax_calls import lax_padding


@form("haiku.Conv{rank}DTranspose", "hk.Conv{rank}DTranspose")
def fixed(
    context: CallContext,
    output_channels: Any,
    kernel_shape: Any,
    stride: Any = 1,
    output_shape: Any = None,
    padding: Any = "SAME",
    with_bias: Any = True,
    w_init: Any = None,
    b_init: Any = None,
    data_format: Any = None,
    mask: Any = None,
    name: Any = None,
) -> Meaning:
    if mask is not None:
        raise CallError("mask: a masked kernel cannot be a case")
    context.narrows = "JAX makes float32 of it"
    rank = context.rank_from_input()
    first = isinstance(data_format, str) and (data_format.startswith("NC") or data_format == "channels_first")
    kernel = per_axis("kernel_shape", kernel_shape, rank)
    strides = per_axis("stride", stride, rank)

    def place(spatial: tuple[int, ...]) -> Any:
        if output_shape is None:
            return lax_padding(padding, kernel, (1,) * rank)
        output = per_axis("output_shape", output_shape, rank)
        same = padding == "SAME"
        if padding not in ("SAME", "VALID"):
            raise CallError("padding: with output_shape it is 'SAME' or 'VALID'")
        full = full_size(kernel, strides, (1,) * rank)
        return crops_for_output(
            lambda full_length, length: max(full_length - length, 0) // 2 if same else 0, spatial, output, full
        )

    return context.meaning(
        layout="channels_first" if first else "channels_last",
        in_channels=None,
        out_channels=output_channels,
        kernel_size=kernel,
        stride=strides,
        bias=with_bias,
        weight=WeightForm("*oi", flipped=True),
        place=place,
    )


@form("haiku.ConvNDTranspose", "hk.ConvNDTranspose")
def any_rank(
    context: CallContext,
    num_spatial_dims: Any,
    output_channels: Any,
    kernel_shape: Any,
    stride: Any = 1,
    output_shape: Any = None,
    padding: Any = "SAME",
    with_bias: Any = True,
    w_init: Any = None,
    b_init: Any = None,
    data_format: Any = "channels_last",
    mask: Any = None,
    name: Any = None,
) -> Meaning:
    if num_spatial_dims not in (1, 2, 3):
        raise CallError(f"num_spatial_dims: {num_spatial_dims!s} is not 1, 2 or 3")
    context.rank = num_spatial_dims
    return fixed(
        context, output_channels, kernel_shape, stride, output_shape, padding, with_bias, w_init, b_init,
        data_format, mask, name,
    )  # fmt: skip
