"""Python source of one call as plain data, by ``ast``; nothing is evaluated."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["CallError", "Syntax", "Tensor", "Word", "read"]

_MAX_LENGTH = 20_000
# Makers of tensors whose arguments are sizes, or one shape, or a shape after something else.
_MAKERS = {"randn", "rand", "randint", "zeros", "ones", "empty", "full", "normal", "uniform", "standard_normal"}
_WRAPPERS = {"tensor", "array", "asarray", "constant", "convert_to_tensor", "Tensor", "Parameter", "Variable"}


class CallError(ValueError):
    """Text that is no call this suite can read, or arguments its framework does not take."""


@dataclass(frozen=True)
class Word:
    """An expression that stands for something outside the text, such as ``x`` or ``torch.float64``."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Tensor:
    """An expression that makes a tensor of a shape that can be read."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Syntax:
    """A call: its dotted name, its arguments, and those of an application to a tensor behind it."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    applied: Syntax | None = field(default=None)


def read(text: str) -> Syntax:
    """Read one call.

    Raises
    ------
    CallError
        The text is not one Python call with literal arguments.
    """
    if len(text) > _MAX_LENGTH:
        raise CallError(f"a call is text of at most {_MAX_LENGTH} characters")
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error)
        raise CallError(f"{_short(text)} is not a Python call: {reason}") from None
    value = getattr(body[0], "value", None) if len(body) == 1 else None
    if not isinstance(body[0] if body else None, ast.Expr | ast.Assign) or not isinstance(value, ast.Call):
        raise CallError(f"{_short(text)} is not one call; write it as in torch.nn.ConvTranspose2d(16, 33, 3)")
    try:
        return _call(value)
    except RecursionError:
        raise CallError(f"{_short(text)} is nested too deeply") from None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) < 60 else text[:57] + "...")


def _call(node: ast.Call) -> Syntax:
    if isinstance(node.func, ast.Call):
        inner = _call(node.func)
        if inner.applied is not None:
            raise CallError("a call is applied once at most, as in Layer(...)(x)")
        args, kwargs = _arguments(node)
        return Syntax(inner.name, inner.args, inner.kwargs, Syntax("", args, kwargs))
    name = _dotted(node.func)
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


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := _dotted(node.value)):
        return f"{head}.{node.attr}"
    return None


def _value(node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)  # literals only: evaluates no names, no calls
    except (ValueError, TypeError, SyntaxError, MemoryError):
        if isinstance(node, ast.Tuple | ast.List):
            return tuple(_value(item) for item in node.elts)
        if isinstance(node, ast.Call):
            return _made(node)
        return Word(ast.unparse(node))
    return _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def _made(node: ast.Call) -> Tensor | Word:
    """The shape of a tensor that a well-known maker makes; anything else stays a word."""
    name = (_dotted(node.func) or "").rpartition(".")[2]
    args, kwargs = _arguments(node)
    if name in _WRAPPERS and args:
        if isinstance(args[0], Tensor):
            return args[0]
        try:
            return Tensor(np.asarray(args[0]).astype(float).shape)
        except (ValueError, TypeError):
            return Word(ast.unparse(node))
    if name in _MAKERS:
        shape = kwargs.get("size", kwargs.get("shape"))
        if shape is None:
            shape = next((arg for arg in args if isinstance(arg, tuple)), None)
        if shape is None:
            shape = args
        if shape and all(type(size) is int and size >= 0 for size in shape):
            return Tensor(tuple(shape))
    return Word(ast.unparse(node))
