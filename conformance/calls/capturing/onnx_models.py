"""The transposed convolutions of an ONNX model that a program ran, with the shapes of its inputs."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

from conformance.calls.form import FORMS, CallContext, CallError, Meaning
from conformance.calls.values import Arguments

__all__ = ["read_nodes", "remove_copy"]

_WRITTEN_BY_HOOK = "conformance-capture-"


def read_nodes(path: Path, inputs: dict[str, tuple[int, ...]]) -> list[tuple[str, Meaning | str, str]]:
    """Read the nodes.

    Parameters
    ----------
    path : pathlib.Path
        The model.
    inputs : dict
        Shapes of the model's inputs, by name.

    Returns
    -------
    list of tuple
        Name of the node, what it means or why it cannot be read, and the name of its dtype.

    Raises
    ------
    CallError
        The model cannot be read.
    """
    try:
        onnx: Any = importlib.import_module("onnx")
        model = onnx.load(str(path), load_external_data=False)
        for value in model.graph.input:
            dims = value.type.tensor_type.shape.dim
            for dim, size in zip(dims, inputs.get(value.name, ()), strict=False):
                dim.dim_value = size
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except ImportError:
        raise CallError("reading the nodes of a model needs the onnx package here; pip install onnx") from None
    except Exception as error:
        raise CallError(f"{path} is not a readable ONNX model: {str(error).splitlines()[0][:200]}") from None
    types = {item.name: (tuple(item.dims), item.data_type) for item in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        if all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            types.setdefault(value.name, (tuple(dim.dim_value for dim in tensor.shape.dim), tensor.elem_type))
    return [
        (node.name or node.output[0], *_read(onnx, node, types))
        for node in graph.node
        if node.op_type == "ConvTranspose"
    ]


def remove_copy(path: Path) -> None:
    """Remove a model that a hook wrote into a file; a model of the user's stays."""
    if path.name.startswith(_WRITTEN_BY_HOOK) and path.parent == Path(tempfile.gettempdir()):
        path.unlink(missing_ok=True)


def _read(onnx: Any, node: Any, types: dict[str, Any]) -> tuple[Meaning | str, str]:
    image, weight = (types.get(name) for name in node.input[:2])
    if image is None or weight is None:
        return "the shapes of its input and weights cannot be inferred", "float32"
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    arguments = {
        name: value.decode() if isinstance(value, bytes) else tuple(value) if not isinstance(value, int) else value
        for name, value in attributes.items()
    }
    arguments |= {"op_type": "ConvTranspose", "inputs": tuple(filter(None, node.input)), "outputs": ("y",)}
    dtype = onnx.TensorProto.DataType.Name(image[1]).lower()
    form = FORMS["onnx.helper.make_node"]
    try:
        meaning = form.read(
            Arguments(kwargs=arguments),
            CallContext(name=form.name, rank=None, input_shape=image[0], weight_shape=weight[0], applied=None),
        )
    except CallError as error:
        return str(error), dtype
    return meaning, {"float": "float32", "double": "float64"}.get(dtype, dtype)
