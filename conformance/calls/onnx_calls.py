"""ONNX: a ``ConvTranspose`` node, written as ``onnx.helper.make_node`` or read from a model file."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.calls.dtype_names import dtype_label
from conformance.calls.form import (
    FORMS,
    CallContext,
    CallError,
    Meaning,
    OtherOperation,
    TensorExpression,
    form,
    given_or_none,
    number,
    per_axis,
)
from conformance.calls.settings import Settings
from conformance.calls.values import Arguments

__all__ = ["read_model", "read_node"]

_SPLIT_SINCE = 11


@form("onnx.helper.make_node", "helper.make_node", "make_node")
def make_node(
    context: CallContext,
    op_type: Any,
    inputs: Any,
    outputs: Any,
    name: Any = None,
    doc_string: Any = None,
    domain: Any = None,
    overload: Any = None,
    *,
    auto_pad: Any = "NOTSET",
    dilations: Any = None,
    group: Any = 1,
    kernel_shape: Any = None,
    output_padding: Any = None,
    output_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Meaning:
    if op_type != "ConvTranspose":
        raise OtherOperation(f"op_type: {op_type!s} is not ConvTranspose")
    named = context.settings.named
    tensors = [named.get(str(name)) for name in inputs] if isinstance(inputs, tuple) else []
    image, kernel, added = (*tensors, None, None, None)[:3]
    context.take_input(image)
    output = named.get(str(outputs[0])) if isinstance(outputs, tuple) and outputs else None
    shape = _weights(context, kernel, output, kernel_shape, number("group", group))
    rank = context.rank_from_input()
    if kernel_shape is not None and per_axis("kernel_shape", kernel_shape, rank) != shape[2:]:
        raise CallError(f"kernel_shape: {kernel_shape!s} is not that of the weights, {shape[2:]}")
    stride = per_axis("strides", 1 if strides is None else strides, rank)
    dilation = per_axis("dilations", 1 if dilations is None else dilations, rank)
    extra = per_axis("output_padding", 0 if output_padding is None else output_padding, rank)

    if context.input_shape is None and output is not None and auto_pad == "NOTSET" and output_shape is None:
        flat = per_axis("pads", 0 if pads is None else pads, rank * 2)
        _take_input_from_output(context, output, shape, stride, dilation, flat, extra)

    if output_shape is not None or str(auto_pad).startswith("SAME"):
        context.notes += _older_split(context.settings.facts)
    if output_shape is not None and isinstance(output_shape, tuple):
        output_shape = output_shape[-rank:]  # some models also give the batch and the channels
    return context.meaning(
        layout="channels_first",
        in_channels=shape[0],
        out_channels=shape[1] * number("group", group),
        kernel_size=shape[2:],
        stride=stride,
        # VALID becomes explicit pairs that include the output_padding.
        output_padding=None
        if auto_pad == "VALID" and output_shape is None
        else given_or_none("output_padding", extra, rank),
        dilation=dilation,
        groups=group,
        bias=context.take_bias(added, shape[1] * group) or (isinstance(inputs, tuple) and len(inputs) == 3),
        padding=_place(auto_pad, pads, output_shape is not None, extra),
        output_size=None if output_shape is None else per_axis("output_shape", output_shape, rank),
    )


_OPSETS = ("op", "opset", *(f"opset{number}" for number in range(1, 24)))


@form(*(f"{prefix}{opset}.ConvTranspose" for prefix in ("onnxscript.", "") for opset in _OPSETS), importable=False)
def script(context: CallContext, *inputs: Any, **attributes: Any) -> Meaning:
    """The operator as a function of tensors, as in ONNX Script."""
    names = tuple(f"input {place}" for place in range(len(inputs)))
    tensors = {
        name: value for name, value in zip(names, inputs, strict=True) if isinstance(value, TensorExpression)
    }
    context.settings = replace(context.settings, named=tensors)
    return FORMS["onnx.helper.make_node"].read(Arguments(("ConvTranspose", names, ("y",)), attributes), context)


def _older_split(facts: list[str]) -> list[str]:
    """A note for a model of an opset whose text splits the padding in the other way."""
    opsets = [int(match[1]) for fact in facts if (match := re.fullmatch(r"the opset \((\d{1,4})\)", fact))]
    if not any(opset < _SPLIT_SINCE for opset in opsets):
        return []
    return [
        f"not part of the case: opset {min(opsets)}; below {_SPLIT_SINCE} the text of ConvTranspose puts the odd "
        "position of auto_pad at the other end, and the case has it where later opsets do"
    ]


def _weights(
    context: CallContext,
    kernel: TensorExpression | None,
    output: TensorExpression | None,
    kernel_shape: Any,
    group: int,
) -> tuple[int, ...]:
    """The shape of the weights; where the text gives the kernel only, channels that fit its tensors."""
    known = context.weight_shape or (kernel is not None and kernel.known_shape())
    if known or not isinstance(kernel_shape, tuple) or len(kernel_shape) not in (1, 2, 3):
        return context.take_weight(kernel)
    image = context.input_shape or context.partial_shape or (None, None)
    inputs = image[1] if len(image) > 1 and image[1] is not None else 4 * max(group, 1)
    partial = kernel.shape if kernel is not None and kernel.shape is not None else ()
    outputs = next((shape[1] for shape in (output.shape if output else None,) if shape and len(shape) > 1), None)
    if len(partial) > 1 and partial[1] is not None:
        inputs, outputs = partial[0] or inputs, partial[1] * max(group, 1)
    per_group = (4 if outputs is None else outputs) // max(group, 1)
    shape = (inputs, per_group, *per_axis("kernel_shape", kernel_shape, len(kernel_shape)))
    context.notes.append(f"no --weight given, and the text has the kernel only; using {'x'.join(map(str, shape))}")
    context.weight_shape = shape
    return context.take_weight(kernel)


def _take_input_from_output(
    context: CallContext,
    output: TensorExpression,
    weight: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    pads: tuple[int, ...],
    extra: tuple[int, ...],
) -> None:
    """The input whose output has the shape that the graph says, if there is one."""
    known, rank = output.known_shape(), len(stride)
    if known is None or len(known) != rank + 2 or min(stride) < 1:
        return
    spatial = []
    for axis, length in enumerate(known[2:]):
        effective = dilation[axis] * (weight[axis + 2] - 1) + 1
        reach = length + pads[axis] + pads[axis + rank] - extra[axis] - effective
        if reach < 0 or reach % stride[axis]:
            return
        spatial.append(reach // stride[axis] + 1)
    context.input_shape = (known[0], weight[0], *spatial)
    context.notes.append(f"no --input given; {'x'.join(map(str, context.input_shape))} follows from the output")


def _place(auto_pad: Any, pads: Any, sized: bool, extra: tuple[int, ...]) -> Any:
    """The padding by the operator's specification; ``sized`` where output_shape is given."""
    rank = len(extra)
    if auto_pad not in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        raise CallError(f"auto_pad: {auto_pad!s} is not one of NOTSET, SAME_UPPER, SAME_LOWER, VALID")
    if sized:
        return "shape_upper" if auto_pad == "SAME_UPPER" else "shape_lower"
    if auto_pad == "NOTSET":
        flat = per_axis("pads", (0,) * rank * 2 if pads is None else pads, rank * 2)
        return tuple(zip(flat[:rank], flat[rank:], strict=True))
    if auto_pad == "VALID":
        return tuple((0, -o) for o in extra)
    return auto_pad.lower()


def read_model(path: Path, node_name: str | None, given_input_shape: tuple[int, ...] | None) -> Meaning:
    """Read a ConvTranspose node from a model file.

    Parameters
    ----------
    path : pathlib.Path
        The model.
    node_name : str or None
        Name of the node, or of one of its outputs; None if there is only one ConvTranspose.
    given_input_shape : tuple of int or None
        Shape of the node's input; None to take it from the graph.

    Raises
    ------
    CallError
        The file cannot be read, or the node or its shapes cannot be found.
    """
    try:
        onnx: Any = importlib.import_module("onnx")
    except ImportError:
        raise CallError(f"{path}: reading a model needs the onnx package; pip install onnx") from None
    try:
        model = onnx.shape_inference.infer_shapes(onnx.load(str(path), load_external_data=False))
    except Exception as error:
        raise CallError(f"{path} is not a readable ONNX model: {str(error).splitlines()[0][:200]}") from None
    return read_node(model, [model.graph], _find(path, model.graph, node_name), given_input_shape)


def read_node(
    model: Any, graphs: Sequence[Any], node: Any, given_input_shape: tuple[int, ...] | None = None
) -> Meaning:
    """Read a ConvTranspose node of a model whose shapes are inferred.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.
    graphs : sequence of onnx.GraphProto
        The graph of the node and those around it, the outermost first.
    node : onnx.NodeProto
        The node.
    given_input_shape : tuple of int, optional
        Shape of the node's input; else it is that of the graph.

    Raises
    ------
    CallError
        Its attributes are none that a ConvTranspose has, or the shape of its weights is not known.
    """
    onnx: Any = importlib.import_module("onnx")
    settings = _settings(model, graphs, node)
    weights = settings.named.get(node.input[1])
    if weights is None or weights.known_shape() is None:
        raise CallError(
            f"node {node.name or node.output[0]}: the shape of its weights {node.input[1]} is not known"
        )
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    plain = {
        key: value.decode() if isinstance(value, bytes) else tuple(value) if not isinstance(value, int) else value
        for key, value in attributes.items()
    }
    context = CallContext(
        name="onnx ConvTranspose",
        rank=None,
        input_shape=given_input_shape,
        weight_shape=None,
        applied=None,
        settings=settings,
    )
    inputs = tuple(name for name in node.input if name)
    try:
        return make_node(context, "ConvTranspose", inputs, tuple(node.output), **plain)
    except TypeError as error:
        raise CallError(f"node {node.name or node.output[0]}: {error}") from None


def _settings(model: Any, graphs: Sequence[Any], node: Any) -> Settings:
    """The tensors of a model by name, with shape and dtype, and what of it is not part of a case."""
    settings = Settings()
    for graph in reversed(graphs):  # a name of an inner graph hides that of an outer one
        for item in graph.initializer:
            tensor = TensorExpression(tuple(item.dims), dtype=dtype_label(item.data_type))
            settings.named.setdefault(item.name, tensor)
        for value in (*graph.input, *graph.value_info, *graph.output):
            kind = value.type.tensor_type
            if kind.HasField("shape"):
                sizes = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim)
                settings.named.setdefault(value.name, TensorExpression(sizes, dtype=dtype_label(kind.elem_type)))
    settings.facts += [f"the opset ({item.version})" for item in model.opset_import if not item.domain]
    makers = {name: other.op_type for graph in graphs for other in graph.node for name in other.output}
    if any(makers.get(name) == "DequantizeLinear" for name in node.input):
        settings.facts.append("the quantisation (DequantizeLinear)")
    return settings


def _find(path: Path, graph: Any, name: str | None) -> Any:
    nodes = [node for node in graph.node if node.op_type == "ConvTranspose"]
    chosen = nodes if name is None else [node for node in nodes if name == node.name or name in node.output]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(node.name or node.output[0] for node in nodes[:20]) or "none"
    if name is None and nodes:
        raise CallError(f"{path} has {len(nodes)} ConvTranspose nodes; name one with --node: {names}")
    raise CallError(f"{path} has no ConvTranspose node{f' {name!r}' if name else ''}; it has {names}")
