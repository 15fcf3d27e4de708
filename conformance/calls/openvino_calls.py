"""OpenVINO: ``convolution_backprop_data`` of an opset, and the grouped one, whose weights lead with the groups."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import (
    CallContext,
    CallError,
    Meaning,
    TensorExpression,
    form,
    full_size,
    given_or_none,
    per_axis,
)

_OPSETS = (13, *range(8, 13), 14, 15, 16)
_PREFIXES = (*(f"{root}.opset{number}" for number in _OPSETS for root in ("openvino", "ov")), "ov.opset")
# How OpenVINO splits what an output_shape cuts, in ONNX's names (R17): it gives the odd position to the other end.
_SPLITS = {"same_upper": "shape_lower", "same_lower": "shape_upper"}
_MODES = ("same_upper", "same_lower", "valid", "explicit", "notset")


@form(*(f"{prefix}.convolution_backprop_data" for prefix in _PREFIXES))
def convolution_backprop_data(
    context: CallContext,
    data: Any,
    filters: Any,
    strides: Any,
    output_shape: Any = None,
    pads_begin: Any = None,
    pads_end: Any = None,
    dilations: Any = None,
    auto_pad: Any = None,
    output_padding: Any = None,
    name: Any = None,
) -> Meaning:
    context.take_input(data)
    shape = context.take_weight(filters)
    return _meaning(
        context, shape, 1, strides, output_shape, pads_begin, pads_end, dilations, auto_pad, output_padding
    )


@form(*(f"{prefix}.group_convolution_backprop_data" for prefix in _PREFIXES))
def group_convolution_backprop_data(
    context: CallContext,
    data: Any,
    filters: Any,
    strides: Any,
    output_shape: Any = None,
    pads_begin: Any = None,
    pads_end: Any = None,
    dilations: Any = None,
    auto_pad: Any = "EXPLICIT",
    output_padding: Any = None,
    name: Any = None,
) -> Meaning:
    context.take_input(data)
    given = context.weight_shape or (filters.known_shape() if isinstance(filters, TensorExpression) else None)
    if given is None or len(given) < 4:
        raise CallError(f"{context.name}: the weights (G, Cin/G, Cout/G, *k) are not known; give --weight")
    groups, inputs, *rest = given
    context.weight_shape = (groups * inputs, *rest)
    shape = context.take_weight(filters)
    return _meaning(
        context, shape, groups, strides, output_shape, pads_begin, pads_end, dilations, auto_pad, output_padding
    )


def _meaning(
    context: CallContext,
    shape: tuple[int, ...],
    groups: int,
    strides: Any,
    output_shape: Any,
    pads_begin: Any,
    pads_end: Any,
    dilations: Any,
    auto_pad: Any,
    output_padding: Any,
) -> Meaning:
    rank = context.rank_from_input()
    mode = str(auto_pad or "explicit").lower()
    if mode not in _MODES:
        raise CallError(f"auto_pad: {auto_pad!s} is not one of {', '.join(_MODES)}")
    before, after = (per_axis("pads", 0 if pads is None else pads, rank) for pads in (pads_begin, pads_end))
    ends = tuple(zip(before, after, strict=True)) if mode in ("explicit", "notset") else ((0, 0),) * rank
    extra = given_or_none("output_padding", 0 if output_padding is None else output_padding, rank)
    stride, dilation = per_axis("strides", strides, rank), per_axis("dilations", dilations or 1, rank)
    size = _output_size(output_shape, rank)
    full = full_size(shape[2:], stride, dilation)

    def from_begin(spatial: tuple[int, ...]) -> Any:
        """Pads that leave the output size: at the start those of the call, at the end what follows."""
        lengths = zip(spatial, ends, size or (), extra or (0,) * rank, strict=True)
        return tuple(
            (low, full(axis, length) + more - low - given)
            for axis, (length, (low, _), given, more) in enumerate(lengths)
        )

    split = _SPLITS.get(mode) if size is not None else None
    return context.meaning(
        layout="channels_first",
        in_channels=shape[0],
        out_channels=shape[1] * groups,
        kernel_size=shape[2:],
        stride=stride,
        padding=split or (mode if mode.startswith("same") else ends),
        place=from_begin if size is not None and split is None else None,
        output_size=size if split else None,
        output_padding=extra,
        dilation=dilation,
        groups=groups,
    )


def _output_size(output_shape: Any, rank: int) -> tuple[int, ...] | None:
    """The spatial size of the output, if the call says it."""
    if output_shape is None:
        return None
    given = output_shape.values if isinstance(output_shape, TensorExpression) else output_shape
    if not isinstance(given, tuple | int) or isinstance(given, bool):
        raise CallError(f"output_shape: {output_shape!s} cannot be read; write its {rank} numbers")
    return per_axis("output_shape", given, rank)
