"""SavedModel: the operations of its signatures, with the functions that they call put in their place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from conformance.calls.form import WeightForm
from conformance.calls.model_files.graph_tensors import GraphOperation, tensorflow_layer
from conformance.calls.model_files.records import ModelFileError, ModelLayer, Request

__all__ = ["operators", "read"]

_KINDS = ("Conv2DBackpropInput", "Conv3DBackpropInputV2")
# What TensorFlow puts in front of the name of an operation of an inlined function.
_CALL = "StatefulPartitionedCall/"


def read(request: Request) -> Iterator[ModelLayer]:
    """The operations in the order of each signature; one that several signatures have, once."""
    model = tf.saved_model.load(str(request.path))
    if not model.signatures:
        raise ModelFileError("the SavedModel has no signature, so its operations are not known")
    seen: set[ModelLayer] = set()
    for name, signature in model.signatures.items():
        try:
            graph = convert_variables_to_constants_v2(
                _function(signature, request), lower_control_flow=False
            ).graph
        except ModelFileError as error:
            raise ModelFileError(f"signature {name}: {error}") from None
        for operation in _operations(graph):
            layer = _layer(operation, request)
            if layer not in seen:
                seen.add(layer)
                yield layer


def operators(path: Path) -> list[str]:
    """The types of the operations of the signatures that compute real numbers, those of functions included."""
    model = tf.saved_model.load(str(path))  # the functions live as long as the model
    graphs = [
        convert_variables_to_constants_v2(signature, lower_control_flow=False).graph
        for signature in model.signatures.values()
    ]
    return [
        operation.type
        for graph in graphs
        for operation in graph.get_operations()
        if any(output.dtype.is_floating for output in operation.outputs)
    ]


def _function(signature: Any, request: Request) -> Any:
    """The signature, for inputs of the given shapes."""
    specs = signature.structured_input_signature[1]
    shapes = request.shapes(list(specs))
    if not shapes:
        return signature
    given = {
        name: tf.TensorSpec(shapes.get(name, spec.shape), spec.dtype, name=name) for name, spec in specs.items()
    }
    return tf.function(lambda **inputs: signature(**inputs), autograph=False).get_concrete_function(**given)


def _operations(graph: Any) -> Iterator[Any]:
    """The operations of a graph and of those that it still calls, such as the branches of a condition."""
    yield from (operation for operation in graph.get_operations() if operation.type in _KINDS)
    for function in getattr(graph, "_functions", {}).values():
        inner = getattr(function, "graph", None)
        if inner is not None:
            yield from _operations(inner)


def _layer(operation: Any, request: Request) -> ModelLayer:
    _, filters, image = operation.inputs
    first = operation.get_attr("data_format").startswith(b"NC")
    inner = slice(2, None) if first else slice(1, -1)
    padding: Any = operation.get_attr("padding").decode()
    if padding == "EXPLICIT":
        pads = operation.get_attr("explicit_paddings")
        padding = [pads[at : at + 2] for at in range(0, len(pads), 2)]
    found = GraphOperation(
        name=operation.name.replace(_CALL, ""),
        operator=operation.type,
        image=_sizes(image.shape),
        output=_sizes(operation.outputs[0].shape),
        filters=_sizes(filters.shape),
        strides=list(operation.get_attr("strides"))[inner],
        dilations=list(operation.get_attr("dilations"))[inner],
        padding=padding,
        dtype=image.dtype.name,
        weight_dtype=filters.dtype.name,
        first=first,
    )
    values = tf.get_static_value(filters) if request.values else None
    return tensorflow_layer(found, weight=WeightForm("*oi"), kernel=None if values is None else np.asarray(values))


def _sizes(shape: Any) -> list[Any]:
    return [] if shape.rank is None else shape.as_list()
