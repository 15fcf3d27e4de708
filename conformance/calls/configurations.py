"""Layers in configurations: JSON and YAML with a class's name and its arguments, dictionaries, tables of tests."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.calls.arithmetic import plain_value
from conformance.calls.form import FORMS
from conformance.calls.program import Occurrence
from conformance.calls.settings import Settings
from conformance.calls.values import Arguments, Opaque, Syntax, TensorExpression, Value

__all__ = ["read_configurations"]

Read = tuple[list[Occurrence], Settings]

_NAMES = (
    "_target_", "class_name", "type", "module_name", "layer_type", "class", "class_path", "op_type", "op",
    "module", "layer", "kind", "name",
)  # fmt: skip
_GROUPS = (
    "build_config",
    "config",
    "init_args",
    "params",
    "kwargs",
    "args",
    "constructor_args",
    "arguments",
    "options",
    "_args_",
)
_INPUTS = ("batch_input_shape", "batch_shape", "input_size", "input_shape", "input")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "yes": True, "no": False}
_ALIASES = {"deconv": "torch.nn.ConvTranspose2d", "deconv3d": "torch.nn.ConvTranspose3d"}
_MODULES = ("", "torch.nn.", "keras.layers.", "flax.linen.", "mlx.nn.")
_CHANNELS = {"in_channels", "out_channels", "kernel_size"}
_TRANSPOSED = re.compile(
    r"(?:conv\w{0,20}_?transpose|transpose_?conv|deconv)\w{0,10}?_?(?P<rank>[123])d", re.IGNORECASE
)
_KEY = re.compile(r"^(?P<indent>\s*(?:-\s+)?)(?P<key>[\w.]+)\s*:\s*(?P<value>[^#\n]*?)\s*(?:#.*)?$")
_MOST_TEXT = 100_000
_MOST_DEPTH = 30
_MOST_OF_ONE = 2_000


def read_configurations(text: str) -> Read | None:
    """The layers in a text's configurations; None without any."""
    if len(text) > _MOST_TEXT:
        return None
    for places in (_json, _yaml, _python):
        found = [
            Occurrence(call, line, call.name)
            for line, value, before in places(text)
            for call in _calls(value, before, 0)
        ]
        if found:
            return found, Settings()
    return None


# Where configurations stand.


def _json(text: str) -> Iterator[tuple[int, Value, str]]:
    decoder, place = json.JSONDecoder(), 0
    while (place := text.find("{", place)) >= 0:
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            place += 1
            continue
        yield text.count("\n", 0, place) + 1, plain_value(value), ""
        place = end


def _yaml(text: str) -> Iterator[tuple[int, Value, str]]:
    """Mappings of YAML by their indentation, each with its own keys only."""
    lines = [(number, match) for number, line in enumerate(text.split("\n"), 1) if (match := _KEY.match(line))]
    for place, (number, match) in enumerate(lines):
        if match["key"] not in _NAMES or not match["value"]:
            continue
        indent = len(match["indent"])
        own = {match["key"]: _scalar(match["value"])}
        for _, other in lines[place + 1 :]:
            if len(other["indent"]) < indent or (len(other["indent"]) == indent and "-" in other["indent"]):
                break
            if other["value"]:
                own.setdefault(other["key"], _scalar(other["value"]))
        yield number, own, ""


def _scalar(text: str) -> Value:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return plain_value(_tuples(ast.literal_eval(text)))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text.strip("'\"")


def _tuples(value: Any) -> Any:
    return list(map(_tuples, value)) if isinstance(value, tuple | list) else value


def _python(text: str) -> Iterator[tuple[int, Value, str]]:
    """Dictionaries and calls of ``dict`` in Python's syntax, and lists of a class beside its arguments."""
    ends, read_to = _brackets(text), 0
    for match in re.finditer(r"\bdict\s*\(|[{(\[]", text):
        end = ends.get(match.end() - 1, 0)
        if match.start() < read_to or not 0 < end - match.start() < _MOST_OF_ONE:
            continue
        try:
            node = ast.parse(text[match.start() : end], mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        after = text[end : end + 40]
        value = _literal(node)
        if (
            isinstance(value, dict)
            and value.keys() >= _CHANNELS
            and (shape := re.match(r"\W*\(([\d, ]+)\)", after))
        ):
            value.setdefault("input_shape", tuple(int(size) for size in shape[1].split(",") if size.strip()))
        before = text[max(0, match.start() - 120) : match.start()]
        if any(_calls(value, before, 0)):
            read_to = end
        yield text.count("\n", 0, match.start()) + 1, value, before


def _brackets(text: str) -> dict[int, int]:
    """The end of each pair of brackets, by its start; quotes are not heeded."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for place, letter in enumerate(text):
        if letter in "([{":
            opened.append(place)
        elif letter in ")]}" and opened:
            ends[opened.pop()] = place + 1
    return ends


def _literal(node: ast.expr) -> Value:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(map(_literal, node.elts))
    if isinstance(node, ast.Dict):
        pairs = ((_literal(key), _literal(item)) for key, item in zip(node.keys, node.values, strict=True) if key)
        return {key: item for key, item in pairs if isinstance(key, str)}
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "dict":
        return {keyword.arg: _literal(keyword.value) for keyword in node.keywords if keyword.arg}
    return Opaque(ast.unparse(node))


# What they mean.


def _calls(value: Value, before: str, depth: int) -> Iterator[Syntax]:
    """The layers in a value, those of values in it too."""
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, dict):
        call = _call(value, before)
        if call is not None:
            yield call
        else:
            for item in value.values():
                yield from _calls(item, "", depth + 1)
    elif isinstance(value, tuple):
        yield from _beside(value)
        for item in value:
            yield from _calls(item, "", depth + 1)


def _beside(items: tuple[Value, ...]) -> Iterator[Syntax]:
    """A class with its arguments beside it, ``[-1, 1, nn.ConvTranspose2d, [256, 256, 2, 2]]``."""
    for name, args in itertools.pairwise(items):
        form = _form(str(name)) if isinstance(name, str | Opaque) else None
        if form is not None and isinstance(args, tuple):
            yield Syntax(form, Arguments(args))


def _form(name: str) -> str | None:
    name = _ALIASES.get(name, name)
    last = name.rpartition(".")[2]
    spellings = [f"{module}{each}" for each in dict.fromkeys((name, last)) for module in _MODULES]
    return next((each for each in spellings if each in FORMS), None)


def _call(config: Mapping[str, Value], before: str) -> Syntax | None:
    form = next(
        (found for key in _NAMES if isinstance(config.get(key), str) and (found := _form(config[key]))), None
    )
    ranks = list(_TRANSPOSED.finditer(before))
    if form is None and config.keys() >= _CHANNELS and ranks:
        form = f"torch.nn.ConvTranspose{ranks[-1]['rank']}d"
    if form is None:
        return None
    own: dict[str, Value] = {key: value for key, value in config.items() if key not in _NAMES}
    args: tuple[Value, ...] = ()
    for group in _GROUPS:
        inner = own.pop(group, None)
        if isinstance(inner, dict):
            own = {**inner, **own}
        elif isinstance(inner, tuple):
            args = inner
    if isinstance(own.get("dtype"), dict):  # a policy of Keras
        policy = own["dtype"].get("config")
        own["dtype"] = policy.get("name") if isinstance(policy, dict) else None
    image = next((own[key] for key in _INPUTS if isinstance(own.get(key), tuple)), None)
    parameters = inspect.signature(FORMS[form].function).parameters
    kwargs = {key: value for key, value in own.items() if key in parameters and key not in _INPUTS}
    applied = Arguments((TensorExpression(_sizes(image)),)) if isinstance(image, tuple) else None
    return Syntax(form, Arguments(args, kwargs), applied)


def _sizes(shape: tuple[Value, ...]) -> tuple[int | None, ...]:
    return tuple(size if type(size) is int else None for size in shape)
