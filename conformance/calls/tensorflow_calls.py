"""TensorFlow: ``tf.nn.conv{1,2,3}d_transpose`` and ``tf.nn.conv_transpose``, which take the output's shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.calls.form import (
    CallContext,
    CallError,
    Meaning,
    TensorExpression,
    WeightForm,
    crops_for_output,
    form,
    full_size,
    pairs,
    per_axis,
)

__all__ = ["with_output_shape"]


def with_output_shape(
    context: CallContext,
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any,
    data_format: Any,
    dilations: Any,
    bias: Any = False,
    casts: bool = False,
) -> Meaning:
    """The meaning of a call that takes the shape of its output."""
    context.casts = casts
    context.take_input(input)
    *kernel, out_channels, in_channels = context.take_weight(filters)
    rank = context.rank_from_input()
    layout = "channels_first" if str(data_format or "").startswith("NC") else "channels_last"
    stride = _spatial("strides", strides, rank, layout)
    dilation = _spatial("dilations", 1 if dilations is None else dilations, rank, layout)
    full = full_size(tuple(kernel), stride, dilation)
    effective = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]

    def check(fits: Callable[..., bool], spatial: tuple[int, ...], output: tuple[int, ...]) -> None:
        for axis, (size, length) in enumerate(zip(spatial, output, strict=True)):
            if not fits(size, length, stride[axis], effective[axis]):
                raise CallError(f"output_shape: a convolution of {output} does not give {spatial} on axis {axis}")

    output_given = output_shape.values if isinstance(output_shape, TensorExpression) else output_shape
    _take_batch_from_output(context, output_given)
    if context.input_shape is None and context.partial_shape is None:
        _take_input_from_output(context, output_given, in_channels, layout, padding, stride, effective)

    def place(spatial: tuple[int, ...]) -> Any:
        output = output_given
        if (
            not isinstance(output, tuple)
            or len(output) not in (rank, rank + 2)
            or any(isinstance(size, bool) for size in output)
        ):
            raise CallError(f"output_shape: {output_shape!s} cannot be read; write {rank + 2} numbers")
        if len(output) == rank + 2:
            channels = output[1 if layout == "channels_first" else -1]
            if type(channels) is int and channels != out_channels:
                raise CallError(f"output_shape: {channels} channels, but the filters have {out_channels}")
            output = output[2:] if layout == "channels_first" else output[1:-1]
        output = per_axis("output_shape", output, rank)
        if isinstance(padding, tuple):
            inner = padding[2:] if layout == "channels_first" else padding[1:-1]
            given = pairs("padding", inner, rank)
            padded = tuple(length + sum(ends) for length, ends in zip(output, given, strict=True))
            check(_CONVENTIONS["valid"][0], spatial, padded)
            return tuple(
                (low, full(axis, size) - low - output[axis])
                for axis, (size, (low, _)) in enumerate(zip(spatial, given, strict=True))
            )
        name = padding.lower() if padding in ("SAME", "VALID") else ""
        if name not in _CONVENTIONS:
            raise CallError(f"padding: {padding!s} is neither SAME nor VALID")
        fits, default, low, _ = _CONVENTIONS[name]
        check(fits, spatial, output)
        if output == tuple(default(*numbers) for numbers in zip(spatial, stride, effective, strict=True)):
            return name
        return crops_for_output(low, spatial, output, full)

    return context.meaning(
        layout=layout,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=tuple(kernel),
        stride=stride,
        dilation=dilation,
        bias=bias,
        weight=WeightForm("*oi"),
        place=place,
    )


def _take_batch_from_output(context: CallContext, output: Any) -> None:
    """A batch that only the output shape says."""
    partial = context.partial_shape or ()
    rest = tuple(size for size in partial[1:] if size is not None)
    if isinstance(output, tuple) and len(output) == len(partial) == len(rest) + 1 and type(output[0]) is int:
        context.input_shape = (output[0], *rest)


def _take_input_from_output(
    context: CallContext, output: Any, channels: int, layout: str, padding: Any, stride: Any, effective: list[int]
) -> None:
    """Where no input is given, its size is the only one that gives the output shape."""
    rank = len(effective)
    name = padding.lower() if isinstance(padding, str) else ""
    if not isinstance(output, tuple) or len(output) not in (rank, rank + 2) or name not in _CONVENTIONS:
        return
    sizes = output if len(output) == rank else output[2:] if layout == "channels_first" else output[1:-1]
    if not all(type(size) is int and size > 0 for size in sizes) or min(stride) < 1:
        return
    inverse = _CONVENTIONS[name][3]
    spatial = [max(inverse(*numbers), 0) for numbers in zip(sizes, stride, effective, strict=True)]
    batch = output[0] if len(output) > rank and type(output[0]) is int else 1
    shape = (batch, channels, *spatial) if layout == "channels_first" else (batch, *spatial, channels)
    context.input_shape = shape
    context.notes.append(f"no --input given; {'x'.join(map(str, shape))} follows from output_shape")


_Numbers = Callable[..., int]
# By convention: whether an output length fits, the default length, the start of a given length in the full
# result, and the input length of an output length. i, o, s and e are the input and output lengths, the stride and
# the effective kernel.
_CONVENTIONS: dict[str, tuple[Callable[..., bool], _Numbers, _Numbers, _Numbers]] = {
    "same": (
        lambda i, o, s, e: -(-o // s) == i,
        lambda i, s, e: i * s,
        lambda full, length: max(full - length, 0) // 2,
        lambda o, s, e: -(-o // s),
    ),
    "valid": (
        lambda i, o, s, e: (o - e) // s + 1 == i,
        lambda i, s, e: i * s + max(e - s, 0),
        lambda full, length: 0,
        lambda o, s, e: (o - e) // s + 1,
    ),
}


def _spatial(name: str, value: Any, rank: int, layout: str) -> tuple[int, ...]:
    """Strides are given per axis, or for the batch and channels too, where they must be 1."""
    if isinstance(value, tuple) and len(value) == rank + 2:
        ends = value[:2] if layout == "channels_first" else (value[0], value[-1])
        if ends != (1, 1):
            raise CallError(f"{name}: {value!s} is not 1 along the batch and the channels")
        value = value[2:] if layout == "channels_first" else value[1:-1]
    return per_axis(name, value, rank)


def _v1(rank: int, default: str) -> None:
    """Register the TensorFlow 1 names, which the library still has."""
    name = f"tf.compat.v1.nn.conv{rank}d_transpose"

    @form(name, name.replace("tf.", "tensorflow.", 1), ranks=(rank,))
    def read(
        context: CallContext,
        value: Any = None,
        filter: Any = None,  # the library's own names
        output_shape: Any = None,
        strides: Any = None,
        padding: Any = "SAME",
        data_format: Any = default,
        name: Any = None,
        input: Any = None,
        filters: Any = None,
        dilations: Any = None,
    ) -> Meaning:
        image, kernel = (value if input is None else input), (filter if filters is None else filters)
        return with_output_shape(context, image, kernel, output_shape, strides, padding, data_format, dilations)


def _register(spelling: str, default: Any) -> None:
    @form(spelling, spelling.replace("tf.", "tensorflow.", 1), once={"value": "input", "filter": "filters"})
    def read(
        context: CallContext,
        input: Any,  # the framework's own name
        filters: Any,
        output_shape: Any,
        strides: Any,
        padding: Any = "SAME",
        data_format: Any = default,
        dilations: Any = None,
        name: Any = None,
    ) -> Meaning:
        context.rank = context.rank or _RANKS.get(context.name)
        return with_output_shape(context, input, filters, output_shape, strides, padding, data_format, dilations)


@form("tf.raw_ops.Conv2DBackpropInput", "tensorflow.raw_ops.Conv2DBackpropInput", ranks=(2,))
def _conv2d_backprop_input(
    context: CallContext,
    input_sizes: Any,
    filter: Any,  # the framework's own name
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: Any = True,
    explicit_paddings: Any = (),
    data_format: Any = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: Any = None,
) -> Meaning:
    if padding == "EXPLICIT":
        padding = tuple(zip(explicit_paddings[::2], explicit_paddings[1::2], strict=False))
    return with_output_shape(context, out_backprop, filter, input_sizes, strides, padding, data_format, dilations)


_RANKS = {f"tf.nn.conv{rank}d_transpose": rank for rank in (1, 2, 3)}
for _rank, _default in ((1, "NWC"), (2, "NHWC"), (3, "NDHWC")):
    _register(f"tf.nn.conv{_rank}d_transpose", _default)
_register("tf.nn.conv_transpose", None)
_v1(2, "NHWC")
