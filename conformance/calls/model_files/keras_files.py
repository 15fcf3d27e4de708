"""Keras: the layers of a ``.keras`` or an HDF5 file, which Keras itself loads, on any backend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from conformance.calls.capturing.hooks.keras_hooks import describe_layer
from conformance.calls.form import WeightForm
from conformance.calls.model_files.records import ModelFileError, ModelLayer, Request, layer_of_call

__all__ = ["read"]

_KINDS = tuple(getattr(keras.layers, f"Conv{rank}DTranspose") for rank in (1, 2, 3))
_WEIGHT = WeightForm("*oi")
Shape = tuple[int | None, ...]


def read(request: Request) -> Iterator[ModelLayer]:
    """The layers in the order of the model, a layer that is applied to several inputs once for each."""
    model = _load(request)
    layers = [layer for layer in model._flatten_layers(include_self=False) if isinstance(layer, _KINDS)]
    shapes = _run(model, layers, request) if request.inputs else {id(layer): _known(layer) for layer in layers}
    for layer in layers:
        tensors = [np.asarray(keras.ops.convert_to_numpy(value)) for value in layer.weights] if layer.built else []
        kernel, bias = (*tensors, None, None)[:2] if request.values else (None, None)
        for shape in dict.fromkeys(shapes[id(layer)]) or [None]:
            call = describe_layer(keras, layer)
            call["shapes"] = {"input": shape}
            call["dtype"] = layer.compute_dtype
            yield layer_of_call(
                getattr(layer, "path", layer.name),
                type(layer).__name__,
                call,
                weight=_WEIGHT,
                kernel=kernel,
                bias=bias,
            )


def _load(request: Request) -> Any:
    """The model; without trust nothing of the file runs as Python."""
    try:
        return keras.saving.load_model(request.path, compile=False, safe_mode=not request.trust)
    except ValueError as error:
        if "safe_mode" in str(error):
            raise ModelFileError(
                "a layer of the model is Python code, such as a Lambda; --trust loads and runs it"
            ) from None
        raise


def _known(layer: Any) -> list[Shape]:
    """The shapes that a layer was built with; a size may be unknown."""
    nodes = [node for node in layer._inbound_nodes if node.input_tensors]
    if nodes:
        return [tuple(node.input_tensors[0].shape) for node in nodes]
    built = getattr(layer, "_build_shapes_dict", None) or {}
    return [tuple(shape) for name, shape in built.items() if name == "input_shape"]


def _run(model: Any, layers: list[Any], request: Request) -> dict[int, list[Shape]]:
    """The shapes that reach the layers where the model runs once, on zeros of the given shapes."""
    declared = list(getattr(model, "inputs", None) or [keras.KerasTensor((None,), name="input")])
    given = request.shapes([tensor.name for tensor in declared])
    tensors = [
        keras.ops.zeros(given.get(tensor.name) or [size or 1 for size in tensor.shape], tensor.dtype)
        for tensor in declared
    ]
    seen: dict[int, list[Shape]] = {id(layer): [] for layer in layers}
    for layer in layers:
        layer.call = _noting(layer.call, seen[id(layer)])
    model(tensors if len(tensors) > 1 else tensors[0], training=False)
    return seen


def _noting(call: Any, shapes: list[Shape]) -> Any:
    def run(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        shapes.append(tuple(inputs.shape))
        return call(inputs, *args, **kwargs)

    return run
