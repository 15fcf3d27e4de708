"""Layers and models of a program: how they are made, converted, and applied to tensors."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import Any

from conformance.calls.arithmetic import UNKNOWN
from conformance.calls.dtype_names import device_fact, dtype_label
from conformance.calls.expressions import NO_CALL, Scope
from conformance.calls.layers import LAYERS, MERGES
from conformance.calls.libraries import library_of
from conformance.calls.queries import origin_of
from conformance.calls.statements import CALLS, OWN_CLASS, OWNER, Statements
from conformance.calls.tensor_functions import FUNCTIONS
from conformance.calls.values import (
    Arguments,
    Graph,
    Instance,
    Layer,
    Opaque,
    Sequence,
    Syntax,
    TensorExpression,
    UserClass,
    UserFunction,
    Value,
)

__all__ = ["CALLS", "NO_CALL", "Models", "Occurrence", "snapshot", "snapshot_layer", "start_of", "was_applied"]

# Methods of a layer or model that change nothing in the case.
_NEUTRAL = {"eval", "train", "requires_grad_", "share_memory", "zero_grad", "bind", "unwrap", "compile", "build"}
_APPLY = {
    "forward",
    "call",
    "apply",
    "init",
    "predict",
    "init_with_output",
    "__call__",
    "predict_on_batch",
    "fit",
    "train_on_batch",
    "serving",
}
_SEQUENCES = {"Sequential", "ModuleList"}
# Methods that make a tensor or module an attribute of a model.
_NAMED_PARTS = {"register_buffer", "register_parameter", "add_module", "register_module", "__setattr__"}
_DICTIONARIES = {"dict", "OrderedDict", "collections.OrderedDict"}


@dataclass
class Occurrence:
    """One transposed convolution in a text: the call, where it is, and the direction that it needs."""

    call: Syntax
    line: int
    text: str
    direction: str = "fwd"


class Models(Statements):
    """Applies layers and models; what calls them is left to a subclass."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[tuple[Layer, str]] = []
        self.occurrences: list[Occurrence] = []
        self.sequences: list[Sequence] = []

    def feed(self, start: Value, given: Value) -> None:
        """Note what an input of a graph is given."""

    def occurs(self, call: Syntax, line: int, text: str) -> TensorExpression:
        """Record a transposed convolution; its output."""
        raise NotImplementedError

    def apply_layer(self, layer: Layer, given: Arguments) -> Value:
        """The value of a layer that is applied to a tensor."""
        layer.applied = True
        if layer.merge is not None:
            return self._merged(layer, given.get(0, default=()))
        tensor = _tensor_in(given.args)
        if layer.call is None:
            if layer.shape is None or not given.args:
                return tensor
            return layer.shape(tensor or TensorExpression(None, origin=origin_of(given.first)))
        tensor = _tensor_in(given.values)
        if tensor is not None and given.first is not tensor:
            given = replace(given, args=(tensor,))
        applied = replace(given, args=tuple(map(snapshot, given.args)))
        call = Syntax(layer.call.name, layer.call.arguments, applied, snapshot_layer(layer))
        text = next((text for known, text in self.layers if known is layer), layer.call.name)
        return self.occurs(call, layer.line, text)

    def _merged(self, layer: Layer, parts: Any) -> Any:
        made = layer.merge(parts) if isinstance(parts, tuple) else None
        if not isinstance(made, TensorExpression):
            return Opaque("x", "", origin_of(parts))
        return made.but(origin=origin_of(parts))

    def method_of_base(self, name: str, given: Arguments, scope: Scope, node: ast.Call) -> Value:
        """The value of ``super().name(...)``."""
        kind, owner = scope.get(OWN_CLASS), scope.get(OWNER)
        if not isinstance(kind, UserClass) or not isinstance(owner, Instance):
            return UNKNOWN
        for base in kind.bases:
            if isinstance(base, UserClass) and isinstance(method := base.methods.get(name), UserFunction):
                return self.call_function(method.bound(owner), given)
            if isinstance(base, Opaque) and base.path and name == "__init__":
                made = self.apply(base, given, node)
                held = (
                    made if isinstance(made, Sequence) else Sequence([made]) if isinstance(made, Layer) else None
                )
                owner.layers = held or owner.layers
            elif name in CALLS and owner.layers is not None:
                return self.apply_sequence(owner.layers, given)
        return UNKNOWN

    def make_instance(self, kind: UserClass, given: Arguments) -> Value:
        """An instance of a class of the program; one of a dictionary is a dictionary."""
        if any(isinstance(base, Opaque) and base.path in _DICTIONARIES for base in kind.bases):
            kind.used = True
            return self.built_in("dict", given)
        return super().make_instance(kind, given)

    def call_instance(self, instance: Instance, given: Arguments) -> Value:
        """The value of an instance that is called; one of a layer or a container of layers applies them."""
        if instance.layers is not None and not instance.kind.methods.keys() & set(CALLS):
            instance.applied = True
            return self.apply_sequence(instance.layers, given)
        return super().call_instance(instance, given)

    def apply_sequence(self, sequence: Sequence, given: Arguments) -> Value:
        """The value of layers that are applied one after the other."""
        sequence.applied = True
        value = _tensor_in(given.args) or given.get(0, default=UNKNOWN)
        options = given.kwargs if len(sequence.layers) == 1 else {}
        for layer in sequence.layers:
            if isinstance(layer, TensorExpression):  # an input layer
                continue
            if isinstance(layer, Layer):
                value = self.apply_layer(layer, Arguments((value,), options))
            elif isinstance(layer, Sequence):
                value = self.apply_sequence(layer, Arguments((value,)))
            elif isinstance(layer, Instance):
                value = self.call_instance(layer, Arguments((value,)))
            elif isinstance(layer, UserFunction):
                value = self.call_function(layer, Arguments((value,)))
            elif isinstance(layer, Opaque) and layer.path:
                value = self.apply(layer, Arguments((value,)), NO_CALL)
            else:
                value = Opaque("x", "", origin_of(value))
        return value

    def container(self, path: str, given: Arguments) -> Value:
        """A layer, or layers one after the other; `UNKNOWN` if the name is that of something else."""
        last, args, kwargs = path.rpartition(".")[2], given.args, given.kwargs
        if last in _SEQUENCES:
            items: list[Any] = []
            for arg in args or tuple(value for key, value in kwargs.items() if key == "layers"):
                inner = self.iterated(arg)
                items.extend(arg.values() if isinstance(arg, dict) else [arg] if inner is None else inner)
            sequence = Sequence(items)
            if last == "Sequential":
                self.sequences.append(sequence)
            return sequence
        if last == "ModuleDict":
            return dict(args[0]) if args and isinstance(args[0], dict) else {}
        if last == "Model":
            outputs = given.get(1, "outputs")
            shape = outputs.shape if isinstance(outputs, TensorExpression) else None
            start = given.get(0, "inputs")
            start = start[0] if isinstance(start, tuple) and len(start) == 1 else start
            return Graph(origin_of(outputs), shape, start) if args or "inputs" in kwargs else UNKNOWN
        if last in MERGES and not args:
            return Layer(None, merge=lambda parts: MERGES[last](parts, kwargs))
        if last in LAYERS and (last not in FUNCTIONS or last[:1].isupper()):
            make = LAYERS.get(f"{library_of(path)}.{last}", LAYERS[last])
            layer = Layer(None, shape=make(args, kwargs))
            start = kwargs.get("input_shape", kwargs.get("batch_input_shape"))
            if isinstance(start, tuple) or type(kwargs.get("input_dim")) is int:
                sizes = start if isinstance(start, tuple) else (kwargs["input_dim"],)
                shape = tuple(size if type(size) is int else None for size in sizes)
                layer.weight.shape = shape if "batch_input_shape" in kwargs else (None, *shape)
            return layer
        return UNKNOWN

    def apply_graph(self, graph: Graph, given: Arguments) -> Value:
        """The output of a model of symbolic tensors: its batch is that of what the model is given."""
        tensor = _tensor_in(given.args)
        if tensor is None or not tensor.shape:
            return TensorExpression(graph.shape, origin=graph.origin)
        batch = tensor.shape[0]
        for place in (place for place in graph.origin if place >= 0):
            occurrence = self.occurrences[place]
            occurrence.call = _with_batch(occurrence.call, batch)
        self.feed(graph.start, tensor)
        shape = None if graph.shape is None else (batch, *graph.shape[1:])
        return TensorExpression(shape, origin=graph.origin | tensor.origin)

    def method_of_model(
        self,
        owner: Graph | Layer | Sequence | Instance | UserFunction,
        name: str,
        given: Arguments,
        node: ast.Call,
    ) -> Value:
        """The value of a method of a layer, a model or a function."""
        args = given.args
        if name in _NAMED_PARTS and isinstance(owner, Instance) and len(args) > 1 and isinstance(args[0], str):
            owner.attributes[args[0]] = args[1]
            return None
        if name == "insert" and isinstance(owner, Sequence) and len(args) == 2 and type(args[0]) is int:
            owner.layers.insert(args[0], args[1])
            return None
        if name in ("add", "append", "add_module", "extend") and isinstance(owner, Sequence) and args:
            owner.layers.extend(args[-1] if isinstance(args[-1], tuple) else [args[-1]])
            return None
        written = given.get(0, "input_shape")
        if name == "build" and isinstance(owner, Sequence | Instance) and isinstance(written, tuple):
            shape = tuple(size if type(size) is int else None for size in written)
            return self.apply(owner, Arguments((TensorExpression(shape),)), node)
        if name == "compute_output_shape" and args and isinstance(args[0], tuple):
            shape = tuple(size if type(size) is int else None for size in args[0])
            made = self.apply(owner, Arguments((TensorExpression(shape),)), node)
            return made.shape if isinstance(made, TensorExpression) and made.shape else UNKNOWN
        if name in _APPLY.difference(CALLS):  # a key or parameters may come before the input
            first = next((at for at, arg in enumerate(args) if isinstance(arg, TensorExpression)), 0)
            given = replace(given, args=args[first:])
        if name in ("init", "init_with_output"):
            self.apply(owner, given, node)
            return Opaque("the parameters")
        if name in _APPLY:
            return self.apply(owner, given, node)
        if name in ("set_weights", "load_state_dict", "load_weights"):
            for layer in self.layers_of(owner):
                layer.weight.add_fact("values (loaded)")
            return None
        self._convert(owner, name, given)
        return owner

    def _convert(self, owner: Value, name: str, given: Arguments) -> None:
        """What ``half()``, ``to(...)`` and ``cuda()`` do to the layers of a model."""
        if name in _NEUTRAL:
            return
        labels = [dtype_label(value) for value in given.values]
        if name in ("half", "float", "double", "bfloat16", "cfloat", "cdouble"):
            labels.append(dtype_label(name))
        dtype = next((label for label in labels if label), None)
        facts: tuple[str, ...] = ()
        if name in ("cuda", "xpu", "mps"):
            facts = device_fact(name)
        elif name == "to":
            where = given.kwargs.get("device", given.first)
            text = str(where) if isinstance(where, str | Opaque) else ""
            facts = device_fact(text) if any(word in text for word in ("cuda", "mps", "xpu", "tpu")) else ()
            if "channels_last" in str(given.kwargs.get("memory_format")):
                facts = (*facts, "the memory format (channels_last)")
        for layer in self.layers_of(owner):
            layer.dtype = dtype or layer.dtype
            for fact in facts:
                layer.add_fact(fact)


def _with_batch(call: Syntax, batch: int | None) -> Syntax:
    """A call whose symbolic input gets its batch."""

    def known(value: Value) -> Value:
        if not isinstance(value, TensorExpression) or not value.shape or value.shape[0] is not None:
            return value
        return value.but(shape=(batch, *value.shape[1:]))

    own = call.applied or call.arguments
    changed = replace(own, args=tuple(map(known, own.args)))
    return replace(call, arguments=changed) if call.applied is None else replace(call, applied=changed)


def _tensor_in(values: tuple[Value, ...]) -> TensorExpression | None:
    return next((value for value in values if isinstance(value, TensorExpression)), None)


def snapshot(value: Value) -> Value:
    """A tensor as it is now: the program may change it later."""
    return value.but(values=value.values, numbers=value.numbers) if isinstance(value, TensorExpression) else value


def snapshot_layer(layer: Layer) -> Layer:
    weight, bias = snapshot(layer.weight), snapshot(layer.bias)
    return Layer(None, layer.line, None, layer.facts, layer.dtype, weight, bias)


def was_applied(value: Any) -> bool:
    return isinstance(value, Layer | Sequence | Instance) and value.applied


def start_of(sequence: Sequence) -> Any:
    """The input that the first layer of a model declares."""
    first = sequence.layers[0] if sequence.layers else None
    if isinstance(first, TensorExpression):
        return first
    if isinstance(first, Layer) and first.call is None and first.weight.shape is not None:
        return TensorExpression(first.weight.shape)
    if (
        isinstance(first, Layer)
        and first.call is not None
        and isinstance(first.call.arguments.kwargs.get("input_shape"), tuple)
    ):
        sizes = (size if type(size) is int else None for size in first.call.arguments.kwargs["input_shape"])
        return TensorExpression((None, *sizes))
    return Opaque("x")
