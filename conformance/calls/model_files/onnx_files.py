"""ONNX: every ``ConvTranspose`` node, of the graph, of the graphs inside it and of the model's functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.inliner
import onnx.reference
import onnx.shape_inference
import onnx.version_converter

from conformance.calls.form import CallError
from conformance.calls.model_files.records import ModelFileError, ModelLayer, Request, layer
from conformance.calls.onnx_calls import read_node

__all__ = ["check", "operators", "read"]

# Operators of other domains that are transposed convolutions too.
_OTHERS = {"ConvTransposeWithDynamicPads", "QLinearConvTranspose", "NhwcFusedConvTranspose"}


def read(request: Request) -> Iterator[ModelLayer]:
    """The nodes in the order of the graph."""
    model = onnx.load(str(request.path), load_external_data=request.values)
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    _set_inputs(model.graph, request)
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    for graphs, node in _nodes([model.graph]):
        name = node.name or node.output[0]
        if node.domain not in ("", "ai.onnx") or node.op_type != "ConvTranspose":
            operator = f"{node.domain}.{node.op_type}"
            yield layer(name, operator, None, [f"not a case: {operator} is not in the standard operator set"])
            continue
        try:
            meaning = read_node(model, graphs, node)
        except CallError as error:
            yield layer(name, "ConvTranspose", None, [f"not a case: {error}"])
            continue
        tensors = [_value(model, graphs, wanted) if request.values else None for wanted in node.input[1:3]]
        kernel, bias = (*tensors, None)[:2]
        yield layer(name, "ConvTranspose", meaning.case, list(meaning.notes), kernel=kernel, bias=bias)


def operators(path: Path) -> list[str]:
    """The names of the operators of the graph that do not compute integers, such as shapes."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(str(path), load_external_data=False)).graph
    integers = {
        value.name
        for value in (*graph.value_info, *graph.output)
        if value.type.tensor_type.elem_type in (onnx.TensorProto.INT32, onnx.TensorProto.INT64)
    }
    return [node.op_type for node in graph.node if not integers.issuperset(node.output)]


def check(path: Path) -> None:
    """Raise what ONNX's own checker finds wrong."""
    onnx.checker.check_model(str(path), full_check=True)


def _set_inputs(graph: Any, request: Request) -> None:
    """Write the given shapes into the model's inputs."""
    initialised = {item.name for item in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in initialised}
    for name, shape in request.shapes(list(inputs)).items():
        tensor = inputs[name].type.tensor_type
        if tensor.HasField("shape") and len(tensor.shape.dim) != len(shape):
            raise ModelFileError(f"--input: {name} has {len(tensor.shape.dim)} axes, not {len(shape)}")
        del tensor.shape.dim[:]
        for size in shape:
            tensor.shape.dim.add().dim_value = size


def _nodes(graphs: Sequence[Any]) -> Iterator[tuple[Sequence[Any], Any]]:
    """Every transposed convolution, with its graph and those around it."""
    for node in graphs[-1].node:
        if node.op_type == "ConvTranspose" or node.op_type in _OTHERS:
            yield graphs, node
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else list(attribute.graphs)
            for graph in inner:
                yield from _nodes([*graphs, graph])


def _value(model: Any, graphs: Sequence[Any], name: str) -> np.ndarray | None:
    """A tensor that follows from the model's constants alone, such as a dequantised weight; else None."""
    makers = {output: node for graph in graphs for node in graph.node for output in node.output}
    constants = {item.name: item for graph in graphs for item in graph.initializer}
    nodes: list[Any] = []
    used: dict[str, Any] = {}

    def follows(wanted: str) -> bool:
        if wanted in constants:
            used[wanted] = constants[wanted]
            return True
        node = makers.get(wanted)
        if node is None or any(attribute.HasField("g") for attribute in node.attribute):
            return False
        if node not in nodes:
            if not all(follows(each) for each in node.input if each):
                return False
            nodes.append(node)
        return True

    if not follows(name):
        return None
    if not nodes:
        return np.asarray(onnx.numpy_helper.to_array(used[name]))
    output = onnx.helper.make_empty_tensor_value_info(name)
    graph = onnx.helper.make_graph(nodes, "constants", [], [output], list(used.values()))
    alone = onnx.helper.make_model(graph, opset_imports=model.opset_import)
    # The evaluator does not have the old versions of every operator.
    newest = onnx.version_converter.convert_version(alone, onnx.defs.onnx_opset_version())
    return np.asarray(onnx.reference.ReferenceEvaluator(newest).run(None, {})[0])
