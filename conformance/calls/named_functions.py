"""Functions of a program beside the transposed convolutions: what they return, and what they do to a model."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from conformance.calls.arithmetic import UNKNOWN
from conformance.calls.dtype_names import dtype_label
from conformance.calls.expressions import Scope
from conformance.calls.libraries import library_of
from conformance.calls.models import NO_CALL, Models
from conformance.calls.queries import dotted, origin_of
from conformance.calls.settings import Settings
from conformance.calls.tensor_functions import FUNCTIONS
from conformance.calls.tensors import read_sizes
from conformance.calls.testing import tests_with
from conformance.calls.values import (
    Arguments,
    Gradient,
    Instance,
    Layer,
    Mapped,
    Opaque,
    Partial,
    Sequence,
    Syntax,
    TensorExpression,
    UserFunction,
    Value,
)

__all__ = ["OF_VALUES", "NamedFunctions", "Reader", "gradient_mark"]

_WRAPPERS = {
    "compile": "the compiler (torch.compile)", "jit": "the compiler (jit)",
    "function": "the graph mode (tf.function)", "script": "TorchScript", "checkpoint": "checkpointing",
    "remat": "", "filter_jit": "", "no_grad": "", "DataParallel": "DataParallel",
    "optimize": "the compiler",
    "TimeDistributed": "TimeDistributed",
    "quantize_dynamic": "the quantisation", "prepare": "the quantisation", "convert": "the quantisation",
    "transform": "", "without_apply_rng": "", "make_fx": "",
    "symbolic_trace": "", "weight_norm": "the weight normalisation",
    "spectral_norm": "the spectral normalisation", "set_grad_enabled": "", "functionalize": "", "TinyJit": "",
}  # fmt: skip
# Functions that call a model with what they are given.
_TRACERS = {"trace": "TorchScript", "export": "the export", "summary": "", "profile": ""}
_EXAMPLES = ("args", "inputs", "example_inputs", "input_size", "input_shape", "input_data", "sample_inputs")
_OF_FUNCTION = {
    "grad", "value_and_grad", "jacrev", "jacobian", "hessian", "vjp", "filter_grad", "filter_value_and_grad",
}  # fmt: skip
OF_VALUES = {"gradient", "gradients", "grad", "jacobian"}
_CHECKS = {"gradcheck": "grad", "gradgradcheck": "grad2", "check_grads": "grad", "compute_gradient": "grad"}
_KINDS: dict[str, type] = {
    "int": int, "float": float, "str": str, "bool": bool, "tuple": tuple, "list": tuple, "dict": dict,
    "Sequence": tuple, "Iterable": tuple, "Mapping": dict,
}  # fmt: skip
_MOST_MAPPED = 200
# Functions that make the input of a graph, whose free sizes are those of what it is given later.
_INPUTS = {"placeholder", "Placeholder", "Input", "InputLayer", "make_tensor_value_info"}
_CONTEXTS = {"autocast": "autocast", "device": "the device"}


class Reader(Protocol):
    """Reads one call as a case; knows the names of the calls that can be read."""

    def finds(self, *names: str) -> str | None:
        """The first of the names that is the name of a call."""

    def suited(self, name: str, kwargs: Mapping[str, Any]) -> str:
        """The call of that name, perhaps of another library, that takes the keywords."""

    def output(self, call: Syntax) -> tuple[int | None, ...] | None:
        """The shape of the output of a call, as far as it is known."""

    def weight_shape(self, call: Syntax) -> tuple[int, ...] | None:
        """The shape of the weights of a layer, if its arguments say it."""

    def argument(self, call: Syntax, name: str) -> Any:
        """An argument of a layer as its attribute; None if it has none of that name."""


def _is_instance(value: Value, kinds: tuple[Value, ...]) -> Value:
    """What ``isinstance`` gives for plain values, a list being a tuple here."""
    plain = value is None or isinstance(value, bool | int | float | str | tuple | dict)
    names = [kind.path if isinstance(kind, Opaque) else "" for kind in kinds]
    if not plain or not all(name.rpartition(".")[2] in _KINDS for name in names):
        return UNKNOWN
    return any(isinstance(value, _KINDS[name.rpartition(".")[2]]) for name in names)


def _inputs(given: Value) -> Arguments:
    """The inputs of a model that a function is given as such, or as a shape."""
    if isinstance(given, tuple) and given and all(size is None or type(size) is int for size in given):
        return Arguments((TensorExpression(given),))
    return Arguments(given if isinstance(given, tuple) else (given,))


def gradient_mark(place: int) -> int:
    """What the origin of a value has that depends on the gradient of a call."""
    return -1 - place


class NamedFunctions(Models):
    """Knows the functions by their names; what calls them is left to a subclass."""

    def __init__(self, reader: Reader, settings: Settings) -> None:
        super().__init__()
        self.reader = reader
        self.settings = settings
        self.inputs: list[TensorExpression] = []
        self.fed: dict[int, tuple[int, ...]] = {}
        self.feeds: dict[int, tuple[int, ...]] = {}

    def with_origin(self, value: Any, sources: tuple[Any, ...], node: ast.expr | None = None) -> Any:
        """A value that depends on the calls that its sources depend on."""
        origin = frozenset().union(*map(origin_of, sources))
        if isinstance(value, TensorExpression):
            value.origin |= origin
        if value is None and node is not None:
            return self.opaque(node, origin)
        return value

    def named_function(self, function: Opaque, given: Arguments) -> Value:
        """The value of a named function; `UNKNOWN` if there is none."""
        last = function.path.rpartition(".")[2]
        for read in (self._python, self._wrapper, self._gradient, self._container, self._tensor, self._context):
            value = read(function, last, given)
            if value is not UNKNOWN:
                return value
        return UNKNOWN

    def feed(self, start: Value, given: Value) -> None:
        """Note what an input of a graph is given, if that says more than the graph."""
        shape = given.known_shape() if isinstance(given, TensorExpression) else None
        for place, made in enumerate(self.inputs):
            own = made.shape
            if made is start and shape is not None and own is not None and None in own and len(own) == len(shape):
                self.feeds[place] = shape

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        value = super()._name(node, scope)
        stated = self.settings.stated_names.get(node.id)
        if stated is None or not isinstance(value, Opaque) or node.id in self.imports:
            return value
        made = TensorExpression(stated, origin=value.origin)
        scope[node.id] = made
        return made

    def note_items(self, items: tuple[Value, ...]) -> None:
        """A tensor of a graph is stated as its name, its dtype and its shape in ONNX's own tests."""
        if (
            len(items) == 3
            and isinstance(items[0], str)
            and isinstance(items[1], Opaque)
            and dtype_label(items[1])
        ):
            sizes = read_sizes(items[2])
            label = dtype_label(items[1])
            if sizes is not None:
                self.settings.named[items[0]] = TensorExpression(
                    sizes, dtype=None if label == "float32" else label
                )

    def _python(self, function: Opaque, last: str, given: Arguments) -> Value:
        bare = f"math.{last}" if last == function.path else function.path  # from math import *
        for name in (function.path, function.text, bare):
            value = self.built_in(name.replace("numpy.", "np."), given)
            if value is not UNKNOWN:
                return value
        args = given.args
        if function.path == "print":
            return None
        if function.path == "isinstance" and len(args) == 2:
            return _is_instance(args[0], args[1] if isinstance(args[1], tuple) else (args[1],))
        if function.path == "hasattr" and len(args) == 2 and isinstance(args[0], Instance):
            return args[1] in args[0].attributes or args[1] in args[0].kind.methods
        if function.path == "setattr" and len(args) == 3 and isinstance(args[0], Instance):
            args[0].attributes[str(args[1])] = args[2]
            return None
        if function.path == "map" and len(args) == 2 and (items := self.iterated(args[1])) is not None:
            return tuple(self.apply(args[0], Arguments((item,)), NO_CALL) for item in list(items)[:_MOST_MAPPED])
        if function.path == "getattr" and len(args) > 1 and isinstance(args[1], str):
            return self.attribute(args[0], args[1], ast.Name(args[1]))
        if last == "OrderedDict" and args and isinstance(args[0], tuple):
            pairs = [pair for pair in args[0] if isinstance(pair, tuple) and len(pair) == 2]
            return {str(key): value for key, value in pairs} if len(pairs) == len(args[0]) else UNKNOWN
        return UNKNOWN

    def _wrapper(self, function: Opaque, last: str, given: Arguments) -> Value:
        first = given.first
        if last == "partial" and first is not None:
            return Partial(first, replace(given, args=given.args[1:]))
        known = isinstance(first, UserFunction | Layer | Sequence | Instance | Gradient) or (
            isinstance(first, Opaque) and bool(self.reader.finds(first.path, first.text))
        )
        if last in ("vmap", "pmap") and known:
            axis = given.get(1, "in_axes", "in_dims", default=0)
            return Mapped(first, axis) if type(axis) is int and axis >= 0 else first
        if last in _WRAPPERS and known:
            self._note(_WRAPPERS[last])
            return first
        if last in _TRACERS and known:
            self._note(_TRACERS[last])
            example = given.get(1, *_EXAMPLES)
            if example is not None:
                self.apply(first, _inputs(example), NO_CALL)
            return first
        return UNKNOWN

    def _note(self, fact: str) -> None:
        if fact and fact not in self.settings.facts:
            self.settings.facts.append(fact)

    def _gradient(self, function: Opaque, last: str, given: Arguments) -> Value:
        first = given.get(0, "outputs", "ys")
        runs = isinstance(first, UserFunction | Layer | Sequence | Instance) or (
            isinstance(first, Opaque) and bool(self.reader.finds(first.path, first.text))
        )
        if last in _CHECKS and first is not None:
            inputs = given.get(1, "inputs", default=())
            value = self.apply(first, Arguments(inputs if isinstance(inputs, tuple) else (inputs,)), NO_CALL)
            self.need_gradient(origin_of(value), _CHECKS[last])
            return True
        if last in _OF_FUNCTION and runs:
            if last != "vjp":
                return Gradient(first)
            value = self.apply(first, Arguments(given.args[1:]), NO_CALL)
            self.need_gradient(origin_of(value))
            return (value, Opaque("a function"))
        if last == "backward" and given.args:  # torch.autograd.backward
            self.need_gradient(origin_of(first))
            return None
        if last in OF_VALUES and first is not None:
            return self.gradient_of(origin_of(first))
        return UNKNOWN

    def gradient_of(self, origin: frozenset[int]) -> Opaque:
        """The gradient of a value; its own gradient is a second derivative."""
        self.need_gradient(origin)
        return Opaque("a gradient", "", origin | frozenset(gradient_mark(place) for place in origin if place >= 0))

    def need_gradient(self, origin: frozenset[int], direction: str = "grad") -> None:
        """The calls of an origin need the gradient; all of them, if it is unknown."""
        for place, occurrence in enumerate(self.occurrences):
            if not origin or place in origin:
                second = "grad2" in (direction, occurrence.direction) or gradient_mark(place) in origin
                occurrence.direction = "grad2" if second else "grad"

    def _container(self, function: Opaque, last: str, given: Arguments) -> Value:
        return self.container(function.path, given)

    def _tensor(self, function: Opaque, last: str, given: Arguments) -> Value:
        make = FUNCTIONS.get(f"{library_of(function.path)}.{last}", FUNCTIONS.get(last))
        if make is None:
            return UNKNOWN
        name = function.path if function.path.startswith("numpy") else function.text
        name = "torch.Tensor" if function.path == "torch.Tensor" else name
        value = make(name, given.args, given.kwargs)
        if value is None:
            return UNKNOWN
        first = given.first
        label = first if isinstance(first, str) else given.kwargs.get("name", given.get(1))
        if isinstance(value, TensorExpression):
            made = self.with_origin(value.but(values=value.values, numbers=value.numbers), given.values)
            if last in _INPUTS:
                made.shape = self.fed.get(len(self.inputs), made.shape)
                self.inputs.append(made)
            if isinstance(label, str):
                self.settings.named[label] = made
            return made
        return value

    def _context(self, function: Opaque, last: str, given: Arguments) -> Value:
        if last in _CONTEXTS and "numpy" not in function.path:
            device = str(given.first) if given.args else ""
            accelerated = last == "device" and any(
                word in device.lower() for word in ("cuda", "gpu", "mps", "tpu")
            )
            if last != "device" or accelerated:
                self._note(_CONTEXTS[last] + (f" ({device})" if accelerated else ""))
            return Opaque(device or last) if last == "device" and device else UNKNOWN
        return UNKNOWN

    def decorated(self, decorator: ast.expr, function: Any, scope: Scope) -> Any:
        """A function under a decorator; one that takes the gradient makes it the direction."""
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        last = (dotted(called) or "").rpartition(".")[2]
        if last == "parametrize" and isinstance(decorator, ast.Call) and isinstance(function, UserFunction):
            values = [self.value(arg, scope) for arg in decorator.args[:2]]
            function.tested_with = tests_with(function.tested_with, *values)
        if last in _OF_FUNCTION:
            return Gradient(function)
        self._note(_WRAPPERS.get(last, ""))
        return function
