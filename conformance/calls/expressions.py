"""The value of an expression of a program, as far as its text says; what is unknown stays as it is written."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable, Iterable
from typing import Any

from conformance.calls import arithmetic
from conformance.calls.arithmetic import BUILT_INS, UNKNOWN
from conformance.calls.errors import CallError
from conformance.calls.queries import dotted, origin_of, parts_of_instance, truth
from conformance.calls.tensors import combine, index_shape, parts_of, rearranged, size_tuple
from conformance.calls.values import (
    Arguments,
    Instance,
    Layer,
    Opaque,
    Sequence,
    Syntax,
    TensorExpression,
    UserFunction,
    Value,
    is_large,
)

__all__ = ["NO_CALL", "Expressions", "Scope"]

Scope = ChainMap[str, Any]

_MAX_STEPS = 100_000
_PROPERTIES = {"property", "cached_property"}
NO_CALL = ast.Call(ast.Name("f"), [], [], lineno=0)
"""The syntax of a call that the program only implies."""


class Expressions:
    """Evaluates expressions; calls are left to a subclass."""

    def __init__(self) -> None:
        self.steps = 0
        self.imports: dict[str, str] = {}

    def call(self, node: ast.Call, scope: Scope) -> Any:
        """The value of a call."""
        raise NotImplementedError

    def apply(self, function: Value, given: Arguments, node: ast.Call) -> Value:
        """The value of a function, layer, model or class that is called."""
        raise NotImplementedError

    def value(self, node: ast.expr | None, scope: Scope) -> Any:
        """The value of an expression.

        Raises
        ------
        CallError
            The program is too large.
        """
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise CallError("the program is too large for one call")
        if node is None:
            return None
        read = _READERS.get(type(node))
        value = UNKNOWN if read is None else read(self, node, scope)
        if value is UNKNOWN:
            parts = (
                self.value(child, scope) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)
            )
            origins = frozenset().union(*map(origin_of, parts)) if read is None else frozenset()
            return self.opaque(node, origins)
        return value

    def opaque(self, node: ast.expr, origin: frozenset[int] = frozenset()) -> Opaque:
        """An expression whose value is unknown."""
        return Opaque(ast.unparse(node), "", origin)

    def _constant(self, node: ast.Constant, scope: Scope) -> Any:
        if type(node.value) is int and abs(node.value) > 2**64:
            return UNKNOWN
        return node.value

    def _name(self, node: ast.Name, scope: Scope) -> Any:
        if node.id in scope:
            return scope[node.id]
        return Opaque(node.id, self.imports.get(node.id, node.id))

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        name = dotted(node)
        if name is not None and name in scope:
            return scope[name]
        return self.attribute(self.value(node.value, scope), node.attr, node)

    def attribute(self, owner: Any, attr: str, node: ast.expr) -> Any:
        """The value of an attribute."""
        if isinstance(owner, TensorExpression):
            return self._of_tensor(owner, attr)
        if isinstance(owner, Instance):
            if attr in owner.attributes:
                return owner.attributes[attr]
            method = owner.kind.methods.get(attr)
            if method is None and owner.layers is not None and len(owner.layers.layers) == 1:
                return self.attribute(owner.layers.layers[0], attr, node)
            if isinstance(method, UserFunction) and _PROPERTIES & {
                mark.rpartition(".")[2] for mark in method.marks
            }:
                return self.apply(method.bound(owner), Arguments(), NO_CALL)
            if isinstance(method, UserFunction):
                return method if "staticmethod" in method.marks else method.bound(owner)
            return UNKNOWN if method is None else method
        if isinstance(owner, Layer) and attr in ("weight", "kernel", "bias"):
            return owner.bias if attr == "bias" else owner.weight
        if isinstance(owner, Layer) and owner.call is not None:
            value = self.layer_argument(owner.call, attr)
            return UNKNOWN if value is None else value
        if type(owner) is int and attr == "value":  # a size in TensorFlow 1
            return owner
        if isinstance(owner, dict) and attr in owner:  # one whose keys are its attributes, such as an AttrDict
            return owner[attr]
        if isinstance(owner, Opaque) and attr in owner.fields:
            return owner.fields[attr]
        if isinstance(owner, Opaque) and owner.path:
            path = f"{owner.path}.{attr}"
            number = arithmetic.constant(path)
            return Opaque(f"{owner.text}.{attr}", path) if number is None else number
        return UNKNOWN

    def layer_argument(self, call: Syntax, name: str) -> Any:
        """An argument of a layer as its attribute; None if it has none of that name."""
        raise NotImplementedError

    def _of_tensor(self, tensor: TensorExpression, attr: str) -> Any:
        if attr == "shape":
            shape = size_tuple(tensor)
            return UNKNOWN if shape is None else shape
        if attr == "ndim" and tensor.shape is not None:
            return len(tensor.shape)
        if attr == "T" and tensor.shape is not None:
            return tensor.but(shape=tensor.shape[::-1])
        if attr == "dtype":
            return Opaque(tensor.dtype or "float32", tensor.dtype or "float32")
        return tensor if attr in ("data", "value", "real", "grad", "mT", "output") else UNKNOWN

    def _items(self, node: ast.Tuple | ast.List | ast.Set, scope: Scope) -> Any:
        items: list[Any] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                inner = self.value(item.value, scope)
                if isinstance(inner, Sequence):
                    inner = tuple(inner.layers)
                if not isinstance(inner, tuple):
                    return UNKNOWN
                items.extend(inner)
            else:
                items.append(self.value(item, scope))
        self.note_items(tuple(items))
        return self.limited(tuple(items))

    def note_items(self, items: tuple[Value, ...]) -> None:
        """Note what a sequence says beside its items."""

    def limited(self, value: Any) -> Any:
        """The value, unless it holds too many others."""
        if is_large(value):
            raise CallError("the program is too large for one call: a value of it grows without end")
        return value

    def _dict(self, node: ast.Dict, scope: Scope) -> Any:
        made: dict[Any, Any] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.value(item, scope)
            if key is None:
                if not isinstance(value, dict):
                    return UNKNOWN
                made.update(value)
                continue
            name = self.value(key, scope)
            if not isinstance(name, str | int | float | bool | Opaque | TensorExpression):
                return UNKNOWN
            made[name] = value
        return self.limited(made)

    def _binary(self, node: ast.BinOp, scope: Scope) -> Any:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        return self.binary(type(node.op), left, right, node)

    def binary(self, kind: type[ast.operator], left: Any, right: Any, node: ast.expr | ast.stmt) -> Any:
        """Arithmetic on values."""
        for one, other in ((left, right), (right, left)):
            if isinstance(one, TensorExpression):
                return combine(one, other) if kind is not ast.MatMult else one.but(shape=None)
        value = arithmetic.binary(kind, left, right)
        if value is UNKNOWN and isinstance(node, ast.expr):
            return self.opaque(node, origin_of(left) | origin_of(right))
        return self.limited(value)

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Any:
        value = self.value(node.operand, scope)
        if isinstance(value, TensorExpression):
            return combine(value, 1)
        return arithmetic.unary(type(node.op), value)

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:
        values = [self.value(item, scope) for item in (node.left, *node.comparators)]
        pairs = zip(node.ops, values, values[1:], strict=False)
        results = [arithmetic.compare(type(kind), one, other) for kind, one, other in pairs]
        if any(result is False for result in results):
            return False
        return UNKNOWN if any(result is UNKNOWN for result in results) else True

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Any:
        value: Any = UNKNOWN
        for item in node.values:
            value = self.value(item, scope)
            known = truth(value)
            if known is None:
                return UNKNOWN
            if known is isinstance(node.op, ast.Or):
                return value
        return value

    def _choice(self, node: ast.IfExp, scope: Scope) -> Any:
        test = truth(self.value(node.test, scope))
        if test is None:
            self.value(node.orelse, scope)
            self.value(node.body, scope)
            return UNKNOWN
        return self.value(node.body if test else node.orelse, scope)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        owner, index = self.value(node.value, scope), self.index(node.slice, scope)
        if isinstance(owner, Sequence):
            owner = tuple(owner.layers)
        if isinstance(owner, Instance) and (held := parts_of_instance(owner)) is not None:
            owner = tuple(held)
        if isinstance(owner, TensorExpression):
            if owner.values is not None and type(index) is int and -len(owner.values) <= index < len(owner.values):
                return owner.values[index]
            shape = None if owner.shape is None else index_shape(owner.shape, index)
            return rearranged(owner, shape, lambda array: array[index]) if shape else owner.but(shape=shape)
        if isinstance(owner, tuple | str):
            plain = index if isinstance(index, slice) else None
            if plain and not all(end is None or type(end) is int for end in (plain.start, plain.stop, plain.step)):
                return UNKNOWN
            if plain and plain.step != 0:
                return owner[plain]
            if type(index) is int and -len(owner) <= index < len(owner):
                return owner[index]
        if isinstance(owner, dict) and isinstance(index, str | int | float | Opaque) and index in owner:
            return owner[index]
        return self.opaque(node, origin_of(owner))

    def index(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an index, slices included."""
        if isinstance(node, ast.Slice):
            return slice(*(self.value(end, scope) for end in (node.lower, node.upper, node.step)))
        if isinstance(node, ast.Tuple):
            return tuple(self.index(item, scope) for item in node.elts)
        value = self.value(node, scope)
        return None if isinstance(value, Opaque) and value.path.endswith("newaxis") else value

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Any:
        return UserFunction(node.args, [ast.Return(node.body)], scope)  # type: ignore[arg-type]  # a mapping

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, scope: Scope) -> Any:
        items: list[Any] = []
        unknown = False

        def expand(generators: list[ast.comprehension], inner: Scope) -> None:
            nonlocal unknown
            if not generators:
                items.append(self.value(node.elt, inner))
                return
            first, *rest = generators
            values = self.iterated(self.value(first.iter, inner))
            unknown = unknown or values is None
            for value in (self.opaque(first.target),) if values is None else values:
                deeper = inner.new_child()
                self.assign(first.target, value, deeper)
                if all(truth(self.value(test, deeper)) is not False for test in first.ifs):
                    expand(rest, deeper)

        expand(node.generators, scope)
        return UNKNOWN if unknown else self.limited(tuple(items))

    def iterated(self, value: Any) -> Iterable[Any] | None:
        """The values that a loop goes through; None if they are unknown."""
        if isinstance(value, Sequence):
            return value.layers
        if isinstance(value, Instance):
            return parts_of_instance(value)
        if isinstance(value, TensorExpression):
            return parts_of(value)
        return value if isinstance(value, tuple | dict) else None

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """Assign a value to a target."""
        if isinstance(target, ast.Name):
            scope[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value, scope)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, scope)
        elif isinstance(target, ast.Attribute):
            self._assign_attribute(target, value, scope)
        elif isinstance(target, ast.Subscript):
            self._assign_item(target, value, scope)

    def _unpack(self, targets: list[ast.expr], value: Any, scope: Scope) -> None:
        stars = [at for at, target in enumerate(targets) if isinstance(target, ast.Starred)]
        if isinstance(value, TensorExpression):
            value = parts_of(value) or value
        if isinstance(value, tuple) and len(value) == len(targets) and not stars:
            parts: list[Any] = list(value)
        elif isinstance(value, tuple) and len(stars) == 1 and len(value) >= len(targets) - 1:
            after = len(targets) - stars[0] - 1
            stop = len(value) - after
            parts = [*value[: stars[0]], value[stars[0] : stop], *value[stop:]]
        else:
            parts = [Opaque(ast.unparse(target), "", origin_of(value)) for target in targets]
        for target, part in zip(targets, parts, strict=True):
            self.assign(target, part, scope)

    def _assign_attribute(self, target: ast.Attribute, value: Any, scope: Scope) -> None:
        owner = self.value(target.value, scope)
        if isinstance(owner, Instance):
            owner.attributes[target.attr] = value
        elif isinstance(owner, dict):
            owner[target.attr] = value
        elif isinstance(owner, Layer) and target.attr in ("weight", "kernel", "bias"):
            if isinstance(value, TensorExpression):
                setattr(owner, "bias" if target.attr == "bias" else "weight", value)
        elif isinstance(owner, TensorExpression):
            if isinstance(value, TensorExpression) and target.attr in ("data", "value"):
                owner.facts, owner.special, owner.numbers = value.facts, value.special, value.numbers
                owner.shape = value.shape or owner.shape
        elif (name := dotted(target)) is not None:
            scope[name] = value

    def _assign_item(self, target: ast.Subscript, value: Any, scope: Scope) -> None:
        owner, index = self.value(target.value, scope), self.index(target.slice, scope)
        if isinstance(owner, TensorExpression):
            number = value if isinstance(value, bool | int | float) else None
            if isinstance(number, float) and number - number != 0:  # inf or nan
                owner.special = "nan" if number != number else "inf"
            owner.numbers = None
            owner.add_fact(f"values ({value!s} at [{ast.unparse(target.slice)[:40]}])")
        elif isinstance(owner, dict) and isinstance(index, str | int):
            owner[index] = value
        elif isinstance(owner, tuple) and type(index) is int and -len(owner) <= index < len(owner):
            place = index % len(owner)
            self.assign(target.value, (*owner[:place], value, *owner[place + 1 :]), scope)

    def _joined(self, node: ast.JoinedStr, scope: Scope) -> Any:
        parts = [
            self.value(part.value if isinstance(part, ast.FormattedValue) else part, scope) for part in node.values
        ]
        plain = all(isinstance(part, str | int) for part in parts)
        return "".join(map(str, parts)) if plain else UNKNOWN

    def _named(self, node: ast.NamedExpr, scope: Scope) -> Any:
        value = self.value(node.value, scope)
        self.assign(node.target, value, scope)
        return value

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        return self.call(node, scope)

    def built_in(self, name: str, given: Arguments) -> Value:
        """The value of Python's own function; `UNKNOWN` if there is none."""
        function = BUILT_INS.get(name)
        return UNKNOWN if function is None else self.limited(function(given.args, given.kwargs))


_Reader = Callable[[Expressions, Any, Scope], Any]
_READERS: dict[type[ast.expr], _Reader] = {
    ast.Constant: Expressions._constant,
    ast.Name: lambda reader, node, scope: reader._name(node, scope),
    ast.Attribute: Expressions._attribute,
    ast.Tuple: Expressions._items,
    ast.List: Expressions._items,
    ast.Set: Expressions._items,
    ast.Dict: Expressions._dict,
    ast.BinOp: Expressions._binary,
    ast.UnaryOp: Expressions._unary,
    ast.Compare: Expressions._compare,
    ast.BoolOp: Expressions._boolean,
    ast.IfExp: Expressions._choice,
    ast.Subscript: Expressions._subscript,
    ast.Lambda: Expressions._lambda,
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.GeneratorExp: Expressions._comprehension,
    ast.NamedExpr: Expressions._named,
    ast.Call: Expressions._call,
    ast.JoinedStr: Expressions._joined,
}
