"""What can be said of a value or of a name of a program without evaluating anything."""

from __future__ import annotations

import ast

from conformance.calls.values import Instance, Layer, Opaque, Sequence, TensorExpression, UserFunction, Value

__all__ = ["dotted", "origin_of", "parts_of_instance", "truth"]


def dotted(node: ast.expr) -> str | None:
    """The dotted name of an expression, such as ``tf.nn.conv2d_transpose``; None if it is not just a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := dotted(node.value)):
        return f"{head}.{node.attr}"
    return None


def origin_of(value: Value) -> frozenset[int]:
    """The calls that a value depends on."""
    if isinstance(value, TensorExpression | Opaque):
        return value.origin
    if isinstance(value, tuple):
        return frozenset().union(*(item.origin for item in value if isinstance(item, TensorExpression | Opaque)))
    return frozenset()


def parts_of_instance(instance: Instance) -> list[Value] | None:
    """What a loop over a model goes through: the layers that it holds; None if it is no container of them."""
    if instance.layers is None:
        return None
    own = [value for value in instance.attributes.values() if isinstance(value, Layer | Sequence | Instance)]
    return [*instance.layers.layers, *own]


def truth(value: Value) -> bool | None:
    """Whether a condition holds; None if that is unknown."""
    if value is None or isinstance(value, bool | int | float | str | tuple | dict):
        return bool(value)
    if isinstance(value, Layer | Sequence | Instance | UserFunction):
        return True
    return None
