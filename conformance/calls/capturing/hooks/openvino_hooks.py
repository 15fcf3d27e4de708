"""OpenVINO: the transposed convolutions of a model that is compiled."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from .patches import Patches
from .plain import call

__all__ = ["KINDS", "describe_node", "install"]

_DTYPES = {"f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16"}
KINDS = ("ConvolutionBackpropData", "GroupConvolutionBackpropData")
_WHEN = "seen when the model was compiled; how often it ran is not known"


def install(openvino: ModuleType, patches: Patches) -> None:
    """Wrap ``Core.compile_model``, which ``openvino.compile_model`` calls too."""

    def describe(args: Any, kwargs: Any) -> dict[str, Any] | None:
        core, model = args[0], args[1] if len(args) > 1 else kwargs["model"]
        if not hasattr(model, "get_ordered_ops"):
            model = core.read_model(model)
        nodes = [node for node in model.get_ordered_ops() if node.get_type_name() in KINDS]
        for node in nodes[:-1]:
            patches.recorder.seen(describe_node(node, _WHEN))
        return describe_node(nodes[-1], _WHEN) if nodes else None

    patches.wrap(openvino.Core, "compile_model", describe)


def describe_node(node: Any, *notes: str) -> dict[str, Any]:
    """A node with the arguments of an ONNX node, which mean the same."""
    weight = _shape(node.input(1))
    grouped = node.get_type_name().startswith("Group")
    groups = weight[0] if grouped else 1
    inputs, *rest = weight[1:] if grouped else weight
    channels = None if groups is None or inputs is None else groups * inputs
    attributes = node.get_attributes()
    pads = [*attributes["pads_begin"], *attributes["pads_end"]]
    auto_pad = {"explicit": "NOTSET"}.get(attributes["auto_pad"], attributes["auto_pad"].upper())
    size = _shape(node.output(0))[2:] if len(node.inputs()) > 2 else None
    if size is not None and None in size:
        notes = (*notes, "the node's third input, the size of the output, is not known and left out")
    arguments = {
        "strides": attributes["strides"],
        "dilations": attributes["dilations"],
        "group": groups,
        "output_padding": attributes["output_padding"],
        "pads": pads if auto_pad == "NOTSET" else None,
        "auto_pad": auto_pad,
        "output_shape": None if size is None or None in size else size,
    }
    kind = node.get_element_type().get_type_name()
    return call(
        f"openvino.{node.get_type_name()}",
        "onnx.helper.make_node",
        arguments,
        shapes={"input": _shape(node.input(0)), "weight": [channels, *rest]},
        dtype=_DTYPES.get(kind, kind),
        name=_name(node),
        notes=list(notes),
    )


def _name(node: Any) -> str:
    """The node's name; where a bias follows, the addition has the name that the layer had in its framework."""
    name: str = node.get_friendly_name()
    users = [user.get_node() for user in node.output(0).get_target_inputs()]
    made_up = name.rpartition("_")[0] == node.get_type_name()
    biased = made_up and len(users) == 1 and users[0].get_type_name() == "Add"
    return users[0].get_friendly_name() if biased else name


def _shape(port: Any) -> list[int | None]:
    return [size.get_length() if size.is_static else None for size in port.get_partial_shape()]
