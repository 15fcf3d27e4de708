"""Transposed convolutions of C++ (libtorch), Swift (MLX) and Rust (tch, burn), as `foreign_text` names them."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import FORMS, CallContext, Meaning, form
from conformance.calls.mlx_calls import layer_of
from conformance.calls.torch_calls import module
from conformance.calls.values import Arguments, Opaque

__all__: list[str] = []

_CPP = ("torch.nn.ConvTranspose{rank}dOptions", "nn.ConvTranspose{rank}dOptions", "ConvTranspose{rank}dOptions")
form(*_CPP, importable=False)(module)


@form("F.ConvTranspose{rank}dFuncOptions", "torch.nn.functional.ConvTranspose{rank}dFuncOptions", importable=False)
def function_options(context: CallContext, **options: Any) -> Meaning:
    return FORMS[f"torch.nn.functional.conv_transpose{context.rank}d"].read(Arguments(kwargs=options), context)


@form("mlx_swift.ConvTransposed{rank}d", importable=False)
def swift(
    context: CallContext,
    inputChannels: Any,  # noqa: N803  # the names of Swift
    outputChannels: Any,  # noqa: N803
    kernelSize: Any,  # noqa: N803
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    outputPadding: Any = 0,  # noqa: N803
    groups: Any = 1,
    bias: Any = True,
) -> Meaning:
    return layer_of(
        context, inputChannels, outputChannels, kernelSize, stride, padding, dilation, outputPadding, groups, bias
    )


@form("tch.conv_transpose{rank}d", importable=False)
def tch(
    context: CallContext, path: Any, in_dim: Any, out_dim: Any, kernel_size: Any, config: Any = None
) -> Meaning:
    options = dict(config.fields) if isinstance(config, Opaque) else {}
    known = ("stride", "padding", "output_padding", "groups", "bias", "dilation")
    return module(
        context, in_dim, out_dim, kernel_size, **{name: options[name] for name in known if name in options}
    )


@form("burn.ConvTranspose{rank}dConfig", importable=False)
def burn(
    context: CallContext,
    channels: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    padding_out: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
    bias: Any = True,
    initializer: Any = None,
) -> Meaning:
    inputs, outputs = channels if isinstance(channels, tuple) and len(channels) == 2 else (channels, channels)
    return module(context, inputs, outputs, kernel_size, stride, padding, padding_out, groups, bias, dilation)
