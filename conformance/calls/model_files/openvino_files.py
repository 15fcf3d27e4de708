"""OpenVINO: every transposed convolution of a model in its intermediate representation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from conformance.calls.capturing.hooks.openvino_hooks import KINDS, describe_node
from conformance.calls.model_files.records import ModelLayer, Request, layer_of_call

__all__ = ["operators", "read"]

_MOST_NODES = 16  # between a weight and its constants: conversions of a compressed or quantised one


def read(request: Request) -> Iterator[ModelLayer]:
    """The nodes in the order of execution."""
    model = openvino.Core().read_model(request.path)
    names = [value.get_any_name() if value.get_names() else str(at) for at, value in enumerate(model.inputs)]
    if shapes := request.shapes(names):
        model.reshape({names.index(name): openvino.PartialShape(list(shape)) for name, shape in shapes.items()})
    for node in model.get_ordered_ops():
        if node.get_type_name() not in KINDS:
            continue
        call = describe_node(node, *_notes(node))
        kernel = _values(node.input_value(1)) if request.values else None
        if kernel is not None and node.get_type_name().startswith("Group"):
            kernel = kernel.reshape(math.prod(kernel.shape[:2]), *kernel.shape[2:])
        yield layer_of_call(call["name"], node.get_type_name(), call, kernel=kernel)


def operators(path: Path) -> list[str]:
    """The names of the operators that compute real numbers."""
    nodes = openvino.Core().read_model(path).get_ordered_ops()
    return [node.get_type_name() for node in nodes if node.get_element_type().is_real()]


def _notes(node: Any) -> Iterator[str]:
    kinds = {source.get_node().get_type_name() for source in node.input_values()}
    if "FakeQuantize" in kinds:
        yield "not part of the case: the quantisation (FakeQuantize)"


def _values(output: Any) -> np.ndarray | None:
    """A tensor that follows from the model's constants alone; else None."""
    nodes, seen = [output.get_node()], 0
    while nodes and seen <= _MOST_NODES:
        node = nodes.pop()
        seen += 1
        if node.get_type_name() == "Parameter":
            return None
        nodes += [source.get_node() for source in node.input_values()]
    if nodes:
        return None
    alone = openvino.Model([output], [], "constants")
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    return np.asarray(openvino.Core().compile_model(alone, "CPU", settings)({})[0])
