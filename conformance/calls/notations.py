"""Texts that are not Python: a node of a graph as a tool prints it, or a layer of a model file.

A notation is an entry in ``NOTATIONS``: it turns such a text into the calls that it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conformance.calls.configurations import read_configurations
from conformance.calls.dtype_names import dtype_label
from conformance.calls.errors import CallError
from conformance.calls.hlo_text import read_hlo
from conformance.calls.log_lines import read_miopen, read_onednn, read_pnnx
from conformance.calls.mlir_text import read_mlir
from conformance.calls.parameter_lists import read_parameters
from conformance.calls.program import Occurrence
from conformance.calls.protobuf_text import Message, parse_message
from conformance.calls.settings import Settings
from conformance.calls.tensorflow_js import read_layers
from conformance.calls.values import Arguments, Syntax, TensorExpression

__all__ = ["LAST_RESORTS", "NOTATIONS", "python_of_printed_modules", "read_notation", "read_without_call"]

Read = tuple[list[Occurrence], Settings]

_MAKE_NODE = "onnx.helper.make_node"
_NODE = re.compile(
    r"^\s*(?:(?P<output>[\w.%/:]+)\s*=\s*)?ConvTranspose\s*(?:<(?P<attributes>[^<>]*)>)?\s*\((?P<inputs>[^()=]*)\)\s*$"
)
# %5 : Float(1, 3, 8, 8, strides=[...]) = onnx::ConvTranspose[kernel_shape=[2, 2]](%x, %w), scope: ...
_IR_NODE = re.compile(
    r"%(?P<output>[\w.]+)\s*:[^\n]{0,300}?=\s*onnx::ConvTranspose\[(?P<attributes>.{0,2000}?)\]\s*\((?P<inputs>[^()]*)\)"
)
_IR_TYPE = re.compile(r"%(?P<name>[\w.]+)\s*:\s*(?P<dtype>Float|Half|Double|BFloat16)\((?P<sizes>[\d,\s*]+)")
_IR_DTYPES = {"Float": None, "Half": "float16", "Double": "float64", "BFloat16": "bfloat16"}
_ATTRIBUTE = re.compile(r'(\w+)(?:\s*:\s*\w+)?\s*=\s*(\[[^\[\]]*\]|"[^"]*"|-?\d+)')
_PRINTED = re.compile(
    r"^\s*(?:\(([\w.]+)\):\s*)?((?:Lazy)?ConvTranspose[123]d\([^()]*(?:\([^()]*\)[^()]*)*\))\s*,?\s*$"
)


def _attributes(text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in _ATTRIBUTE.findall(text):
        if value.startswith("["):
            items = [item.strip() for item in value[1:-1].split(",") if item.strip()]
            values[name] = tuple(int(item) for item in items if re.fullmatch(r"-?\d{1,18}", item))
        else:
            values[name] = value.strip('"') if value.startswith('"') else int(value[:20])
    return values


def _make_node(inputs: str, output: str, attributes: dict[str, Any], line: int, text: str) -> Occurrence:
    names = tuple(name.strip().lstrip("%") for name in inputs.split(",") if name.strip())
    call = Syntax(_MAKE_NODE, Arguments(("ConvTranspose", names, (output.lstrip("%"),)), attributes))
    return Occurrence(call, line, " ".join(text.split()))


def _onnx_text(text: str) -> Read | None:
    """A node in ONNX's own syntax, ``y = ConvTranspose <strides = [2, 2]> (x, w)``."""
    match = _NODE.match(text)
    if match is None or (match["attributes"] is None and match["output"] is None):
        return None
    attributes = _attributes(match["attributes"] or "")
    return [_make_node(match["inputs"], match["output"] or "y", attributes, 1, text)], Settings()


# y = ConvTranspose <strides = [2, 2]> (x, w), and float[1, 3, 8, 8] x
_NODE_IN_TEXT = re.compile(
    r"(?P<output>[\w.%/:]+)\s*=\s*ConvTranspose\s*(?:<(?P<attributes>[^<>]{0,2000})>)?\s*\((?P<inputs>[^()=]*)\)"
)
_TYPE_IN_TEXT = re.compile(
    r"\b(?P<dtype>float|float16|double|bfloat16)\[(?P<sizes>[\d,\s]+)\]\s*(?P<name>[\w.%/:]+)"
)
# %4 = ConvTranspose[strides = [2, 2]](%x, %w), and %x[FLOAT, 1x3x8x8]
_PRINTED_NODE = re.compile(
    r"%(?P<output>[\w.:/]+)\s*=\s*ConvTranspose\[(?P<attributes>.{0,2000}?)\]\s*\((?P<inputs>[^()=]*)\)"
)
_PRINTED_TYPE = re.compile(r"%(?P<name>[\w.:/]+)\[(?P<dtype>FLOAT|FLOAT16|DOUBLE|BFLOAT16),\s*(?P<sizes>[\dx]+)\]")


def _onnx_graph(text: str) -> Read | None:
    """A graph or model in ONNX's own syntax, or as ``onnx.helper.printable_graph`` gives it."""
    printed = list(_PRINTED_NODE.finditer(text))
    nodes = printed or ([*_NODE_IN_TEXT.finditer(text)] if re.search(r"\)\s*=>\s*\(", text) else [])
    if not nodes:
        return None
    settings = Settings()
    for match in (_PRINTED_TYPE if printed else _TYPE_IN_TEXT).finditer(text):
        sizes = tuple(int(size) for size in re.findall(r"\d{1,11}", match["sizes"]))
        dtype = dtype_label(match["dtype"])
        settings.named[match["name"]] = TensorExpression(sizes, dtype=None if dtype == "float32" else dtype)
    found = [
        _make_node(
            match["inputs"], match["output"], _attributes(match["attributes"] or ""),
            text.count("\n", 0, match.start()) + 1, match[0],
        )
        for match in nodes
    ]  # fmt: skip
    return found, settings


def _exporter_ir(text: str) -> Read | None:
    """Lines of the graph that PyTorch's exporter prints."""
    nodes = list(_IR_NODE.finditer(text))
    if not nodes:
        return None
    settings = Settings()
    for match in _IR_TYPE.finditer(text):
        sizes = [size.strip() for size in match["sizes"].strip(" ,").split(",")]
        if all(size.isdigit() and len(size) < 12 for size in sizes):
            shape = tuple(map(int, sizes))
            settings.named[match["name"]] = TensorExpression(shape, dtype=_IR_DTYPES[match["dtype"]])
    found = []
    for match in nodes:
        attributes = _attributes(match["attributes"])
        attributes.pop("onnx_name", None)  # of the node, not of the operator
        line = text.count("\n", 0, match.start()) + 1
        found.append(_make_node(match["inputs"], match["output"], attributes, line, match[0]))
    return found, settings


def _mlir(text: str) -> Read | None:
    """ONNX's operator in MLIR, as ONNX-MLIR and torch-mlir print it."""
    settings = Settings()
    found = []
    for call, line, written, named in read_mlir(text):
        settings.named.update(named)
        found.append(Occurrence(call, line, written))
    return (found, settings) if found else None


def _onnx_protobuf(text: str) -> Read | None:
    """ONNX's protobuf text: a model, a graph, or nodes."""
    if "op_type" not in text or "ConvTranspose" not in text or "{" not in text:
        return None
    message = _protobuf(text)
    graphs = message.messages("graph") or [message]
    settings = Settings()
    found: list[Occurrence] = []
    for graph in graphs:
        for tensor in graph.messages("initializer"):
            _name_tensor(settings, tensor.text("name"), tensor.numbers("dims"), tensor.value("data_type"))
        for kind in ("input", "output", "value_info"):
            for item in graph.messages(kind):
                _name_value(settings, item)
        nodes = graph.messages("node") or ([graph] if graph.text("op_type") else [])
        found += [_protobuf_node(node) for node in nodes if node.text("op_type") == "ConvTranspose"]
    for opset in message.messages("opset_import"):
        if not opset.text("domain"):
            settings.facts.append(f"the opset ({opset.value('version')!s})")
    return (found, settings) if found else None


# A line of protobuf text, perhaps after the prefix of a log: name: value, name {, or }.
_PROTOBUF_LINE = re.compile(
    r"^(?:\[[^\n]*\]\s)?(?:\S+:\d+:\s)?(?P<own>\s*(?:\w+\s*:\s*(?:\"[^\"]*\"|[-+.\w]+|\[[^\[\]]*\])[\s,;]*|\w+\s*:?\s*\{.*|\}.*)+)$"
)


def _protobuf(text: str) -> Message:
    """The message in a text; other lines around it are left out."""
    try:
        return parse_message(text)
    except CallError as error:
        matches = [_PROTOBUF_LINE.match(line) for line in text.split("\n")]
        own = "\n".join(match["own"] if match else "" for match in matches)
        try:
            return parse_message(own)
        except CallError:
            raise error from None


def _protobuf_node(node: Message) -> Occurrence:
    attributes: dict[str, Any] = {}
    for item in node.messages("attribute"):
        many = item.numbers("ints")
        attributes[item.text("name")] = many if many else item.value("i", item.text("s"))
    inputs, outputs = node.texts("input"), node.texts("output")
    call = Syntax(_MAKE_NODE, Arguments(("ConvTranspose", inputs, outputs), attributes))
    return Occurrence(call, node.line, f"ConvTranspose {node.text('name') or ', '.join(outputs)}")


def _name_tensor(settings: Settings, name: str, dims: tuple[int, ...], dtype: Any) -> None:
    label = dtype_label(dtype)
    settings.named[name] = TensorExpression(dims, dtype=None if label == "float32" else label)


def _name_value(settings: Settings, item: Message) -> None:
    for kind in item.messages("type"):
        for tensor in kind.messages("tensor_type"):
            for shape in tensor.messages("shape"):
                sizes = tuple(dim.value("dim_value") for dim in shape.messages("dim"))
                label = dtype_label(tensor.value("elem_type"))
                settings.named[item.text("name")] = TensorExpression(
                    tuple(size if type(size) is int else None for size in sizes),
                    dtype=None if label == "float32" else label,
                )


def _prototxt(text: str) -> Read | None:
    """Deconvolution layers of Caffe."""
    if not re.search(r'type\s*:\s*(?:"Deconvolution"|DECONVOLUTION)', text):
        return None
    message = _protobuf(text)
    layers = [*message.messages("layer"), *message.messages("layers")] or [message]
    shapes = _caffe_inputs(message, layers)
    found = []
    for layer in layers:
        if layer.text("type") not in ("Deconvolution", "DECONVOLUTION"):
            continue
        for parameters in layer.messages("convolution_param"):
            image = TensorExpression(shapes.get((*layer.texts("bottom"), "")[0]))
            call = Syntax("caffe.Deconvolution", Arguments((image,), parameters.plain()))
            found.append(Occurrence(call, layer.line, f"Deconvolution {layer.text('name')}"))
    return (found, Settings()) if found else None


def _caffe_inputs(message: Message, layers: list[Message]) -> dict[str, tuple[int, ...]]:
    """Shapes of the blobs that the net declares."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, shape in zip(message.texts("input"), message.messages("input_shape"), strict=False):
        shapes[name] = shape.numbers("dim")
    if dims := message.numbers("input_dim"):
        shapes.update(dict.fromkeys(message.texts("input")[:1], dims[:4]))
    for layer in layers:
        for parameters in layer.messages("input_param"):
            for top, shape in zip(layer.texts("top"), parameters.messages("shape"), strict=False):
                shapes[top] = shape.numbers("dim")
    return shapes


_NCNN = re.compile(r"^\s*(Deconvolution(?:DepthWise)?(?:[13]D)?)\s+(\S+)\s+\d+\s+\d+\s+(.*)$", re.MULTILINE)


def _ncnn(text: str) -> Read | None:
    """Lines of ncnn's param file."""
    found = []
    for match in _NCNN.finditer(text):
        pairs = dict(
            part.split("=", 1) for part in match[3].split() if re.fullmatch(r"-?\d{1,6}=-?\d{1,15}", part)
        )
        if not pairs:
            continue
        values = {int(key): int(value) for key, value in pairs.items()}
        line = text.count("\n", 0, match.start(1)) + 1
        call = Syntax(f"ncnn.{match[1]}", Arguments((values,)))
        found.append(Occurrence(call, line, f"{match[1]} {match[2]}"))
    return (found, Settings()) if found else None


NOTATIONS: dict[str, Callable[[str], Read | None]] = {
    "ONNX text": _onnx_text,
    "ONNX graph": _onnx_graph,
    "exporter's graph": _exporter_ir,
    "MLIR": _mlir,
    "ONNX protobuf text": _onnx_protobuf,
    "Caffe prototxt": _prototxt,
    "ncnn param": _ncnn,
    "TensorFlow.js": read_layers,
    "oneDNN's log": read_onednn,
    "pnnx param": read_pnnx,
    "MIOpen's driver": read_miopen,
    "HLO": read_hlo,
}
"""What a text may be beside Python: the calls in it, or None if it is something else."""


LAST_RESORTS: dict[str, Callable[[str], Read | None]] = {
    "configuration": read_configurations,
    "list of parameters": read_parameters,
}
"""What a text may be that has no call."""


def read_without_call(text: str) -> Read | None:
    """The calls that a text describes without writing one; None if it is none of these texts."""
    return next((came for read in LAST_RESORTS.values() if (came := read(text)) is not None), None)


def read_notation(text: str) -> Read | None:
    """The calls in a text that is not Python; None if it is none of these notations."""
    if len(text) > 1_000_000:
        raise CallError("a text of at most 1000000 characters can be read")
    for read in NOTATIONS.values():
        came = read(text)
        if came is not None:
            return came
    return None


def python_of_printed_modules(text: str) -> str:
    """Python for the modules that PyTorch prints, ``(up1): ConvTranspose2d(64, 32, kernel_size=(2, 2))``."""
    matches = [(number, _PRINTED.match(line)) for number, line in enumerate(text.split("\n"))]
    if not any(match and match[1] for _, match in matches):
        return text
    lines = ["" for _ in matches]
    for number, match in matches:
        if match:
            name = re.sub(r"\W", "_", match[1]) if match[1] else "_"
            lines[number] = f"_{name} = {match[2]}"
    return "\n".join(lines)
