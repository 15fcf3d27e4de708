"""JAX: ``jax.lax.conv_transpose``, and ``conv_general_dilated`` where it is a transposed convolution."""

from __future__ import annotations

from typing import Any

from conformance.calls.form import (
    CallContext,
    CallError,
    Meaning,
    OtherOperation,
    WeightForm,
    form,
    number,
    pairs,
    per_axis,
    refuse,
    truth,
)
from conformance.calls.tensors import FUNCTIONS, Keywords, Positional

__all__ = ["lax_padding"]


def lax_padding(padding: Any, kernel: tuple[int, ...], dilation: tuple[int, ...], consistent: bool = False) -> Any:
    """The crop of a padding argument. Pairs (a, b) pad the zero-inserted input; the crop is e - 1 - each."""
    if isinstance(padding, str):
        if padding not in ("SAME", "VALID"):
            raise CallError(f"padding: {padding!r} is neither 'SAME' nor 'VALID'")
        return padding.lower()
    given = pairs("padding", padding, len(kernel))
    if consistent:
        return given
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return tuple((r - low, r - high) for r, (low, high) in zip(reach, given, strict=True))


@form("jax.lax.conv_transpose", "lax.conv_transpose")
def conv_transpose(
    context: CallContext,
    lhs: Any,
    rhs: Any,
    strides: Any,
    padding: Any,
    rhs_dilation: Any = None,
    dimension_numbers: Any = None,
    transpose_kernel: Any = False,
    precision: Any = None,
    preferred_element_type: Any = None,
    use_consistent_padding: Any = False,
) -> Meaning:
    context.narrows = "JAX makes float32 of it"
    context.take_input(lhs)
    shape = context.take_weight(rhs)
    rank = context.rank_from_input()
    spatial = "DHW"[-rank:]
    image, kernel_spec, _ = _specs(dimension_numbers, (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"))
    transposed = truth("transpose_kernel", transpose_kernel)
    kernel, inputs, outputs = _split(shape, kernel_spec)
    if transposed:
        inputs, outputs = outputs, inputs
    for argument, given in (("strides", strides), ("rhs_dilation", rhs_dilation)):
        if isinstance(given, int):
            raise CallError(f"{argument}: {given} is not a sequence; jax.lax takes one number per axis")
    dilation = per_axis("rhs_dilation", 1 if rhs_dilation is None else rhs_dilation, rank)
    consistent = truth("use_consistent_padding", use_consistent_padding)
    return context.meaning(
        layout=_layout(image),
        in_channels=inputs,
        out_channels=outputs,
        kernel_size=kernel,
        stride=strides,
        padding=lax_padding(padding, kernel, dilation, consistent),
        dilation=dilation,
        weight=WeightForm(_axes(kernel_spec, swapped=transposed), flipped=not transposed),
    )


@form("jax.lax.conv_general_dilated", "lax.conv_general_dilated")
def conv_general_dilated(
    context: CallContext,
    lhs: Any,
    rhs: Any,
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any = None,
    rhs_dilation: Any = None,
    dimension_numbers: Any = None,
    feature_group_count: Any = 1,
    batch_group_count: Any = 1,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Meaning:
    context.narrows = "JAX makes float32 of it"
    context.take_input(lhs)
    shape = context.take_weight(rhs)
    rank = context.rank_from_input()
    if set(per_axis("window_strides", window_strides, rank)) != {1}:
        raise OtherOperation("window_strides: only 1 is a transposed convolution; its stride is lhs_dilation")
    refuse("batch_group_count", batch_group_count, 1, "only 1 is a transposed convolution")
    spatial = "DHW"[-rank:]
    image, kernel_spec, _ = _specs(dimension_numbers, (f"NC{spatial}", f"OI{spatial}", f"NC{spatial}"))
    kernel, inputs, outputs = _split(shape, kernel_spec)
    groups = number("feature_group_count", feature_group_count)
    if isinstance(padding, str):
        raise CallError("padding: SAME and VALID pad the zero-inserted input here; write the pairs")
    dilation = per_axis("rhs_dilation", 1 if rhs_dilation is None else rhs_dilation, rank)
    return context.meaning(
        layout=_layout(image),
        in_channels=inputs * groups,
        out_channels=outputs,
        kernel_size=kernel,
        stride=1 if lhs_dilation is None else lhs_dilation,
        padding=lax_padding(padding, kernel, dilation),
        dilation=dilation,
        groups=groups,
        weight=WeightForm(_axes(kernel_spec), flipped=True, grouped_inputs=True),
    )


def _spec(letters: str, places: Any) -> Any:
    """A layout as a string, such as NHWC for the places (0, 3, 1, 2) of its batch, channels and spatial axes."""
    if not isinstance(places, tuple) or sorted(map(str, places)) != sorted(map(str, range(len(places)))):
        return places
    names = letters[:2] + "DHW"[-(len(places) - 2) :]
    return "".join(letter for _, letter in sorted(zip(places, names, strict=False)))


def _dimension_numbers(name: str, args: Positional, kwargs: Keywords) -> Any:
    fields = ("lhs_spec", "rhs_spec", "out_spec")
    written = tuple(kwargs.get(field, arg) for field, arg in zip(fields, (*args, None, None, None), strict=False))
    return tuple(_spec(letters, places) for letters, places in zip(("NC", "OI", "NC"), written, strict=True))


def _of_shapes(name: str, args: Positional, kwargs: Keywords) -> Any:
    return kwargs.get("dimension_numbers", args[-1] if args else None)


FUNCTIONS.update(ConvDimensionNumbers=_dimension_numbers, conv_dimension_numbers=_of_shapes)


def _specs(dimension_numbers: Any, default: tuple[str, str, str]) -> tuple[str, str, str]:
    if dimension_numbers is None:
        return default
    written = dimension_numbers if isinstance(dimension_numbers, tuple) else ()
    if len(written) != 3 or not all(isinstance(spec, str) for spec in written):
        raise CallError('dimension_numbers: write three strings, as in ("NHWC", "HWIO", "NHWC")')
    if written[0] != written[2]:
        raise CallError("dimension_numbers: an output in a different layout from the input cannot be a case")
    return written


def _layout(image: str) -> str:
    if image.startswith("NC"):
        return "channels_first"
    if image.startswith("N") and image.endswith("C"):
        return "channels_last"
    raise CallError(f"dimension_numbers: {image} is neither channels_first nor channels_last")


def _split(shape: tuple[int, ...], spec: str) -> tuple[tuple[int, ...], int, int]:
    if len(spec) != len(shape) or "I" not in spec or "O" not in spec:
        raise CallError(f"dimension_numbers: {spec} does not describe weights of {len(shape)} axes")
    kernel = tuple(size for size, letter in zip(shape, spec, strict=True) if letter not in "IO")
    return kernel, shape[spec.index("I")], shape[spec.index("O")]


def _axes(spec: str, swapped: bool = False) -> str:
    """A kernel specification as a weight form, such as HWIO as ``*io``; its spatial axes must be together."""
    inner = "".join(letter for letter in spec if letter not in "IO")
    axes = spec.replace(inner, "*")
    if axes.strip("IO") != "*":
        raise CallError(f"dimension_numbers: the spatial axes of {spec} are not side by side")
    axes = axes.lower()
    return axes.translate(str.maketrans("io", "oi")) if swapped else axes
