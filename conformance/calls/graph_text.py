"""Python for the graphs that frameworks print, line by line: TorchScript, torch.fx, TensorFlow 1 in a log."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["python_of_graphs"]

_NAME = r"%[\w.]+"
# %9 : Float(1, 4, 8, 8, strides=[...]) = aten::_convolution(%x, %w, %4), scope: ...
_DECLARED = re.compile(rf"(?P<name>{_NAME})\s*:\s*(?P<type>\w+)(?P<sizes>\([\d,\s]+)?")
_TORCHSCRIPT = re.compile(
    rf"^\s*(?P<name>{_NAME})\s*:[^=\n]*?(?:\([^()\n]*\))?[^=\n]*=\s*(?P<space>prim|aten)::(?P<op>\w+)"
    r"(?:\[(?P<attributes>.*)\])?\s*\((?P<inputs>[^()]*)\)"
)
_GRAPH = re.compile(r"graph\((?=%|\s*$)")
_DTYPES = {"Float": "float32", "Half": "float16", "Double": "float64", "BFloat16": "bfloat16"}
# %conv : [num_users=1] = call_function[target=torch.ops.aten.convolution.default](args = (%x, %w), kwargs = {})
_FX = re.compile(
    rf"(?P<name>{_NAME})\s*:[^=]*(?:=\d+\]?)?[^=]*=\s*call_function\[target=(?P<target>[\w.]+)\]"
    r"\(args = \((?P<args>.*)\), kwargs = \{(?P<kwargs>[^{}]*)"
)
# [[Node: up/conv2d_transpose = Conv2DBackpropInput[T=DT_FLOAT, strides=[1, 2, 2, 1]](shape, w, x)]]
_TENSORFLOW = re.compile(r"=\s*(?P<op>Conv[23]DBackpropInput(?:V2)?)\[(?P<attributes>.*)\]\((?P<inputs>[^()]*)\)")
_ATTRIBUTE = re.compile(r'(strides|padding|data_format|dilations)=(\[[^\[\]]*\]|"\w*")')


def _plain(text: str) -> str:
    """Names of a graph as names of Python: ``%self.0.weight`` as ``v_self_0_weight``."""
    return re.sub(_NAME, lambda match: "v_" + re.sub(r"\W", "_", match[0][1:]), text)


def _constant(kind: str, attributes: str | None) -> str | None:
    value = (attributes or "").removeprefix("value=")
    if not value:
        return "None"
    if value.startswith("<"):  # <Tensor>: its type says what is known
        return None
    return f"bool({value})" if kind == "bool" else value


def _declarations(text: str) -> list[str]:
    """Tensors by the types in a text."""
    made = []
    for match in _DECLARED.finditer(text):
        sizes = (match["sizes"] or "").strip("( ,")
        if match["type"] in _DTYPES and sizes:
            made.append(f"{_plain(match['name'])} = torch.empty(({sizes},), dtype=torch.{_DTYPES[match['type']]})")
    return made


def _torchscript(line: str) -> str | None:
    match = _TORCHSCRIPT.match(line)
    if match is None:
        declared = _declarations(line) if _GRAPH.search(line) or re.match(rf"^\s*{_NAME}\s*:", line) else []
        return "; ".join(declared) if declared or _GRAPH.search(line) else None
    inputs, name = _plain(match["inputs"]), _plain(match["name"])
    if match["space"] == "aten":
        return f"{name} = torch.ops.aten.{match['op']}({inputs})"
    if match["op"] in ("ListConstruct", "TupleConstruct"):
        return f"{name} = [{inputs}]"
    kind = _DECLARED.search(line)
    if match["op"] == "Constant" and kind is not None:
        value = _constant(kind["type"], match["attributes"])
        if value is not None:
            return f"{name} = {value}"
    return "; ".join(_declarations(line))


def _fx(line: str) -> str | None:
    match = _FX.search(line)
    if match is None:
        return None
    kwargs = ", ".join(f"{key} = {value}" for key, value in re.findall(r"(\w+): ([^,{}]+)", match["kwargs"]))
    inputs = ", ".join(part for part in (match["args"].rstrip(" ,"), kwargs) if part)
    return f"{_plain(match['name'])} = {match['target']}({_plain(inputs)})"


def _tensorflow(line: str) -> str | None:
    match = _TENSORFLOW.search(line)
    if match is None:
        return None
    names = [f"v_{re.sub(r'[^0-9A-Za-z]', '_', name.strip())}" for name in match["inputs"].split(",")]
    attributes = [f"{name}={value}" for name, value in _ATTRIBUTE.findall(match["attributes"])]
    return f"tf.raw_ops.{match['op']}({', '.join([*names, *attributes])})"


_GRAPHS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    ("aten::", _torchscript),
    ("call_function[target=", _fx),
    ("BackpropInput", _tensorflow),
)
"""By a text that each has: from a line, the line of Python that it stands for, or None."""


def python_of_graphs(text: str) -> str:
    """The text with the lines of printed graphs as Python; other lines stay as they are."""
    for mark, translate in _GRAPHS:
        if mark in text:
            lines = text.split("\n")
            if len(text) < 1_000_000:
                text = "\n".join(line if (made := translate(line)) is None else made for line in lines)
    return text
