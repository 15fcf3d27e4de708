"""Names that frameworks had once, read as what they became: ``tf.layers``, ``slim``, Keras 1 and 2, Sonnet."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import CallContext, CallError, Meaning, WeightForm, form, number, per_axis
from conformance.calls.keras_calls import image_layout, keras_padding, layer
from conformance.calls.tensorflow_calls import with_output_shape


def _tf_layer(rank: int) -> None:
    """The layers of TensorFlow 1, as a function and as a class."""
    prefixes = (
        "tf.layers.",
        "tf.compat.v1.layers.",
        "tensorflow.layers.",
        "tensorflow.compat.v1.layers.",
        "tf_layers.",
    )

    @form(*(f"{prefix}conv{rank}d_transpose" for prefix in prefixes), ranks=(rank,), importable=False)
    def function(
        context: CallContext,
        inputs: Any,
        filters: Any,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: Any = "channels_last",
        activation: Any = None,
        use_bias: Any = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: Any = True,
        name: Any = None,
        reuse: Any = None,
    ) -> Meaning:
        context.take_input(inputs)
        return layer(
            context, filters, kernel_size, strides, padding, None, data_format, 1, activation, use_bias,
            kernel_initializer, bias_initializer,
        )  # fmt: skip

    form(*(f"{prefix}Conv{rank}DTranspose" for prefix in prefixes), ranks=(rank,), importable=False)(_tf_class)


def _tf_class(
    context: CallContext,
    filters: Any,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: Any = "channels_last",
    activation: Any = None,
    use_bias: Any = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = "zeros",
    kernel_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    kernel_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: Any = True,
    name: Any = None,
) -> Meaning:
    return layer(
        context, filters, kernel_size, strides, padding, None, data_format, 1, activation, use_bias,
        kernel_initializer, bias_initializer,
    )  # fmt: skip


for _rank in (2, 3):
    _tf_layer(_rank)


@form(
    "slim.conv{rank}d_transpose", "tf_slim.conv{rank}d_transpose", "tf.contrib.slim.conv{rank}d_transpose",
    "tensorflow.contrib.slim.conv{rank}d_transpose", "tf.contrib.layers.conv{rank}d_transpose",
    "tensorflow.contrib.layers.conv{rank}d_transpose", "tf.contrib.layers.convolution{rank}d_transpose",
    "slim.convolution{rank}d_transpose", "layers.conv{rank}d_transpose",
    ranks=(2, 3), importable=False,
)  # fmt: skip
def slim(
    context: CallContext,
    inputs: Any,
    num_outputs: Any,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = "SAME",
    data_format: Any = None,
    activation_fn: Any = "relu",
    normalizer_fn: Any = None,
    normalizer_params: Any = None,
    weights_initializer: Any = None,
    weights_regularizer: Any = None,
    biases_initializer: Any = "zeros",
    biases_regularizer: Any = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: Any = True,
    scope: Any = None,
) -> Meaning:
    context.take_input(inputs)
    bias = normalizer_fn is None and biases_initializer is not None
    layout = "channels_first" if str(data_format or "").startswith("NC") else "channels_last"
    activation = None if activation_fn is None else activation_fn
    return layer(context, num_outputs, kernel_size, stride, padding, None, layout, 1, activation, bias)


@form(
    "K.conv{rank}d_transpose", "keras.backend.conv{rank}d_transpose", "tf.keras.backend.conv{rank}d_transpose",
    "tensorflow.keras.backend.conv{rank}d_transpose", "backend.conv{rank}d_transpose",
    ranks=(2, 3), importable=False,
)  # fmt: skip
def backend(
    context: CallContext,
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Meaning:
    layout = image_layout(context, data_format)
    names = {"channels_first": "NCHW", "channels_last": "NHWC"}
    return with_output_shape(
        context, x, kernel, output_shape, strides, keras_padding(padding).upper(), names[layout], dilation_rate
    )


@form(
    "keras.layers.Deconvolution{rank}D", "tf.keras.layers.Deconvolution{rank}D", "layers.Deconvolution{rank}D",
    "tensorflow.keras.layers.Deconvolution{rank}D", "Deconvolution{rank}D", "Deconv{rank}D",
    "keras.layers.Deconv{rank}D",
    ranks=(2,), importable=False,
)  # fmt: skip
def keras_1(
    context: CallContext,
    nb_filter: Any,
    nb_row: Any,
    nb_col: Any,
    output_shape: Any,
    init: Any = "glorot_uniform",
    activation: Any = None,
    weights: Any = None,
    border_mode: Any = "valid",
    subsample: Any = 1,
    dim_ordering: Any = "default",
    W_regularizer: Any = None,  # noqa: N803  # the names of Keras 1
    b_regularizer: Any = None,
    activity_regularizer: Any = None,
    W_constraint: Any = None,  # noqa: N803
    b_constraint: Any = None,
    bias: Any = True,
    name: Any = None,
    input_shape: Any = None,
    **others: Any,
) -> Meaning:
    rank = context.rank_from_input()
    if activation not in (None, "linear"):
        context.notes.append(f"the activation {activation!s} is left out: only the convolution is compared")
    layout = {"th": "channels_first", "tf": "channels_last"}.get(str(dim_ordering), context.settings.layout)
    if context.input_shape is None and context.partial_shape is None and isinstance(input_shape, tuple):
        context.partial_shape = (None, *(size if type(size) is int else None for size in input_shape))
        if None not in context.partial_shape[1:]:
            context.input_shape = (1, *(number("input_shape", size) for size in input_shape))
    if isinstance(output_shape, tuple) and len(output_shape) == rank + 1:  # without the batch
        output_shape = (None, *output_shape)
    whole = isinstance(output_shape, tuple) and len(output_shape) == rank + 2
    if whole and dim_ordering == "default" and output_shape[-1] != nb_filter == output_shape[1]:
        layout = "channels_first"
        context.notes.append("the output's shape has the channels first, so the input is read so, too")
    shape = context.input_shape or context.partial_shape
    at = 1 if layout == "channels_first" else -1
    channels = shape[at] if shape is not None and type(shape[at]) is int else 4
    if shape is None:
        context.notes.append(f"the text does not say the input channels; using {channels}")
    kernel = (number("nb_row", nb_row), number("nb_col", nb_col))
    context.weight_shape = (*kernel, number("nb_filter", nb_filter), number("input channels", channels))
    strides = per_axis("subsample", subsample, rank)
    mode = str(border_mode).upper()
    names = {"channels_first": "NCHW", "channels_last": "NHWC"}
    return with_output_shape(
        context, None, None, output_shape, strides, mode, names[layout], 1, bias=bias, casts=True
    )


def _lua(rank: int, name: str) -> None:
    """The modules of Torch 7: sizes of each kind from the last axis to the first, as separate numbers."""

    @form(f"nn.{name}", f"cudnn.{name}", ranks=(rank,), importable=False)
    def read(context: CallContext, inputs: Any, outputs: Any, *sizes: Any) -> Meaning:
        filled = [number("size", size) for size in sizes] + [0] * 4 * rank
        kernel, stride, padding, extra = (tuple(filled[at : at + rank]) for at in range(0, 4 * rank, rank))

        def axes(values: tuple[int, ...]) -> tuple[int, ...]:
            return values[::-1] if rank == 2 else (values[0], *values[:0:-1])  # kW, kH; but kT, kW, kH

        given = len(sizes) > rank
        return context.meaning(
            layout="channels_first",
            in_channels=number("nInputPlane", inputs),
            out_channels=outputs,
            kernel_size=axes(kernel),
            stride=axes(stride) if given else 1,
            padding=tuple((crop, crop) for crop in axes(padding)),
            output_padding=axes(extra) if any(extra) else None,
            bias=True,
        )


_lua(2, "SpatialFullConvolution")
_lua(3, "VolumetricFullConvolution")


@form("snt.Conv{rank}DTranspose", "sonnet.Conv{rank}DTranspose", importable=False)
def sonnet(
    context: CallContext,
    output_channels: Any,
    kernel_shape: Any,
    output_shape: Any = None,
    stride: Any = 1,
    rate: Any = 1,
    padding: Any = "SAME",
    with_bias: Any = True,
    w_init: Any = None,
    b_init: Any = None,
    data_format: Any = None,
    name: Any = None,
) -> Meaning:
    if output_shape is not None:
        raise CallError("output_shape: cannot be read; write the call of tf.nn that it becomes")
    first = isinstance(data_format, str) and data_format.startswith("NC")
    return context.meaning(
        layout="channels_first" if first else "channels_last",
        in_channels=None,
        out_channels=output_channels,
        kernel_size=kernel_shape,
        stride=stride,
        padding=keras_padding(padding),
        dilation=rate,
        bias=with_bias,
        weight=WeightForm("*oi"),
    )
