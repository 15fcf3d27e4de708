"""ONNX's ConvTranspose as MLIR prints it: a generic operation with attributes and the types of its operands."""

from __future__ import annotations

import re
from typing import Any

from conformance.calls.values import Arguments, Syntax, TensorExpression

__all__ = ["read_mlir"]

# "onnx.ConvTranspose"(%x, %w) {kernel_shape = [3, 3]} : (tensor<1x1x3x3xf32>, tensor<1x2x3x3xf32>) -> ...
_OPERATION = re.compile(
    r'(?:%(?P<output>[\w.]+)\s*=\s*)?[^\n"=]*"onnx\.ConvTranspose"\s*\((?P<inputs>[^()]*)\)\s*'
    r"<?\{(?P<attributes>[^{}]*)\}>?\s*(?:\{[^{}]*\}\s*)?:\s*\((?P<types>[^()]*)\)"
)
_ATTRIBUTE = re.compile(r'(?:torch\.onnx\.)?(\w+)\s*=\s*(\[[^\[\]]*\]|"[^"]*"|-?\d{1,18})')
_TYPE = re.compile(
    r"none|!torch\.none|tensor<(?P<plain>(?:\d+x)*)(?P<dtype>\w+)>|vtensor<\[(?P<torch>[\d,]*)\],(?P<of>\w+)>"
)
_DTYPES = {"f16": "float16", "bf16": "bfloat16", "f64": "float64"}
_OF_NODE = {"onnx_node_name", "name"}


def _attributes(text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in _ATTRIBUTE.findall(text):
        if value.startswith("["):
            values[name] = tuple(map(int, re.findall(r"-?\d{1,18}", re.sub(r":\s*\w+", "", value))))
        else:
            values[name] = value.strip('"') if value.startswith('"') else int(value)
    return {name: value for name, value in values.items() if name not in _OF_NODE}


def _tensors(text: str) -> list[TensorExpression | None]:
    tensors: list[TensorExpression | None] = []
    for match in _TYPE.finditer(text):
        sizes = (
            (match["plain"] or "").rstrip("x").split("x") if match["dtype"] else (match["torch"] or "").split(",")
        )
        dtype = match["dtype"] or match["of"]
        known = dtype is not None and all(size.isdigit() and len(size) < 12 for size in sizes)
        shape = tuple(map(int, sizes)) if known else None
        tensors.append(None if dtype is None else TensorExpression(shape, dtype=_DTYPES.get(dtype)))
    return tensors


def read_mlir(text: str) -> list[tuple[Syntax, int, str, dict[str, TensorExpression]]]:
    """The operations of a text: the call, its line, the line's text, and the tensors by name."""
    found = []
    for match in _OPERATION.finditer(text):
        names = [name.strip().lstrip("%") for name in match["inputs"].split(",")]
        tensors = dict(zip(names, _tensors(match["types"]), strict=False))
        given = tuple(name for name in names if tensors.get(name) is not None or name not in tensors)
        call = Syntax(
            "onnx.helper.make_node",
            Arguments(("ConvTranspose", given, (match["output"] or "y",)), _attributes(match["attributes"])),
        )
        named = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        found.append((call, text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), named))
    return found
