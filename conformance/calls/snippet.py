"""Find the one call in pasted text: a few lines that may assign names before it, or the text of an ONNX node.

Everything here rearranges syntax; nothing is evaluated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from conformance.calls.errors import CallError

__all__ = ["dotted", "find_call"]

_MAX_LENGTH = 20_000
_MAX_NODES = 5_000
_NODE = re.compile(
    r"^\s*(?:[\w.%]+\s*=\s*)?ConvTranspose\s*(?:<(?P<attributes>[^<>]*)>)?\s*\((?P<inputs>[^()=]*)\)\s*$"
)
# Methods of a module that do not change the case, and those that set its dtype.
_NEUTRAL_METHODS = {"cuda", "cpu", "eval", "train", "requires_grad_", "to", "share_memory", "compile"}
_DTYPE_METHODS = {
    "half": "float16",
    "double": "float64",
    "float": "float32",
    "bfloat16": "bfloat16",
    **{name: name for name in ("float16", "float32", "float64", "complex64", "complex128")},
}


def find_call(text: str, known: Callable[[str], bool]) -> ast.Call:
    """Find the call of a known name.

    Parameters
    ----------
    text : str
        Python source of a few lines, or one node in ONNX's textual syntax.
    known : callable
        Whether a dotted name is the name of a call that can be read.

    Returns
    -------
    ast.Call
        The call, or its application to a tensor, with names replaced by the values assigned to them.

    Raises
    ------
    CallError
        The text contains no such call, or several.
    """
    if len(text) > _MAX_LENGTH:
        raise CallError(f"a call is text of at most {_MAX_LENGTH} characters")
    try:
        body = ast.parse(_node_as_call(text).strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error)
        raise CallError(f"{_short(text)} is not a Python call: {reason}") from None
    try:
        return _choose(text, [_without_methods(value) for value in _values(text, body)], known)
    except RecursionError:
        raise CallError(f"{_short(text)} is nested too deeply") from None


def _node_as_call(text: str) -> str:
    match = _NODE.match(text)
    if match is None or (match["attributes"] is None and "=" not in text.partition("(")[0]):
        return text
    # An attribute is written name = value, or name : type = value.
    attributes = re.sub(r"(\w+)\s*:\s*\w+\s*=", r"\1 =", match["attributes"] or "")
    inputs = [name.strip().lstrip("%") for name in match["inputs"].split(",") if name.strip()]
    return f"make_node('ConvTranspose', {inputs}, ['y'], {attributes})"


def _values(text: str, body: list[ast.stmt]) -> Iterator[ast.expr]:
    """The value of every statement, with names replaced by the values assigned to them."""
    names: dict[str, ast.expr] = {}
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        if not isinstance(statement, ast.Expr | ast.Assign):
            raise CallError(f"{_short(text)} is not one call; write it as in torch.nn.ConvTranspose2d(16, 33, 3)")
        value = _ReplaceNames(names).visit(statement.value)
        if _is_too_large(value):
            raise CallError(f"{_short(text)} is too large for one call")
        if isinstance(statement, ast.Assign):
            names.update({ast.unparse(target): value for target in statement.targets})
        yield value


class _ReplaceNames(ast.NodeTransformer):
    """Replace a name by the value assigned to it."""

    def __init__(self, names: dict[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.names.get(node.id, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        value_of_name = self.names.get(ast.unparse(node)) if self.names else None
        return self.generic_visit(node) if value_of_name is None else value_of_name


def _is_too_large(node: ast.AST) -> bool:
    left, count = [node], 0
    while left and count <= _MAX_NODES:
        count += 1
        left.extend(ast.iter_child_nodes(left.pop()))
    return count > _MAX_NODES


def _without_methods(node: ast.expr) -> ast.expr:
    """A module without the methods called on it; a dtype that they set becomes an argument."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Call)):
        return node
    if isinstance(node.func, ast.Call):
        return ast.Call(_without_methods(node.func), node.args, node.keywords)
    inner, method = node.func.value, node.func.attr
    if not isinstance(inner, ast.Call) or method not in _NEUTRAL_METHODS | _DTYPE_METHODS.keys():
        return node
    layer = _without_methods(inner)
    names = [
        method,
        *(ast.unparse(arg).rpartition(".")[2] for arg in (*node.args, *(k.value for k in node.keywords))),
    ]
    dtype = next((_DTYPE_METHODS[name] for name in names if name in _DTYPE_METHODS), None)
    if dtype is None or not isinstance(layer, ast.Call):
        return layer
    others = [keyword for keyword in layer.keywords if keyword.arg != "dtype"]
    return ast.Call(layer.func, layer.args, [*others, ast.keyword("dtype", ast.Constant(dtype))])


def _choose(text: str, values: list[ast.expr], known: Callable[[str], bool]) -> ast.Call:
    """The last call of the one known name, applied or not."""
    direct = [value for value in values if isinstance(value, ast.Call) and known(_name(value))]
    inside = [
        node for value in values for node in ast.walk(value) if isinstance(node, ast.Call) and known(_name(node))
    ]
    distinct = {ast.unparse(_innermost(node)) for node in direct or inside}
    if len(distinct) > 1:
        raise CallError(f"{_short(text)} contains {len(distinct)} calls; write one of them")
    if distinct:
        return (direct or inside[:1])[-1]
    if len(values) == 1 and isinstance(values[0], ast.Call):
        return values[0]
    raise CallError(f"{_short(text)} is not one call; write it as in torch.nn.ConvTranspose2d(16, 33, 3)")


def _innermost(node: ast.Call) -> ast.Call:
    return _innermost(node.func) if isinstance(node.func, ast.Call) else node


def _name(node: ast.Call) -> str:
    return dotted(_innermost(node).func) or ""


def dotted(node: ast.expr) -> str | None:
    """The dotted name of an expression, such as ``tf.nn.conv2d_transpose``; None if it is not just a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := dotted(node.value)):
        return f"{head}.{node.attr}"
    return None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) < 60 else text[:57] + "...")
