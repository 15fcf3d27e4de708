"""Equinox: ``nn.ConvTranspose`` and its ranked forms; unbatched input, weights (Cout, Cin/G, *k), reversed."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import (
    CallContext,
    CallError,
    Meaning,
    WeightForm,
    form,
    given_or_none,
    number,
    pairs,
    per_axis,
    refuse,
)


# The ranked classes take output_padding before padding, the general one takes it after padding.
@form("equinox.nn.ConvTranspose{rank}d", "eqx.nn.ConvTranspose{rank}d")
def ranked(
    context: CallContext,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    output_padding: Any = 0,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    use_bias: Any = True,
    padding_mode: Any = "ZEROS",
    dtype: Any = None,
    *,
    key: Any = None,
) -> Meaning:
    context.narrows = "JAX makes float32 of it"
    rank = context.rank_from_input()
    kernel, strides, dilations = (
        per_axis(name, value, rank)
        for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation))
    )
    extra = per_axis("output_padding", output_padding, rank)
    mode = padding_mode.upper() if isinstance(padding_mode, str) else padding_mode
    if mode == "CIRCULAR":
        if padding not in ("SAME", "SAME_LOWER") or any(extra):
            raise CallError("padding_mode: CIRCULAR takes SAME or SAME_LOWER, and no output_padding")
        crop: Any = "circular" if padding == "SAME" else "circular_lower"
    else:
        refuse("padding_mode", mode, "ZEROS", "only ZEROS and CIRCULAR are transposed convolutions")
        crop = _crop(padding, rank, kernel, strides, dilations, extra)
    return context.meaning(
        layout="channels_first",
        in_channels=number("in_channels", in_channels),
        out_channels=out_channels,
        kernel_size=kernel,
        stride=strides,
        padding=crop,
        output_padding=None if isinstance(padding, str) else given_or_none("output_padding", output_padding, rank),
        dilation=dilations,
        groups=groups,
        bias=use_bias,
        dtype=dtype,
        weight=WeightForm("oi*", flipped=True, grouped_inputs=True),
        unbatched=True,
    )


@form("equinox.nn.ConvTranspose", "eqx.nn.ConvTranspose")
def general(
    context: CallContext,
    num_spatial_dims: Any,
    in_channels: Any,
    out_channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    use_bias: Any = True,
    padding_mode: Any = "ZEROS",
    dtype: Any = None,
    *,
    key: Any = None,
) -> Meaning:
    if num_spatial_dims not in (1, 2, 3):
        raise CallError(f"num_spatial_dims: {num_spatial_dims!s} is not 1, 2 or 3")
    context.rank = num_spatial_dims
    return ranked(
        context, in_channels, out_channels, kernel_size, stride, output_padding, padding, dilation, groups,
        use_bias, padding_mode, dtype, key=key,
    )  # fmt: skip


def _crop(
    padding: Any,
    rank: int,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    extra: tuple[int, ...],
) -> Any:
    """The padding: a name, or explicit pairs where output_padding adds to the e - s that SAME crops."""
    if isinstance(padding, str):
        name = padding.upper()
        if name not in ("SAME", "SAME_LOWER"):
            raise CallError(f"padding: {padding!r} is neither SAME nor SAME_LOWER")
        if not any(extra):
            return "same_lower" if name == "SAME_LOWER" else "same_upper"
        crops = []
        for k, s, d, o in zip(kernel, stride, dilation, extra, strict=True):
            total = max(d * (k - 1) + 1 - s + o, 0)
            small, large = total // 2, total - total // 2
            crops.append((large, small) if name == "SAME_LOWER" else (small, large))
        return tuple(crops)
    if isinstance(padding, tuple) and any(isinstance(entry, tuple) for entry in padding):
        return pairs("padding", padding, rank)
    return tuple((crop, crop) for crop in per_axis("padding", padding, rank))
