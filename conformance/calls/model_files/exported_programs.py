"""PyTorch: the operators of a program that ``torch.export`` saved as a ``.pt2`` file."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from conformance.calls.capturing.hooks.plain import call, shape_of
from conformance.calls.model_files.records import ModelFileError, ModelLayer, Request, layer, layer_of_call

__all__ = ["operators", "read"]

_PACKETS = {
    getattr(torch.ops.aten, name)
    for name in ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution")
}
_EXAMPLE = "some sizes of the input are not fixed; the case has those that the program was exported with"
# With this, every `torch.load` uses the restricted reader, whatever its arguments.
_FORCED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
# What PyTorch loads by Python's own pickle, which that variable does not restrict.
_PICKLED = ("/constants/custom_obj_", "/constants/opaque_obj_")


def read(request: Request) -> Iterator[ModelLayer]:
    """The operators in the order of the graph."""
    program = _load(request)
    shapes = _run(program, request)
    tensors = {**dict(program.named_parameters()), **dict(program.named_buffers()), **program.constants}
    holders = program.graph_signature
    held = {
        **holders.inputs_to_parameters,
        **holders.inputs_to_buffers,
        **holders.inputs_to_lifted_tensor_constants,
    }
    values = {name: tensors[where] for name, where in held.items()}
    graphs = [part.graph for part in program.graph_module.modules() if isinstance(part, torch.fx.GraphModule)]
    for node in (node for graph in graphs for node in graph.nodes):
        packet = getattr(node.target, "_overloadpacket", None)
        if node.op == "call_function" and packet in _PACKETS:
            made = _layer(node, shapes, values)
            yield from [] if made is None else [made]


def operators(path: Path) -> list[str]:
    """The names of all operators of the program."""
    program = _load(Request(path))
    return [str(node.target) for node in program.graph.nodes if node.op == "call_function"]


def _load(request: Request) -> Any:
    """The program; without trust, what is pickled goes through PyTorch's restricted reader of weights only."""
    if request.trust:
        return torch.export.load(request.path)
    with zipfile.ZipFile(request.path) as archive:
        pickled = [name for name in archive.namelist() if any(mark in name for mark in _PICKLED)]
    if pickled:
        raise ModelFileError(f"{pickled[0]} in it is a pickle, which can run any code; --trust loads it")
    before = os.environ.get(_FORCED)
    os.environ[_FORCED] = "1"
    try:
        return torch.export.load(request.path)
    except pickle.UnpicklingError:
        raise ModelFileError(
            "it holds a pickle of more than tensors, which can run any code; --trust loads it"
        ) from None
    finally:
        os.environ.pop(_FORCED)
        os.environ |= {} if before is None else {_FORCED: before}


def _run(program: Any, request: Request) -> dict[Any, Any]:
    """The values of the graph's nodes for inputs of the given shapes, without numbers; empty if none are given."""
    inputs = [node for node in program.graph.nodes if node.op == "placeholder"]
    users = [node for node in inputs if node.name in program.graph_signature.user_inputs]
    shapes = request.shapes([node.name for node in users])
    if not shapes:
        return {}
    values: dict[Any, Any] = {}

    class Noting(torch.fx.Interpreter):  # type: ignore[misc]  # torch is untyped for mypy here
        def run_node(self, node: torch.fx.Node) -> Any:
            values[node] = super().run_node(node)
            return values[node]

    with FakeTensorMode():
        given = [_empty(node.meta["val"], shapes.get(node.name)) for node in inputs]
        Noting(program.graph_module).run(*given)
    return values


def _empty(value: Any, shape: tuple[int, ...] | None) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    return torch.empty(shape or [int(size) for size in value.shape], dtype=value.dtype)


def _layer(node: Any, shapes: dict[Any, Any], held: dict[str, Any]) -> ModelLayer | None:
    schema = [argument.name for argument in node.target._schema.arguments]
    given = {**dict(zip(schema, node.args, strict=False)), **node.kwargs}
    if not given.pop("transposed", True):
        return None
    operator = str(node.target).removesuffix(".default").removesuffix(".input")
    tensors = {name: given.pop(name, None) for name in ("input", "weight", "bias")}
    image, weight, bias = (
        None if tensor is None else shapes.get(tensor, tensor.meta.get("val")) for tensor in tensors.values()
    )
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    name = (stack[-1][0] if stack else "") or node.name
    if image is None or weight is None:
        return layer(
            name, operator, None, ["not a case: the file does not say the shapes of its input and weights"]
        )
    form = f"torch.nn.functional.conv_transpose{weight.dim() - 2}d"
    described = call(
        f"torch.ops.{operator}",
        form,
        {"input": image, "weight": weight, "bias": bias, **given},
        shapes={"input": shape_of(image), "weight": shape_of(weight)},
        readable=False,
        notes=[_EXAMPLE] if not shapes and _symbolic(image) else [],
    )
    numbers = [held.get(getattr(tensors[part], "name", "")) for part in ("weight", "bias")]
    kernel, added = (None if value is None else value.detach().to(torch.float64).numpy() for value in numbers)
    return layer_of_call(name, operator, described, kernel=kernel, bias=added)


def _symbolic(tensor: Any) -> bool:
    return any(type(size) is not int for size in tensor.shape)
