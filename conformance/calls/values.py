"""What an expression of a program is, as far as its text says: a tensor's shape and dtype, a layer, or unknown."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

__all__ = [
    "Arguments", "Gradient", "Graph", "Instance", "Layer", "Mapped", "Opaque", "Partial", "Sequence", "Syntax",
    "TensorExpression", "UserClass", "UserFunction", "Value", "is_large",
]  # fmt: skip


_MOST_VALUES = 5_000


@dataclass(frozen=True)
class Opaque:
    """An expression with a value outside the text, such as ``x`` or ``torch.float64``.

    Attributes
    ----------
    text : str
        As written.
    path : str
        The full dotted name by the program's imports; "" if it is not a name.
    origin : frozenset of int
        The calls that its value depends on.
    fields : mapping
        What the constructor of an object was given by name, which may be attributes of it.
    """

    text: str
    path: str = field(default="", compare=False)
    origin: frozenset[int] = field(default=frozenset(), compare=False)
    fields: Mapping[str, Value] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False)
class TensorExpression:
    """A tensor, as far as the text says.

    Attributes
    ----------
    shape : tuple or None
        One entry per axis, None for a size that is not known; None if not even the number of axes is known.
    values : tuple or None
        The numbers of a short vector, such as an output shape.
    numbers : tuple of float or None
        The numbers that the text gives it, in C order; one number fills it.
    dtype : str or None
        Such as ``float16``; None if it is the framework's default.
    implied : bool
        Whether the dtype only follows from how the tensor is made, as NumPy's float64 does.
    special : str
        ``nan`` or ``inf`` if the text puts one in.
    facts : tuple of str
        What else is known of it, such as its device.
    origin : frozenset of int
        The calls that it depends on.
    """

    shape: tuple[int | None, ...] | None
    values: tuple[Any, ...] | None = None
    dtype: str | None = None
    implied: bool = False
    special: str = ""
    facts: tuple[str, ...] = ()
    origin: frozenset[int] = frozenset()
    numbers: tuple[float, ...] | None = None

    def __str__(self) -> str:
        return f"a tensor of shape {self.shape}"

    def but(self, **changes: Any) -> TensorExpression:
        """The same tensor with other attributes; its numbers are kept only if they are given."""
        return replace(self, **{"values": None, "numbers": None, **changes})

    def known_shape(self) -> tuple[int, ...] | None:
        """The shape, if every size of it is known."""
        if self.shape is None or any(size is None for size in self.shape):
            return None
        return tuple(size for size in self.shape if size is not None)

    def add_fact(self, fact: str) -> None:
        """Note a fact, in place."""
        if fact not in self.facts:
            self.facts = (*self.facts, fact)


@dataclass(frozen=True)
class Arguments:
    """What a call is given: ``args`` by position, ``kwargs`` by name."""

    args: tuple[Value, ...] = ()
    kwargs: dict[str, Value] = field(default_factory=dict)

    @property
    def values(self) -> tuple[Value, ...]:
        """All values, those by position first."""
        return (*self.args, *self.kwargs.values())

    @property
    def first(self) -> Value:
        """The first value by position; None if there is none."""
        return self.args[0] if self.args else None

    def get(self, place: int, *names: str, default: Value = None) -> Value:
        """The value at a position, else the one of the first name that is given."""
        if place < len(self.args):
            return self.args[place]
        return next((self.kwargs[name] for name in names if name in self.kwargs), default)

    def after(self, *values: Value) -> Arguments:
        """The same arguments after other ones by position."""
        return Arguments((*values, *self.args), self.kwargs)

    def over(self, others: Arguments) -> Arguments:
        """The arguments after those of a partial call; a name that both have keeps its value here."""
        return Arguments((*others.args, *self.args), {**others.kwargs, **self.kwargs})

    def mapped(self, change: Callable[[Value], Value]) -> Arguments:
        """The same arguments, each changed."""
        return Arguments(tuple(map(change, self.args)), {key: change(value) for key, value in self.kwargs.items()})


@dataclass(frozen=True)
class Syntax:
    """A call: its dotted name, its arguments, and those of its application to a tensor.

    ``copies``: how often it is made at once, under ``vmap``.
    """

    name: str
    arguments: Arguments
    applied: Arguments | None = None
    layer: Layer | None = None
    copies: int = 1

    @property
    def values(self) -> tuple[Value, ...]:
        """All values of the call, those of its application first."""
        return (*(self.applied.args if self.applied else ()), *self.arguments.values)


@dataclass(eq=False)
class Layer:
    """A layer that a program makes: a transposed convolution if it has a ``call``, else its effect on a shape.

    ``merge`` is the effect of one that takes several tensors.
    """

    call: Syntax | None
    line: int = 0
    shape: Any = None
    facts: tuple[str, ...] = ()
    dtype: str | None = None
    weight: TensorExpression = field(default_factory=lambda: TensorExpression(None))
    bias: TensorExpression = field(default_factory=lambda: TensorExpression(None))
    applied: bool = False
    merge: Any = None

    def add_fact(self, fact: str) -> None:
        """Note a fact, in place."""
        if fact not in self.facts:
            self.facts = (*self.facts, fact)


@dataclass(eq=False)
class Sequence:
    """Layers that are applied one after the other."""

    layers: list[Any]
    applied: bool = False


@dataclass(frozen=True, eq=False)
class Graph:
    """A model of symbolic tensors: the calls that its outputs depend on."""

    origin: frozenset[int]
    shape: tuple[int | None, ...] | None = None
    start: Value = None


@dataclass(eq=False)
class UserFunction:
    """A function or lambda of the program.

    A method has the class that defines it, and perhaps its owner. ``tested_with``: the keywords that a test is run
    with, one after the other. ``marks``: the decorators of a method.
    """

    arguments: ast.arguments
    body: list[ast.stmt]
    names: dict[str, Any]
    owner: Instance | None = None
    used: bool = False
    kind: UserClass | None = None
    tested_with: tuple[dict[str, Any], ...] = ()
    marks: tuple[str, ...] = ()

    def bound(self, owner: Instance) -> UserFunction:
        """The method of an instance."""
        return replace(self, owner=owner, used=False)


@dataclass(eq=False)
class UserClass:
    """A class of the program, with its base classes: others of the program, or names.

    ``fields`` are the names that the class declares with a type, in order, as a dataclass has them.
    """

    name: str
    methods: dict[str, Any]
    bases: tuple[Any, ...] = ()
    used: bool = False
    fields: tuple[str, ...] = ()


@dataclass(eq=False)
class Instance:
    """An instance of a class of the program; one of a container of layers holds them."""

    kind: UserClass
    attributes: dict[str, Any]
    applied: bool = False
    layers: Sequence | None = None


@dataclass(frozen=True)
class Gradient:
    """The function that computes the gradient of another."""

    of: Value


@dataclass(frozen=True)
class Mapped:
    """A function that is applied to each part of its arguments along an axis."""

    of: Value
    axis: int = 0


@dataclass(frozen=True)
class Partial:
    """A function or class with some of its arguments."""

    of: Value
    given: Arguments


Value: TypeAlias = Any
"""A value of a program."""


def is_large(value: Any) -> bool:
    """Whether nested sequences hold so many values that a program must grow them without end."""
    left, count = [value], 0
    while left and count <= _MOST_VALUES:
        item = left.pop()
        count += 1
        if isinstance(item, tuple):
            left.extend(item)
        elif isinstance(item, dict):
            left.extend(item.values())
    return count > _MOST_VALUES
