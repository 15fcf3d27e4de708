"""Follow the statements of a program: each is read once, loops over known values once for each of them."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable
from typing import Any

from conformance.calls.expressions import Expressions, Scope
from conformance.calls.queries import dotted, truth
from conformance.calls.values import (
    Arguments,
    Instance,
    Layer,
    Opaque,
    Sequence,
    TensorExpression,
    UserClass,
    UserFunction,
    Value,
)

__all__ = ["CALLS", "NOTHING", "OWNER", "OWN_CLASS", "Statements"]

CALLS = ("forward", "call", "__call__")
"""Methods that apply a model."""

NOTHING = object()
"""What a block of statements without a return gives."""

# Names in the scope of a method, for super(): no name of a program has a space.
OWN_CLASS, OWNER = "class of the method", "owner of the method"

_MAX_DEPTH = 20
_MAX_TURNS = 200


class Statements(Expressions):
    """Runs blocks of statements, functions and classes of a program."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.functions: list[tuple[str, UserFunction]] = []
        self.classes: list[UserClass] = []
        self.instances: list[Instance] = []

    def run(self, body: list[ast.stmt], scope: Scope) -> Any:
        """Run statements in order; the value returned, or `NOTHING`."""
        perhaps = NOTHING
        for statement in body:
            read = _READERS.get(type(statement))
            came = NOTHING if read is None else read(self, statement, scope)
            if came is _MAYBE:
                perhaps = scope.get(_RETURNED, NOTHING)
            elif came is not NOTHING:
                return came
        return perhaps

    def _expression(self, node: ast.Expr, scope: Scope) -> Any:
        self.value(node.value, scope)
        return NOTHING

    def _assignment(self, node: ast.Assign, scope: Scope) -> Any:
        value = self.value(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)
        return NOTHING

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> Any:
        if node.value is not None:
            self.assign(node.target, self.value(node.value, scope), scope)
        return NOTHING

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> Any:
        left = self.value(node.target, scope)
        value = self.binary(type(node.op), left, self.value(node.value, scope), node)
        if not isinstance(value, Opaque) or isinstance(left, Opaque):
            self.assign(node.target, value, scope)
        else:
            self.assign(node.target, Opaque(ast.unparse(node.target), "", value.origin), scope)
        return NOTHING

    def _return(self, node: ast.Return, scope: Scope) -> Any:
        return self.value(node.value, scope)

    def _if(self, node: ast.If, scope: Scope) -> Any:
        if _is_main(node.test):
            return self.run(node.body, scope)
        known = truth(self.value(node.test, scope))
        if known is not None:
            return self.run(node.body if known else node.orelse, scope)
        return self._either(node.body, node.orelse, scope)

    def _either(self, one: list[ast.stmt], other: list[ast.stmt], scope: Scope) -> Any:
        """Run both branches of an unknown condition; a value returned in one of them may be the result."""
        both = (self.run(one, scope), self.run(other, scope))
        results = [came for came in both if not any(came is none for none in (NOTHING, _BREAK, _CONTINUE))]
        if len(results) == 2:
            return results[0]
        if results:
            scope[_RETURNED] = results[0]
            return _MAYBE
        return NOTHING

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> Any:
        values = self.iterated(self.value(node.iter, scope))
        turns = [Opaque(ast.unparse(node.target))] if values is None else list(values)[:_MAX_TURNS]
        for value in turns:
            self.assign(node.target, value, scope)
            came = self.run(node.body, scope)
            if came is _BREAK:
                return NOTHING
            if came is not NOTHING and came is not _CONTINUE:
                return came
        return self.run(node.orelse, scope)

    def _while(self, node: ast.While, scope: Scope) -> Any:
        for _ in range(_MAX_TURNS):
            known = truth(self.value(node.test, scope))
            if known is False:
                break
            came = self.run(node.body, scope)
            if came is _BREAK:
                return NOTHING
            if came is not NOTHING and came is not _CONTINUE:
                return came
            if known is None or isinstance(node.test, ast.Constant):  # one turn where the end is not known
                break
        return NOTHING

    def _break(self, node: ast.Break, scope: Scope) -> Any:
        return _BREAK

    def _continue(self, node: ast.Continue, scope: Scope) -> Any:
        return _CONTINUE

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> Any:
        for item in node.items:
            value = self.value(item.context_expr, scope)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, scope)
        return self.run(node.body, scope)

    def _try(self, node: ast.Try, scope: Scope) -> Any:
        blocks = [node.body, *(handler.body for handler in node.handlers), node.orelse, node.finalbody]
        results = [came for came in (self.run(block, scope) for block in blocks) if came is not NOTHING]
        return results[0] if results else NOTHING

    def _match(self, node: ast.Match, scope: Scope) -> Any:
        self.value(node.subject, scope)
        for case in node.cases:
            self.run(case.body, scope)
        return NOTHING

    def _import(self, node: ast.Import, scope: Scope) -> Any:
        for name in node.names:
            if name.asname:
                self.imports[name.asname] = name.name
        return NOTHING

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> Any:
        for name in node.names:
            if name.name != "*" and not node.level:
                self.imports[name.asname or name.name] = f"{node.module}.{name.name}"
        return NOTHING

    def _assertion(self, node: ast.Assert, scope: Scope) -> Any:
        self.value(node.test, scope)
        return NOTHING

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Any:
        function = UserFunction(node.args, node.body, scope)  # type: ignore[arg-type]  # a mapping
        value: Any = function
        for decorator in reversed(node.decorator_list):
            value = self.decorated(decorator, value, scope)
        self.functions.append((node.name, function))
        scope[node.name] = value
        return NOTHING

    def decorated(self, decorator: ast.expr, function: Any, scope: Scope) -> Any:
        """A function under a decorator."""
        self.value(decorator, scope)
        return function

    def _class(self, node: ast.ClassDef, scope: Scope) -> Any:
        inner = scope.new_child()
        methods: dict[str, Any] = {}
        # A method of a base class of the program is a method of the class.
        bases = tuple(self.value(base, scope) for base in node.bases)
        for base in bases:
            if isinstance(base, UserClass):
                base.used = True
                methods.update(base.methods)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                method = UserFunction(statement.args, statement.body, scope)  # type: ignore[arg-type]
                for decorator in reversed(statement.decorator_list):
                    self.decorated(decorator, method, scope)
                method.marks = tuple(dotted(decorator) or "" for decorator in statement.decorator_list)
                methods[statement.name] = method
            else:
                self.run([statement], inner)
        methods.update({name: value for name, value in inner.maps[0].items() if name not in methods})
        kind = UserClass(node.name, methods, bases, fields=_fields(node, bases))
        for method in methods.values():
            if isinstance(method, UserFunction) and method.kind is None:
                method.kind = kind
        self.classes.append(kind)
        scope[node.name] = kind
        return NOTHING

    # Functions and classes of the program.

    def call_function(self, function: UserFunction, given: Arguments) -> Value:
        """The value that a function of the program returns."""
        function.used = True
        if function.owner is not None and function.body in [
            method.body
            for name in CALLS
            if isinstance(method := function.owner.kind.methods.get(name), UserFunction)
        ]:
            function.owner.applied = True
        if self.depth >= _MAX_DEPTH:
            return Opaque("a recursive call")
        scope: Scope = ChainMap({}, *_maps(function.names))
        self._bind(function, given if function.owner is None else given.after(function.owner), scope)
        self.depth += 1
        try:
            came = self.run(function.body, scope)
        finally:
            self.depth -= 1
        return None if came is NOTHING else came

    def _bind(self, function: UserFunction, given: Arguments, scope: Scope) -> None:
        spec = function.arguments
        positional = [*spec.posonlyargs, *spec.args]
        for parameter in (*positional, *spec.kwonlyargs):
            scope[parameter.arg] = _annotated_tensor(parameter) or Opaque(parameter.arg)
        defaults = list(zip(reversed(positional), reversed(spec.defaults), strict=False))
        defaults += list(
            zip(spec.kwonlyargs, (item or ast.Constant(None) for item in spec.kw_defaults), strict=True)
        )
        if function.owner is not None and function.kind is not None:
            scope[OWN_CLASS], scope[OWNER] = function.kind, function.owner
        outer: Scope = ChainMap({}, *_maps(function.names))
        for parameter, default in defaults:
            scope[parameter.arg] = self.value(default, outer)
        for parameter, value in zip(positional, given.args, strict=False):
            if not (isinstance(value, Opaque) and isinstance(scope[parameter.arg], TensorExpression)):
                scope[parameter.arg] = value
        named = {parameter.arg for parameter in (*positional, *spec.kwonlyargs)}
        scope.update({name: value for name, value in given.kwargs.items() if name in named})
        if spec.vararg is not None:
            scope[spec.vararg.arg] = given.args[len(positional) :]
        if spec.kwarg is not None:
            scope[spec.kwarg.arg] = {name: value for name, value in given.kwargs.items() if name not in named}

    def make_instance(self, kind: UserClass, given: Arguments) -> Value:
        """An instance of a class of the program, its constructor run."""
        kind.used = True
        own = dict(zip(kind.fields, given.args, strict=False)) if "__init__" not in kind.methods else {}
        instance = Instance(kind, {**own, **given.kwargs})  # fields of a dataclass-like module
        self.instances.append(instance)
        for name in ("__init__", "setup", "build"):
            method = kind.methods.get(name)
            if isinstance(method, UserFunction):
                self.call_function(method.bound(instance), given if name == "__init__" else Arguments())
        return instance

    def call_instance(self, instance: Instance, given: Arguments) -> Value:
        """The value of an instance that is called."""
        instance.applied = True
        for name in CALLS:
            method = instance.kind.methods.get(name)
            if isinstance(method, UserFunction):
                return self.call_function(method.bound(instance), given)
        return Opaque(f"{instance.kind.name}(...)")

    def layers_of(self, value: Any, seen: set[int] | None = None) -> list[Layer]:
        """All layers in a value."""
        seen = set() if seen is None else seen
        if id(value) in seen:
            return []
        seen.add(id(value))
        if isinstance(value, Layer):
            return [value]
        parts: Any = ()
        if isinstance(value, Sequence):
            parts = value.layers
        elif isinstance(value, Instance):
            parts = [*value.attributes.values(), value.layers]
        elif isinstance(value, tuple):
            parts = value
        elif isinstance(value, dict):
            parts = list(value.values())
        return [layer for part in parts for layer in self.layers_of(part, seen)]


def _maps(names: Any) -> list[Any]:
    return list(names.maps) if isinstance(names, ChainMap) else [names]


def _fields(node: ast.ClassDef, bases: tuple[Value, ...]) -> tuple[str, ...]:
    """The names that a class and its bases declare with a type."""
    inherited = [name for base in bases if isinstance(base, UserClass) for name in base.fields]
    own = [
        statement.target.id
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]
    return tuple(dict.fromkeys([*inherited, *own]))


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and dotted(test.left) == "__name__"


def _annotated_tensor(parameter: ast.arg) -> TensorExpression | None:
    """The tensor of an annotation as compilers print it, ``x: "f32[1, 3, 8, 8]"``, or ONNX Script has it."""
    note = parameter.annotation
    if isinstance(note, ast.Constant) and isinstance(note.value, str):
        written = note.value
    elif isinstance(note, ast.Subscript):  # FLOAT[1, 3, 8, 8] of ONNX Script
        written = ast.unparse(note).replace("[(", "[").replace(")]", "]")
    else:
        return None
    head, bracket, rest = written.partition("[")
    sizes = rest.partition("]")[0].split(",")
    dtype = _PRINTED.get(head.strip())
    if not bracket or dtype is None or not all(size.strip().isdigit() and len(size) < 12 for size in sizes):
        return None
    return TensorExpression(tuple(int(size) for size in sizes), dtype=dtype)


_PRINTED = {
    "f16": "float16", "f32": "float32", "f64": "float64", "bf16": "bfloat16", "c64": "complex64",
    "FLOAT16": "float16", "FLOAT": "float32", "DOUBLE": "float64", "BFLOAT16": "bfloat16",
}  # fmt: skip
_MAYBE, _BREAK, _CONTINUE = object(), object(), object()
_RETURNED = "return value of one branch"

_READERS: dict[type[ast.stmt], Callable[[Statements, Any, Scope], Any]] = {
    ast.Expr: Statements._expression,
    ast.Assign: Statements._assignment,
    ast.AnnAssign: Statements._annotated,
    ast.AugAssign: Statements._augmented,
    ast.Return: Statements._return,
    ast.If: Statements._if,
    ast.For: Statements._for,
    ast.AsyncFor: Statements._for,
    ast.While: Statements._while,
    ast.With: Statements._with,
    ast.AsyncWith: Statements._with,
    ast.Try: Statements._try,
    ast.Match: Statements._match,
    ast.Break: Statements._break,
    ast.Continue: Statements._continue,
    ast.Import: Statements._import,
    ast.ImportFrom: Statements._import_from,
    ast.Assert: Statements._assertion,
    ast.FunctionDef: Statements._function,
    ast.AsyncFunctionDef: Statements._function,
    ast.ClassDef: Statements._class,
}
