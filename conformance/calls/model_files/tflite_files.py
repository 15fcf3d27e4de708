"""TensorFlow Lite: TRANSPOSE_CONV and CONV_3D_TRANSPOSE, by the schema's reader that LiteRT ships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from conformance.calls.form import WeightForm
from conformance.calls.model_files.graph_tensors import GraphOperation, tensorflow_layer
from conformance.calls.model_files.records import ModelFileError, ModelLayer, Request, layer

__all__ = ["operators", "read"]


@dataclass(frozen=True)
class _Operator:
    """Where an operator of the schema has its options."""

    name: str
    rank: int
    strides: tuple[str, ...]
    dilations: tuple[str, ...]
    weight: WeightForm


_OPERATORS = {
    schema.BuiltinOperator.TRANSPOSE_CONV: _Operator(
        "TRANSPOSE_CONV", 2, ("strideH", "strideW"), (), WeightForm("o*i")
    ),
    schema.BuiltinOperator.CONV_3D_TRANSPOSE: _Operator(
        "CONV_3D_TRANSPOSE",
        3,
        ("strideD", "strideH", "strideW"),
        ("dilationDFactor", "dilationHFactor", "dilationWFactor"),
        WeightForm("*oi"),
    ),
}
# Operators that are not built in: those of MediaPipe, and TensorFlow's own through the Flex delegate.
_CUSTOM = ("Convolution2DTransposeBias", "FlexConv2DBackpropInput", "FlexConv3DBackpropInputV2")
_PADDINGS = {schema.Padding.SAME: "SAME", schema.Padding.VALID: "VALID"}


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


_DTYPES = {number: name.lower() for number, name in _names(schema.TensorType).items()}
_BUILT_IN = _names(schema.BuiltinOperator)
_ACTIVATIONS = _names(schema.ActivationFunctionType)


def read(request: Request) -> Iterator[ModelLayer]:
    """The operators of every subgraph."""
    content = request.path.read_bytes()
    if content[4:8] != b"TFL3":
        raise ModelFileError("it is not a TensorFlow Lite model: its identifier TFL3 is missing")
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for number, graph in enumerate(model.subgraphs):
        inputs = request.shapes([_text(graph.tensors[at].name) for at in graph.inputs]) if not number else {}
        shapes = _run(request, inputs) if inputs else {}
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            kind = _OPERATORS.get(max(code.builtinCode, code.deprecatedBuiltinCode))
            if kind is not None:
                yield _layer(model, graph, operator, kind, shapes)
            elif code.customCode and _text(code.customCode) in _CUSTOM:
                custom = _text(code.customCode)
                output = _text(graph.tensors[operator.outputs[0]].name)
                yield layer(output, custom, None, [f"not a case: the custom operator {custom}"])


def operators(path: Path) -> list[str]:
    """The names of the operators that do not compute integers, such as shapes."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    return [
        _BUILT_IN[codes[each.opcodeIndex]]
        for graph in model.subgraphs
        for each in graph.operators
        if not all(_DTYPES[graph.tensors[at].type] in ("int32", "int64") for at in each.outputs)
    ]


def _layer(model: Any, graph: Any, operator: Any, kind: _Operator, shapes: dict[int, Any]) -> ModelLayer:
    at_shape, at_weight, at_image, at_bias = (*operator.inputs, -1)[:4]
    at_output = operator.outputs[0]
    options = operator.builtinOptions
    image, weight = graph.tensors[at_image], graph.tensors[at_weight]
    kernel_at, outputs_at = (slice(1, 3), 0) if kind.rank == 2 else (slice(0, 3), 3)
    filters = [*weight.shape[kernel_at], weight.shape[outputs_at], weight.shape[-1]]
    given = _constant(model, graph.tensors[at_shape])
    output = shapes.get(at_output, _shape(graph.tensors[at_output]))
    if given is not None and not shapes:  # its batch is the one that the model was converted with
        output = [output[0], *map(int, given[1:])]
    found = GraphOperation(
        name=_name(graph.tensors[at_output], weight),
        operator=kind.name,
        image=shapes.get(at_image, _shape(image)),
        output=output,
        filters=[int(size) for size in filters],
        strides=[getattr(options, name) for name in kind.strides],
        dilations=[getattr(options, name) for name in kind.dilations],
        padding=_PADDINGS[options.padding],
        dtype=_DTYPES[image.type],
        weight_dtype=_DTYPES[weight.type],
        bias=at_bias >= 0,
        notes=list(_notes(graph, operator, options)),
    )
    bias = None if at_bias < 0 else _numbers(model, graph.tensors[at_bias])
    return tensorflow_layer(found, weight=kind.weight, kernel=_numbers(model, weight), bias=bias)


def _name(output: Any, weight: Any) -> str:
    """The name of the output; where the converter made it up, that of the weights. Operators have none."""
    name = _text(output.name)
    return _text(weight.name).partition(";")[0] if name.startswith("StatefulPartitionedCall") else name


def _notes(graph: Any, operator: Any, options: Any) -> Iterator[str]:
    activation = _ACTIVATIONS[options.fusedActivationFunction]
    if activation != "NONE":
        yield f"the activation {activation} is part of the operator; it is not compared"
    tensors = [graph.tensors[at] for at in (*operator.inputs[1:], *operator.outputs) if at >= 0]
    if any(tensor.quantization is not None and tensor.quantization.scale is not None for tensor in tensors):
        kinds = sorted({_DTYPES[tensor.type] for tensor in tensors})
        yield f"not part of the case: the quantisation (scales and zero points; {', '.join(kinds)})"


def _shape(tensor: Any) -> list[int | None]:
    """The sizes; those that are not known until the model runs are -1 in the signature."""
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    return [int(size) if size >= 0 else None for size in signature]


def _constant(model: Any, tensor: Any) -> np.ndarray | None:
    """The values of a constant; None for a tensor that is computed."""
    data = model.buffers[tensor.buffer].data
    if data is None or not len(data):
        return None
    dtype = _DTYPES[tensor.type]
    return np.frombuffer(bytes(data), dtype).reshape(tensor.shape) if dtype in np.sctypeDict else None


def _numbers(model: Any, tensor: Any) -> np.ndarray | None:
    """The real numbers that a constant stands for: a quantised one times its scales."""
    values = _constant(model, tensor)
    about = tensor.quantization
    if values is None or about is None or about.scale is None:
        return values
    axes = [1] * values.ndim
    if len(about.scale) > 1:
        axes[about.quantizedDimension] = -1
    scale, zero = (np.asarray(part, np.float64).reshape(axes) for part in (about.scale, about.zeroPoint))
    return np.asarray((values - zero) * scale)


def _run(request: Request, inputs: Mapping[str, Sequence[int]]) -> dict[int, list[int]]:
    """The shapes of all tensors where the model runs once, on zeros of the given shapes."""
    from ai_edge_litert.interpreter import Interpreter  # loads the runtime

    interpreter = Interpreter(model_path=str(request.path), num_threads=1, experimental_preserve_all_tensors=True)
    for entry in interpreter.get_input_details():
        if entry["name"] in inputs:
            interpreter.resize_tensor_input(entry["index"], inputs[entry["name"]])
    interpreter.allocate_tensors()
    for entry in interpreter.get_input_details():
        interpreter.set_tensor(entry["index"], np.zeros(entry["shape"], entry["dtype"]))
    interpreter.invoke()
    return {entry["index"]: [int(size) for size in entry["shape"]] for entry in interpreter.get_tensor_details()}


def _text(name: bytes | str) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
