"""Read a program: the transposed convolutions that it makes and calls, with what is known of their tensors."""

from __future__ import annotations

import ast
import re
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.calls.arithmetic import UNKNOWN
from conformance.calls.builders import BUILDERS, with_option, with_options
from conformance.calls.errors import CallError
from conformance.calls.expressions import NO_CALL, Scope
from conformance.calls.libraries import is_library
from conformance.calls.lists import DICT_METHODS, LIST_METHODS, STRING_METHODS
from conformance.calls.models import CALLS, Occurrence, snapshot, snapshot_layer, start_of, was_applied
from conformance.calls.named_functions import OF_VALUES, NamedFunctions, Reader
from conformance.calls.queries import dotted, origin_of
from conformance.calls.settings import Settings, apply_setting
from conformance.calls.tensor_functions import FUNCTIONS
from conformance.calls.tensor_methods import METHODS
from conformance.calls.values import (
    Arguments,
    Gradient,
    Graph,
    Instance,
    Layer,
    Mapped,
    Opaque,
    Partial,
    Sequence,
    Syntax,
    TensorExpression,
    UserClass,
    UserFunction,
    Value,
)

__all__ = ["Occurrence", "Program", "Reader", "read_program"]

# What a name that this suite does not know must look like to be pointed out as a transposed convolution.
_LOOKS_LIKE = re.compile(
    r"conv(?:olution)?_?(?:[123n]d)?_?transpose|transposed?_?conv|deconv|conv\w*backprop(?:_?input|_?data)"
    r"|^convolution$",
    re.IGNORECASE,
)


class Program(NamedFunctions):
    """A program as it is followed."""

    def __init__(self, reader: Reader, settings: Settings) -> None:
        super().__init__(reader, settings)
        self.unknown: list[str] = []
        self.top: dict[str, Value] = {}
        self.copies = 1

    # Calls.

    def call(self, node: ast.Call, scope: Scope) -> Any:
        """The value of a call."""
        function = self._function_value(node.func, scope)
        try:
            given = self._arguments(node, scope)
        except _Unreadable as error:
            if isinstance(function, Opaque) and self.reader.finds(function.path, function.text):
                raise CallError(str(error)) from None
            return UNKNOWN
        if isinstance(function, _Method) and isinstance(function.owner, tuple) and function.name in LIST_METHODS:
            return self._change_list(function, given.args, node, scope)
        if isinstance(function, _Method):
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            if isinstance(owner, ast.Call) and dotted(owner.func) == "super":
                return self.method_of_base(function.name, given, scope, node)
            return self._method(function, given, node)
        return self.apply(function, given, node)

    def _change_list(self, method: _Method, args: tuple[Value, ...], node: ast.Call, scope: Scope) -> Any:
        """The value of a method that changes a list; a list is a value here, so the change is an assignment."""
        try:
            changed, value = LIST_METHODS[method.name](method.owner, *args)
        except TypeError:  # other arguments than those of a list
            return UNKNOWN
        if isinstance(node.func, ast.Attribute):
            self.assign(node.func.value, self.limited(changed), scope)
        return value

    def _function_value(self, node: ast.expr, scope: Scope) -> Any:
        if not isinstance(node, ast.Attribute):
            return self.value(node, scope)
        name = dotted(node)
        if name is not None and name in scope:
            return scope[name]
        owner = self.value(node.value, scope)
        value = self.attribute(owner, node.attr, node)
        if isinstance(value, UserFunction | Layer | Sequence | Instance | UserClass):
            return value
        if not isinstance(owner, Opaque) or not owner.path:
            return _Method(owner, node.attr)
        # A plain name that the text does not define is a tensor, unless it is that of a module.
        is_module = "." in owner.path or owner.text in self.imports or is_library(owner.text)
        known = self.reader.finds(f"{owner.path}.{node.attr}", f"{owner.text}.{node.attr}")
        if not is_module and node.attr in _OF_UNKNOWN_TENSORS and known is None:
            return _Method(owner, node.attr)
        return value

    def _arguments(self, node: ast.Call, scope: Scope) -> Arguments:
        args: list[Value] = []
        for arg in node.args:
            if not isinstance(arg, ast.Starred):
                args.append(self.value(arg, scope))
                continue
            value = self.value(arg.value, scope)
            items = self.iterated(value)
            if items is None:
                raise _Unreadable(f"*{ast.unparse(arg.value)} cannot be read; write its arguments out")
            args.extend(items)
        kwargs: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value, scope)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
                kwargs.update(value)
            else:
                raise _Unreadable(f"**{ast.unparse(keyword.value)} cannot be read; write its arguments out")
        return Arguments(tuple(args), kwargs)

    def apply(self, function: Value, given: Arguments, node: ast.Call) -> Value:
        """The value of a function, layer, model or class that is called."""
        if isinstance(function, Gradient):
            return self.gradient_of(origin_of(self.apply(function.of, given, node)))
        if isinstance(function, Mapped):
            return self._mapped(function, given, node)
        if isinstance(function, Partial):
            return self.apply(function.of, given.over(function.given), node)
        if isinstance(function, UserFunction):
            return self.call_function(function, given)
        if isinstance(function, UserClass):
            return self.make_instance(function, given)
        if isinstance(function, Instance):
            return self.call_instance(function, given)
        if isinstance(function, Layer):
            return self.apply_layer(function, given)
        if isinstance(function, Graph):
            return self.apply_graph(function, given)
        if isinstance(function, Sequence):
            return self.apply_sequence(function, Arguments(given.args))
        if isinstance(function, Opaque) and function.path:
            return self._named_call(function, given, node)
        return self._unknown_result(given, node)

    def _mapped(self, function: Mapped, given: Arguments, node: ast.Call) -> Value:
        """The value of a function for each part of its arguments along an axis, the results along the first."""
        sizes: list[int | None] = []

        def part(value: Value) -> Value:
            if not isinstance(value, TensorExpression) or not value.shape or not function.axis < len(value.shape):
                return value
            sizes.append(value.shape[function.axis])
            return value.but(shape=(*value.shape[: function.axis], *value.shape[function.axis + 1 :]))

        parts = given.mapped(part)
        outer, self.copies = self.copies, self.copies * (next(filter(None, sizes), None) or 1)
        try:
            came = self.apply(function.of, parts, node)
        finally:
            self.copies = outer
        if not isinstance(came, TensorExpression) or came.shape is None or not sizes:
            return came
        return came.but(shape=(sizes[0], *came.shape))

    def _runner(self, given: Arguments) -> None:
        """A function that the text lacks may apply a model to the tensors that it is given as well."""
        model, *others = (*given.values, None)
        image = next((value for value in others if _is_input(value)), None)
        if isinstance(model, Layer | Sequence | Instance) and image is not None and not was_applied(model):
            self.apply(model, Arguments(image if isinstance(image, tuple) else (image,)), NO_CALL)

    def _unknown_result(self, given: Arguments, node: ast.Call) -> Value:
        unknown = self.opaque(node, frozenset().union(*map(origin_of, given.values)))
        return replace(unknown, fields=given.kwargs)

    def _named_call(self, function: Opaque, given: Arguments, node: ast.Call) -> Value:
        known = self.reader.finds(function.path, function.text)
        if known is not None:
            if function.path.partition(".")[0] == "nn" and "nn" not in self.imports:
                known = self.reader.suited(known, given.kwargs)
            return self._record(known, given, node)
        last = function.path.rpartition(".")[2]
        if _LOOKS_LIKE.search(last) and function.path not in self.unknown:
            self.unknown.append(function.path)
        apply_setting(self.settings, function.path, given)
        value = self.named_function(function, given)
        if value is not UNKNOWN:
            return value
        self._runner(given)
        return self._unknown_result(given, node)

    def _record(self, name: str, given: Arguments, node: ast.Call) -> Value:
        given = with_options(given)
        call = Syntax(name, given.mapped(snapshot))
        text = ast.unparse(node)
        for layer, _ in self.layers:  # one whose weights a function takes is that function's
            layer.applied |= any(value is layer.weight for value in given.values)
        if name.rpartition(".")[2][:1].isupper():  # the frameworks' classes, not their functions
            layer = Layer(call, node.lineno, weight=TensorExpression(self.reader.weight_shape(call)))
            self.layers.append((layer, text))
            return layer
        return self.occurs(call, node.lineno, text)

    def occurs(self, call: Syntax, line: int, text: str) -> TensorExpression:
        """Record a transposed convolution; its output."""
        self.occurrences.append(Occurrence(replace(call, copies=self.copies), line, text))
        origin = frozenset({len(self.occurrences) - 1}).union(*map(origin_of, call.values))
        return TensorExpression(self.reader.output(call), origin=origin)

    def layer_argument(self, call: Syntax, name: str) -> Any:
        """An argument of a layer as its attribute; None if it has none of that name."""
        return self.reader.argument(call, name)

    # Methods.

    def _method(self, method: _Method, given: Arguments, node: ast.Call) -> Value:
        owner, name, args = method.owner, method.name, given.args
        if name == "backward":
            self.need_gradient(origin_of(owner))
            return None
        if name in OF_VALUES and not isinstance(owner, TensorExpression):
            return self.gradient_of(origin_of(given.first))
        if (known := self.reader.finds(f"Tensor.{name}")) is not None:
            return self._record(known, given.after(owner), node)
        if isinstance(owner, Layer) and owner.call is not None and owner.call.name.endswith(BUILDERS):
            arguments = with_option(owner.call.arguments, name, args)
            owner.call = replace(owner.call, arguments=arguments)
            return owner
        if isinstance(owner, Graph | Layer | Sequence | Instance | UserFunction):  # haiku's transform has methods
            return self.method_of_model(owner, name, given, node)
        if isinstance(owner, str) and name == "format" and all(isinstance(arg, str | int) for arg in args):
            filled = owner
            for arg in args:
                filled = filled.replace("{}", str(arg), 1)
            return filled
        if name == "run" and not isinstance(owner, Instance):
            self._feed_all(given.get(1, "feed_dict", "input_feed"))
        if isinstance(owner, dict) and name in DICT_METHODS:
            return DICT_METHODS[name](owner, given)
        if isinstance(owner, str) and name in STRING_METHODS and all(isinstance(arg, str) for arg in args):
            return STRING_METHODS[name](owner, *args)
        if isinstance(owner, Opaque) and not owner.path and name in FUNCTIONS:  # a generator of random numbers
            made = self.named_function(Opaque(f"np.random.{name}", f"numpy.random.{name}"), given)
            if isinstance(made, TensorExpression):
                return made
        if isinstance(owner, Opaque) and name in _OF_UNKNOWN_TENSORS:
            owner = TensorExpression(None, origin=owner.origin)
        if isinstance(owner, TensorExpression) and name in METHODS:
            value = METHODS[name](owner, args, given.kwargs)
            return self.with_origin(value, (owner, *args), node)
        if isinstance(owner, tuple) and name in ("as_list", "numel"):
            return owner
        return self._unknown_result(given.after(owner), node)

    def _feed_all(self, feeds: Value) -> None:
        """Note what a session is given."""
        for start, value in feeds.items() if isinstance(feeds, dict) else ():
            self.feed(self.settings.named.get(start) if isinstance(start, str) else start, value)

    # The end.

    def _run_unused(self, function: UserFunction) -> None:
        """Run a function that the program does not call, with the parameters of a test if it has some."""
        for kwargs in function.tested_with or (self._given_by_name(function).kwargs,):
            self.call_function(function, Arguments(kwargs=kwargs))

    def _example(self, kind: UserClass, names: tuple[str, ...], owner: Instance | None = None) -> Arguments:
        """The arguments that a function of the program gives for a runner of tests or benchmarks to use."""
        functions = {**dict(self.functions), **(kind.methods if owner is not None else {})}
        for name in names:
            function = functions.get(name)
            if not isinstance(function, UserFunction):
                continue
            came = self.call_function(function.bound(owner) if owner and function.kind else function, Arguments())
            given = came if isinstance(came, tuple) else (came,)
            if len(given) == 2 and isinstance(given[0], tuple) and isinstance(given[1], dict):
                return Arguments(given[0], given[1])
            return Arguments(given)
        return Arguments()

    def _given_by_name(self, function: Value) -> Arguments:
        """What the program defines under the names of a function's parameters, as a reader of it would fill in.

        A function of one tensor gets the only one that the program makes.
        """
        if not isinstance(function, UserFunction):
            return Arguments()
        spec = function.arguments
        names = [parameter.arg for parameter in (*spec.posonlyargs, *spec.args)]
        required = [name for name in names[: len(names) - len(spec.defaults)] if name != "self"]
        found = {name: self.top[name] for name in required if name in self.top}
        if not found and len(required) == 1:
            made = [value for value in self.top.values() if isinstance(value, TensorExpression)]
            tensors = [tensor for tensor in made if not tensor.origin]
            found = {required[0]: tensors[0]} if len(tensors) == 1 and tensors[0].shape is not None else {}
        return Arguments(kwargs={name: value for name, value in found.items() if not isinstance(value, Opaque)})

    def finish(self) -> None:
        """Run what the program defines and does not use, so that the calls in it are read, too."""
        for name, function in self.functions:
            if not function.used and function.owner is None and name != "__init__":
                self._run_unused(function)
        unused = [kind for kind in self.classes if not kind.used]
        for kind in unused:
            given = self._example(kind, _OF_CONSTRUCTOR)
            self.make_instance(kind, given if given.values else self._given_by_name(kind.methods.get("__init__")))
        for instance in list(self.instances):
            if not instance.applied:
                given = self._example(instance.kind, _OF_CALL, instance)
                call = next(filter(None, map(instance.kind.methods.get, CALLS)), None)
                self.call_instance(instance, given if given.values else self._given_by_name(call))
            if instance.kind in unused and not instance.kind.methods.keys() & set(CALLS):  # a class of tests
                for method in instance.kind.methods.values():
                    if isinstance(method, UserFunction):
                        self._run_unused(method.bound(instance))
        for sequence in reversed(self.sequences):
            if not sequence.applied and all(not was_applied(layer) for layer in sequence.layers):
                self.apply_sequence(sequence, Arguments((start_of(sequence),)))
        for layer, text in self.layers:
            if not layer.applied and layer.call is not None:
                call = Syntax(layer.call.name, layer.call.arguments, None, snapshot_layer(layer))
                self.occurrences.append(Occurrence(call, layer.line, text))


@dataclass(frozen=True)
class _Method:
    """A method of a value, before it is called."""

    owner: Any
    name: str


# Functions that give the arguments of a model's constructor and of the model, such as KernelBench's.
_OF_CONSTRUCTOR = ("get_init_inputs",)
_OF_CALL = ("get_example_inputs", "get_inputs", "get_dummy_inputs")


class _Unreadable(Exception):
    """Starred arguments that are unknown."""


_OF_UNKNOWN_TENSORS = {
    "cuda", "to", "half", "double", "bfloat16", "astype", "type", "view", "reshape", "fill_", "backward",
    "conv_transpose2d",
}  # fmt: skip


def _is_input(value: Any) -> bool:
    """Whether a value is a tensor, or a sequence of tensors, of a known shape."""
    items = value if isinstance(value, tuple) and value else (value,)
    return all(isinstance(item, TensorExpression) and item.shape is not None for item in items)


def read_program(
    body: list[ast.stmt], reader: Reader, settings: Settings, imports: Mapping[str, str] | None = None
) -> Program:
    """Follow a program to its end; ``imports`` has what names stand for that it does not import.

    Raises
    ------
    CallError
        It is too large.
    """
    program = _followed(body, Program(reader, settings), imports)
    if not program.feeds:
        return program
    again = Program(reader, settings)  # now that the free sizes of its inputs are known
    again.fed = program.feeds
    return _followed(body, again, imports)


def _followed(body: list[ast.stmt], program: Program, imports: Mapping[str, str] | None) -> Program:
    program.imports.update(imports or {})
    program.run(body, ChainMap(program.top))
    program.finish()
    return program
