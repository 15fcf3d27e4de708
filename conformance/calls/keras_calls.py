"""Keras: the layers and ``keras.ops.conv_transpose``. channels_last by default."""

from __future__ import annotations

import inspect
from typing import Any

from conformance.calls.form import (
    CallContext,
    CallError,
    Meaning,
    TensorExpression,
    WeightForm,
    form,
    number,
    per_axis,
)

__all__ = ["image_layout", "keras_padding", "layer"]

_WEIGHT = WeightForm("*oi")
_LAYERS = ("keras.layers.", "tf.keras.layers.", "tensorflow.keras.layers.", "layers.", "")


def _spell(rank: int) -> list[str]:
    return [f"{prefix}{name}{rank}DTranspose" for name in ("Conv", "Convolution") for prefix in _LAYERS]


# The names of Keras 1, which Keras 2 still took.
_KERAS_1 = {
    "nb_filter": "filters", "subsample": "strides", "border_mode": "padding", "dim_ordering": "data_format",
    "bias": "use_bias", "init": "kernel_initializer",
}  # fmt: skip


@form(*_spell(1), ranks=(1,), once=_KERAS_1)
@form(*_spell(2), ranks=(2,), once=_KERAS_1)
def layer(
    context: CallContext,
    filters: Any,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    output_padding: Any = None,
    data_format: Any = None,
    dilation_rate: Any = 1,
    activation: Any = None,
    use_bias: Any = True,
    kernel_initializer: Any = "glorot_uniform",
    bias_initializer: Any = "zeros",
    kernel_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    kernel_constraint: Any = None,
    bias_constraint: Any = None,
    *,
    dtype: Any = None,
    name: Any = None,
    trainable: Any = True,
    input_shape: Any = None,
) -> Meaning:
    if activation not in (None, "linear"):
        context.notes.append(f"the activation {activation!s} is left out: only the convolution is compared")
    if context.input_shape is None and isinstance(input_shape, tuple):
        # Keras 2 allowed the shape without the batch axis here.
        context.input_shape = (1, *(number("input_shape", size) for size in input_shape))
    context.casts = True  # a layer converts its input to its own dtype
    _note_initializers(context, kernel_initializer, bias_initializer)
    rank = context.rank_from_input()
    return context.meaning(
        layout=image_layout(context, data_format),
        in_channels=None,
        out_channels=filters,
        kernel_size=kernel_size,
        stride=strides,
        padding=keras_padding(padding),
        output_padding=None if output_padding is None else per_axis("output_padding", output_padding, rank),
        dilation=dilation_rate,
        bias=use_bias,
        dtype=dtype,
        weight=_WEIGHT,
    )


def _layer_3d(context: CallContext, **arguments: Any) -> Meaning:
    return layer(context, **arguments)


# Only the 3D layer takes data_format before output_padding.
_parameters = list(inspect.signature(layer).parameters.values())
_at = [parameter.name for parameter in _parameters].index("output_padding")
_parameters[_at : _at + 2] = reversed(_parameters[_at : _at + 2])
_layer_3d.__signature__ = inspect.Signature(_parameters)  # type: ignore[attr-defined]
form(*_spell(3), ranks=(3,), once=_KERAS_1)(_layer_3d)


@form("keras.ops.conv_transpose", "ops.conv_transpose", "keras.ops.nn.conv_transpose")
def ops(
    context: CallContext,
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: Any = "valid",
    output_padding: Any = None,
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Meaning:
    context.narrows = "the backends jax and numpy of Keras make float32 of it, torch and tensorflow do not"
    context.take_input(inputs)
    *kernel_size, out_channels, in_channels = context.take_weight(kernel)
    rank = context.rank_from_input()
    return context.meaning(
        layout=image_layout(context, data_format),
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=tuple(kernel_size),
        stride=strides,
        padding=keras_padding(padding),
        output_padding=None if output_padding is None else per_axis("output_padding", output_padding, rank),
        dilation=dilation_rate,
        weight=_WEIGHT,
    )


def image_layout(context: CallContext, data_format: Any) -> str:
    """The layout of an image layer: its own, or what the program has set."""
    layout = context.settings.layout if data_format in (None, "default") else data_format
    layout = {"th": "channels_first", "tf": "channels_last"}.get(layout, layout)
    if layout not in ("channels_last", "channels_first"):
        raise CallError(f"data_format: {layout!s} is neither channels_last nor channels_first")
    return str(layout)


def _note_initializers(context: CallContext, kernel: Any, bias: Any) -> None:
    """Note weights that are set to given values; random ones are the rule, as is a bias of zeros."""
    for role, value, usual in (("weights'", kernel, ()), ("bias's", bias, ("zeros", "Zeros"))):
        text = str(value)
        last = text.partition("(")[0].rpartition(".")[2]
        given = {"ones", "Ones", "zeros", "Zeros", "constant", "Constant", "constant_initializer"} - set(usual)
        if isinstance(value, TensorExpression) or last in given:
            context.facts.append(f"the {role} values ({text})")


def keras_padding(padding: Any) -> str:
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in ("valid", "same"):
        raise CallError(f"padding: {padding!s} is neither valid nor same")
    return str(name)
