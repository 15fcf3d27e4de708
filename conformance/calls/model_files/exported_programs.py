"""PyTorch: the operators of a program that ``torch.export`` saved as a ``.pt2`` file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from conformance.calls.capturing.hooks.plain import call, shape_of
from conformance.calls.model_files.records import ModelFileError, ModelLayer, Request, layer, layer_of_call

__all__ = ["read"]

_FUNCTIONAL = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_CONVOLUTION = (
    "input", "weight", "bias", "stride", "padding", "dilation", "transposed", "output_padding", "groups",
)  # fmt: skip
_PACKETS = {
    **{
        getattr(torch.ops.aten, name): _FUNCTIONAL
        for name in ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
    },
    torch.ops.aten.convolution: _CONVOLUTION,
}
_EXAMPLE = "some sizes of the input are not fixed; the case has those that the program was exported with"
# What PyTorch loads by Python's own pickle, which its option for weights only does not restrict.
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
    for graph in (
        module.graph for module in program.graph_module.modules() if isinstance(module, torch.fx.GraphModule)
    ):
        for node in graph.nodes:
            packet = getattr(node.target, "_overloadpacket", None)
            if node.op == "call_function" and packet in _PACKETS:
                made = _layer(node, packet, shapes, {name: tensors[where] for name, where in held.items()})
                yield from [] if made is None else [made]


def _load(request: Request) -> Any:
    """The program; without trust, what is pickled goes through PyTorch's restricted reader of weights only."""
    if not request.trust:
        with zipfile.ZipFile(request.path) as archive:
            pickled = [name for name in archive.namelist() if any(mark in name for mark in _PICKLED)]
        if pickled:
            raise ModelFileError(f"{pickled[0]} in it is a pickle, which can run any code; --trust loads it")
        os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        return torch.export.load(request.path)
    except Exception as error:
        if "weights_only" in str(error).lower() or "weights only" in str(error).lower():
            raise ModelFileError(
                "it holds a pickle of more than tensors, which can run any code; --trust loads it"
            ) from None
        raise


def _run(program: Any, request: Request) -> dict[Any, Any]:
    """The values of the graph's nodes for inputs of the given shapes, without numbers; empty if none are given."""
    inputs = [node for node in program.graph.nodes if node.op == "placeholder"]
    users = [node for node in inputs if node.name in program.graph_signature.user_inputs]
    shapes = request.shapes([node.name for node in users])
    if not shapes:
        return {}
    values: dict[Any, Any] = {}

    class Noting(torch.fx.Interpreter):
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


def _layer(node: Any, packet: Any, shapes: dict[Any, Any], held: dict[str, Any]) -> ModelLayer | None:
    schema = [argument.name for argument in node.target._schema.arguments]
    given = {**dict(zip(schema, node.args, strict=False)), **node.kwargs}
    if not given.pop("transposed", True):
        return None
    operator = str(node.target).removesuffix(".default").removesuffix(".input")
    tensors = {name: given.pop(name, None) for name in ("input", "weight", "bias")}
    image, weight = (shapes.get(tensors[name], tensors[name].meta.get("val")) for name in ("input", "weight"))
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
        {"input": image, "weight": weight, **given},
        shapes={"input": shape_of(image), "weight": shape_of(weight)},
        readable=False,
        notes=[_EXAMPLE] if not shapes and _symbolic(image) else [],
    )
    if tensors["bias"] is not None:
        described["arguments"]["bias"] = {"shape": [weight.shape[1] * given.get("groups", 1)], "dtype": "float32"}
    numbers = [held.get(getattr(tensors[part], "name", "")) for part in ("weight", "bias")]
    kernel, bias = (None if value is None else value.detach().to(torch.float64).numpy() for value in numbers)
    return layer_of_call(name, operator, described, kernel=kernel, bias=bias)


def _symbolic(tensor: Any) -> bool:
    return any(type(size) is not int for size in tensor.shape)
