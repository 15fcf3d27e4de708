"""Python's arithmetic and built-in functions on plain values, within limits; no code of a text is run."""

from __future__ import annotations

import ast
import itertools
import json
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from conformance.calls.tensors import parts_of
from conformance.calls.values import Opaque, Sequence, TensorExpression

__all__ = ["BUILT_INS", "UNKNOWN", "binary", "compare", "constant", "plain_value", "unary"]

UNKNOWN = Opaque("?")
_LARGEST = 2**64
_MAX_ITEMS = 5_000

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
# Names of numbers in the modules math, numpy, torch and jax.numpy.
_CONSTANTS = {"inf": math.inf, "Inf": math.inf, "nan": math.nan, "NaN": math.nan, "NAN": math.nan, "pi": math.pi}


def constant(path: str) -> float | None:
    """The number of a name such as ``np.inf``."""
    head, _, last = path.rpartition(".")
    return _CONSTANTS.get(last) if head else None


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float) and (isinstance(value, float) or abs(value) <= _LARGEST)


def _checked(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= _LARGEST) or isinstance(value, float):
        return value
    return UNKNOWN


def binary(kind: type[ast.operator], left: Any, right: Any) -> Any:
    """A sum, product and so on of numbers, or of sequences and strings; `UNKNOWN` beyond the limits."""
    function = _OPERATORS.get(kind)
    if function is None:
        return UNKNOWN
    if _is_number(left) and _is_number(right):
        if kind in (ast.Pow, ast.LShift) and not (isinstance(right, float) or -64 <= right <= 64):
            return UNKNOWN
        try:
            return _checked(function(left, right))
        except (ArithmeticError, TypeError, ValueError):
            return UNKNOWN
    if kind is ast.Add and isinstance(left, tuple) and isinstance(right, tuple):
        return left + right if len(left) + len(right) <= _MAX_ITEMS else UNKNOWN
    if kind is ast.Add and isinstance(left, str) and isinstance(right, str):
        return left + right if len(left) + len(right) <= _MAX_ITEMS else UNKNOWN
    if kind is ast.Mult:
        if isinstance(right, tuple | str):
            left, right = right, left
        if isinstance(left, tuple | str) and type(right) is int:
            return left * right if len(left) * max(right, 0) <= _MAX_ITEMS else UNKNOWN
    return UNKNOWN


def unary(kind: type[ast.unaryop], value: Any) -> Any:
    """A sign or a negation."""
    if kind is ast.Not and (_is_number(value) or value is None or isinstance(value, tuple | str)):
        return not value
    if _is_number(value) and kind in (ast.USub, ast.UAdd):
        return -value if kind is ast.USub else value
    return UNKNOWN


def compare(kind: type[ast.cmpop], left: Any, right: Any) -> Any:
    """True, False or `UNKNOWN`."""
    if kind in (ast.Is, ast.IsNot) and (left is None or right is None):
        if isinstance(left, Opaque) or isinstance(right, Opaque):
            return UNKNOWN
        return (left is right) is (kind is ast.Is)
    if kind in (ast.Eq, ast.NotEq, ast.Is, ast.IsNot) and isinstance(left, Opaque) and isinstance(right, Opaque):
        same = _same_name(left.path, right.path)
        return UNKNOWN if same is None else same is (kind in (ast.Eq, ast.Is))
    plain = (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str))
    if plain and kind in _COMPARED:
        return _COMPARED[kind](left, right)
    if kind is ast.In and isinstance(right, tuple):
        items = (left, *right)
        if all(_is_number(item) or isinstance(item, str) or item is None for item in items):
            return left in right
    return UNKNOWN


def _same_name(one: str, other: str) -> bool | None:
    """Whether two dotted names are those of one function or class; None if that is not certain."""
    if "." not in one or "." not in other:
        return None
    return one.rpartition(".")[2] == other.rpartition(".")[2]


def _number_function(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if not args or kwargs or not all(_is_number(arg) for arg in args):
            return UNKNOWN
        try:
            return _checked(function(*args))
        except (ArithmeticError, TypeError, ValueError):
            return UNKNOWN

    return apply


def _float(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if len(args) != 1 or not (_is_number(args[0]) or (isinstance(args[0], str) and len(args[0]) < 50)):
        return UNKNOWN
    try:
        return float(args[0])
    except (ValueError, OverflowError):
        return UNKNOWN


def _int(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if (
        len(args) == 1
        and isinstance(args[0], str)
        and args[0].isascii()
        and args[0].isdigit()
        and len(args[0]) < 19
    ):
        return int(args[0])
    return _number_function(int)(args, kwargs)


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        items = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
        return function(items) if items and all(map(_is_number, items)) and not kwargs else UNKNOWN

    return apply


def _sum(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if len(args) == 1 and isinstance(args[0], tuple) and all(map(_is_number, args[0])):
        return _checked(sum(args[0]))
    return UNKNOWN


def _len(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if args and isinstance(args[0], tuple | str | dict):
        return len(args[0])
    if args and isinstance(args[0], Sequence):
        return len(args[0].layers)
    if args and isinstance(args[0], TensorExpression) and args[0].shape:
        return UNKNOWN if args[0].shape[0] is None else args[0].shape[0]
    return UNKNOWN


def _range(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if not 1 <= len(args) <= 3 or not all(type(arg) is int and abs(arg) <= _LARGEST for arg in args):
        return UNKNOWN
    try:
        numbers = range(*args)
        return tuple(numbers) if len(numbers) <= _MAX_ITEMS else UNKNOWN
    except (ValueError, OverflowError):
        return UNKNOWN


def _items(value: Any) -> tuple[Any, ...] | None:
    """What a loop goes through; None if that is unknown."""
    if isinstance(value, TensorExpression):
        return parts_of(value)
    if isinstance(value, Sequence):
        return tuple(value.layers)
    return tuple(value) if isinstance(value, tuple | dict) else None


def _of_items(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of sequences; `UNKNOWN` if one of them is unknown."""

    def apply(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        sequences = [_items(arg) for arg in args]
        return UNKNOWN if None in sequences else function(sequences, kwargs)

    return apply


def _one(function: Callable[[tuple[Any, ...]], Any]) -> Callable[..., Any]:
    return _of_items(lambda sequences, _: function(sequences[0] if sequences else ()))


def _enumerate(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    start = kwargs.get("start", args[1] if len(args) > 1 else 0)
    items = _items(args[0]) if args else None
    return UNKNOWN if items is None or type(start) is not int else tuple(enumerate(items, start))


def _product(sequences: list[tuple[Any, ...]], kwargs: Mapping[str, Any]) -> Any:
    repeat = kwargs.get("repeat", 1)
    if type(repeat) is not int or not 0 <= repeat <= 3:
        return UNKNOWN
    if math.prod(map(len, sequences)) ** repeat > _MAX_ITEMS:
        return UNKNOWN
    return tuple(itertools.product(*sequences, repeat=repeat))


def _dict(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if args and isinstance(args[0], tuple) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in args[0]):
        plain = all(isinstance(key, str | int | float | bool) for key, _ in args[0])
        return {**dict(args[0]), **kwargs} if plain else UNKNOWN
    if args and not isinstance(args[0], dict):
        return UNKNOWN
    return {**(args[0] if args else {}), **kwargs}


def _prod(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    items = args[0] if args and isinstance(args[0], tuple) else None
    return _checked(math.prod(items)) if items is not None and all(map(_is_number, items)) else UNKNOWN


def _str(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    return str(args[0]) if len(args) == 1 and (_is_number(args[0]) or isinstance(args[0], str)) else UNKNOWN


def _sorted(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    items = _items(args[0]) if len(args) == 1 else None
    if (
        items is None
        or "key" in kwargs
        or not (all(map(_is_number, items)) or all(isinstance(i, str) for i in items))
    ):
        return UNKNOWN
    return tuple(sorted(items, reverse=kwargs.get("reverse") is True))


def _truth_of_all(function: Callable[..., bool]) -> Callable[..., Any]:
    def apply(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        items = _items(args[0]) if len(args) == 1 else None
        plain = items is not None and all(_is_number(item) or item is None for item in items)
        return function(items) if plain else UNKNOWN

    return apply


def _json(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """JSON as a value: lists are tuples."""
    if not args or not isinstance(args[0], str) or len(args[0]) > _MAX_ITEMS:
        return UNKNOWN
    try:
        return plain_value(json.loads(args[0]))
    except (ValueError, RecursionError):
        return UNKNOWN


def plain_value(value: Any) -> Any:
    """A value of JSON as one of a program: lists are tuples."""
    if isinstance(value, list):
        return tuple(map(plain_value, value))
    return {key: plain_value(item) for key, item in value.items()} if isinstance(value, dict) else value


def _record(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """An object whose attributes are the keys of a dictionary."""
    return _dict(args, kwargs)


BUILT_INS: dict[str, Callable[[tuple[Any, ...], Mapping[str, Any]], Any]] = {
    "int": _int,
    "float": _float,
    "bool": _number_function(bool),
    "abs": _number_function(abs),
    "round": _number_function(round),
    "pow": lambda args, kwargs: binary(ast.Pow, *args) if len(args) == 2 else UNKNOWN,
    "max": _extreme(max),
    "min": _extreme(min),
    "sum": _sum,
    "len": _len,
    "range": _range,
    "xrange": _range,
    "tuple": _one(lambda items: items),
    "list": _one(lambda items: items),
    "reversed": _one(lambda items: items[::-1]),
    "zip": _of_items(lambda sequences, _: tuple(zip(*sequences, strict=False)) if sequences else UNKNOWN),
    "enumerate": _enumerate,
    "dict": _dict,
    "itertools.product": _of_items(_product),
    "math.ceil": _number_function(math.ceil),
    "math.floor": _number_function(math.floor),
    "math.sqrt": _number_function(math.sqrt),
    "math.log2": _number_function(math.log2),
    "math.log": _number_function(math.log),
    "math.pow": _number_function(math.pow),
    "math.exp": _number_function(math.exp),
    "math.prod": _prod,
    "np.ceil": _number_function(math.ceil),
    "np.floor": _number_function(math.floor),
    "np.sqrt": _number_function(math.sqrt),
    "np.log2": _number_function(math.log2),
    "np.prod": _prod,
    "divmod": lambda args, kwargs: (
        (args[0] // args[1], args[0] % args[1])
        if len(args) == 2 and all(map(_is_number, args)) and args[1]
        else UNKNOWN
    ),
    "str": _str,
    "sorted": _sorted,
    "any": _truth_of_all(any),
    "all": _truth_of_all(all),
    "json.loads": _json,
    "copy.copy": lambda args, kwargs: args[0] if args else UNKNOWN,
    "copy.deepcopy": lambda args, kwargs: args[0] if args else UNKNOWN,
    **dict.fromkeys(
        (
            "EasyDict", "edict", "easydict.EasyDict", "AttrDict", "SimpleNamespace", "types.SimpleNamespace",
            "Namespace", "argparse.Namespace", "ConfigDict", "ml_collections.ConfigDict", "Box", "Munch",
            "OmegaConf.create", "omegaconf.OmegaConf.create", "DictConfig", "HParams", "CfgNode", "CN",
        ),
        _record,
    ),
}  # fmt: skip
"""By name: the result of a built-in function, from its arguments and keywords."""
