"""Python source of one call as plain data, by ``ast``; nothing is evaluated."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.calls.errors import CallError
from conformance.calls.snippet import dotted, find_call

__all__ = ["CallError", "Opaque", "Syntax", "TensorExpression", "read"]

_MAX_VALUES = 8
# Functions that make tensors from sizes, from a shape, or from a shape after another argument.
_CONSTRUCTORS = {
    "randn",
    "rand",
    "randint",
    "zeros",
    "ones",
    "empty",
    "full",
    "normal",
    "uniform",
    "standard_normal",
}
_WRAPPERS = {"tensor", "array", "asarray", "constant", "convert_to_tensor", "Tensor", "Parameter", "Variable"}
_SEQUENCES = {"stack", "pack", "Size", "TensorShape", "tuple", "list"}


@dataclass(frozen=True)
class Opaque:
    """An expression with a value outside the text, such as ``x`` or ``torch.float64``."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class TensorExpression:
    """An expression that makes a tensor whose shape can be read; the numbers, too, of a short vector."""

    shape: tuple[int, ...]
    values: tuple[Any, ...] | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"a tensor of shape {self.shape}"


@dataclass(frozen=True)
class Syntax:
    """A call: its dotted name, its arguments, and those of its application to a tensor."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    applied: Syntax | None = field(default=None)


def read(text: str, known: Callable[[str], bool]) -> Syntax:
    """Read the one call in a text; ``known`` decides whether a name is that of a readable call.

    Raises
    ------
    CallError
        There is no such call, or its arguments cannot be read.
    """
    call = find_call(text, known)
    try:
        return _call(call)
    except RecursionError:
        raise CallError(f"{ast.unparse(call.func)[:60]}: nested too deeply") from None


def _call(node: ast.Call) -> Syntax:
    if isinstance(node.func, ast.Call):
        inner = _call(node.func)
        if inner.applied is not None:
            raise CallError("a call can be applied only once, as in Layer(...)(x)")
        args, kwargs = _arguments(node)
        return Syntax(inner.name, inner.args, inner.kwargs, Syntax("", args, kwargs))
    name = dotted(node.func)
    if name is None:
        raise CallError(f"{ast.unparse(node.func)!r} is not the name of a function")
    return Syntax(name, *_arguments(node))


def _arguments(node: ast.Call) -> tuple[tuple[Any, ...], dict[str, Any]]:
    kwargs = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise CallError(f"**{ast.unparse(keyword.value)} cannot be read; write its arguments out")
        kwargs[keyword.arg] = _value(keyword.value)
    return tuple(_value(arg) for arg in node.args), kwargs


_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


def _integer(node: ast.expr) -> int | None:
    """A whole number written as small arithmetic, such as ``8 * 4`` or ``3 // 2``; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _integer(node.operand)
        return None if inner is None else -inner
    if not isinstance(node, ast.BinOp) or type(node.op) not in _OPERATORS:
        return None
    left, right = _integer(node.left), _integer(node.right)
    if left is None or right is None or max(abs(left), abs(right)) >= 2**32:
        return None
    if isinstance(node.op, ast.Pow) and not 0 <= right <= 32:
        return None
    return None if isinstance(node.op, ast.FloorDiv) and right == 0 else _OPERATORS[type(node.op)](left, right)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp) and (number := _integer(node)) is not None:
        return number
    try:
        value = ast.literal_eval(node)  # literals only: evaluates no names, no calls
    except (ValueError, TypeError, SyntaxError, MemoryError):
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(_value(item) for item in node.elts)
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            return _shape_of(node, node.value)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "size" and not node.args:
                return _shape_of(node, node.func.value)
            return _construct(node)
        return Opaque(ast.unparse(node))
    return _tuples(value)


def _shape_of(node: ast.expr, tensor: ast.expr) -> Any:
    """The shape of a tensor that the text itself makes."""
    tensor_made = _construct(tensor) if isinstance(tensor, ast.Call) else None
    return tensor_made.shape if isinstance(tensor_made, TensorExpression) else Opaque(ast.unparse(node))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def _construct(node: ast.Call) -> Any:
    """The shape of a tensor from a well-known constructor; any other call stays opaque."""
    name = (dotted(node.func) or "").rpartition(".")[2]
    args, kwargs = _arguments(node)
    if name in _SEQUENCES and len(args) == 1 and isinstance(args[0], tuple):
        return args[0]
    if name in _WRAPPERS and args:
        if isinstance(args[0], TensorExpression):
            return args[0]
        try:
            axes = np.asarray(args[0]).astype(float).shape
            return TensorExpression(axes, args[0] if len(axes) == 1 and axes[0] <= _MAX_VALUES else None)
        except (ValueError, TypeError):
            return Opaque(ast.unparse(node))
    if name in _CONSTRUCTORS:
        shape = kwargs.get("size", kwargs.get("shape"))
        if shape is None:
            shape = next((arg for arg in args if isinstance(arg, tuple)), None)
        if shape is None:
            shape = args
        if shape and all(type(size) is int and size >= 0 for size in shape):
            return TensorExpression(tuple(shape))
    return Opaque(ast.unparse(node))
