"""Flax: ``linen.ConvTranspose`` and ``nnx.ConvTranspose``, channels_last, SAME by default, the kernel reversed."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import CallContext, CallError, Meaning, WeightForm, form, number, per_axis, truth
from conformance.calls.jax_calls import lax_padding


@form("flax.linen.ConvTranspose", "linen.ConvTranspose", "nn.ConvTranspose")
def linen(
    context: CallContext,
    features: Any,
    kernel_size: Any,
    strides: Any = None,
    padding: Any = "SAME",
    kernel_dilation: Any = None,
    use_bias: Any = True,
    mask: Any = None,
    dtype: Any = None,
    param_dtype: Any = None,
    precision: Any = None,
    kernel_init: Any = None,
    bias_init: Any = None,
    transpose_kernel: Any = False,
    promote_dtype: Any = None,
    preferred_element_type: Any = None,
    parent: Any = None,
    name: Any = None,
) -> Meaning:
    return _meaning(
        context, None, features, kernel_size, strides, padding, kernel_dilation, use_bias, mask, dtype,
        transpose_kernel,
    )  # fmt: skip


@form("flax.nnx.ConvTranspose", "nnx.ConvTranspose")
def nnx(
    context: CallContext,
    in_features: Any,
    out_features: Any,
    kernel_size: Any,
    strides: Any = None,
    *,
    padding: Any = "SAME",
    kernel_dilation: Any = None,
    use_bias: Any = True,
    mask: Any = None,
    dtype: Any = None,
    param_dtype: Any = None,
    precision: Any = None,
    kernel_init: Any = None,
    bias_init: Any = None,
    transpose_kernel: Any = False,
    promote_dtype: Any = None,
    preferred_element_type: Any = None,
    rngs: Any = None,
    kernel_metadata: Any = None,
    bias_metadata: Any = None,
) -> Meaning:
    inputs = number("in_features", in_features)
    return _meaning(
        context, inputs, out_features, kernel_size, strides, padding, kernel_dilation, use_bias, mask, dtype,
        transpose_kernel,
    )  # fmt: skip


def _meaning(
    context: CallContext,
    inputs: int | None,
    outputs: Any,
    kernel_size: Any,
    strides: Any,
    padding: Any,
    dilation: Any,
    bias: Any,
    mask: Any,
    dtype: Any,
    transpose_kernel: Any,
) -> Meaning:
    if mask is not None:
        raise CallError("mask: a masked kernel cannot be a case")
    context.narrows = "JAX makes float32 of it"
    context.rank = len(kernel_size) if isinstance(kernel_size, tuple) else 1
    kernel = per_axis("kernel_size", kernel_size, context.rank)
    dilations = per_axis("kernel_dilation", 1 if dilation is None else dilation, context.rank)
    transposed = truth("transpose_kernel", transpose_kernel)
    return context.meaning(
        layout="channels_last",
        in_channels=inputs,
        out_channels=outputs,
        kernel_size=kernel,
        stride=1 if strides is None else strides,
        padding=_padding(padding, kernel, dilations, transposed),
        dilation=dilations,
        bias=bias,
        dtype=dtype,
        weight=WeightForm("*oi" if transposed else "*io", flipped=not transposed),
    )


def _padding(padding: Any, kernel: tuple[int, ...], dilation: tuple[int, ...], transposed: bool) -> Any:
    if padding == "CIRCULAR":
        return "circular_lower" if transposed else "circular"
    if isinstance(padding, int):
        padding = ((padding, padding),) * len(kernel)
    elif isinstance(padding, tuple):
        padding = tuple((entry, entry) if isinstance(entry, int) else entry for entry in padding)
    return lax_padding(padding, kernel, dilation)
