"""Read protobuf text without its schema: ``name: value`` and ``name { ... }``, each as often as it comes.

ONNX and Caffe both print it. The parser of the protobuf package needs a schema, and Caffe's is in no package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance.calls.errors import CallError

__all__ = ["Message", "parse_message"]

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<word>[-+.\w/]+)|(?P<mark>[:{}<>\[\],;])"""
)
_MAX_DEPTH = 30


@dataclass
class Message:
    """A message: its fields in order, by name."""

    line: int = 1
    fields: list[tuple[str, Any]] = field(default_factory=list)

    def messages(self, name: str) -> list[Message]:
        """The messages of a name."""
        return [value for key, value in self.fields if key == name and isinstance(value, Message)]

    def value(self, name: str, default: Any = None) -> Any:
        """The first plain value of a name."""
        return next(
            (value for key, value in self.fields if key == name and not isinstance(value, Message)), default
        )

    def text(self, name: str) -> str:
        """The first value of a name as text; empty if there is none."""
        return str(self.value(name, ""))

    def texts(self, name: str) -> tuple[str, ...]:
        """All plain values of a name as text."""
        return tuple(str(value) for key, value in self.fields if key == name and not isinstance(value, Message))

    def numbers(self, name: str) -> tuple[int, ...]:
        """All whole numbers of a name."""
        return tuple(value for key, value in self.fields if key == name and type(value) is int)

    def plain(self) -> dict[str, Any]:
        """The plain values by name, as a tuple where there are several."""
        names = dict.fromkeys(key for key, value in self.fields if not isinstance(value, Message))
        many = {name: tuple(value for key, value in self.fields if key == name) for name in names}
        return {name: values if len(values) > 1 else values[0] for name, values in many.items()}


def parse_message(text: str) -> Message:
    """Read protobuf text.

    Raises
    ------
    CallError
        The text is not protobuf text.
    """
    tokens = list(_tokens(text))
    message, place = _fields(tokens, 0, Message(), 0)
    if place < len(tokens):
        raise _error(tokens[place])
    return message


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    place, line = 0, 1
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _error(("", text[place], line))
        if match.lastgroup is not None:
            yield match.lastgroup, match[0], line
        line += match[0].count("\n")
        place = match.end()


def _fields(tokens: list[tuple[str, str, int]], place: int, message: Message, depth: int) -> tuple[Message, int]:
    while place < len(tokens):
        kind, name, line = tokens[place]
        if kind == "mark" and name in ",;":
            place += 1
            continue
        if kind != "word":
            return message, place
        place += 1
        if place < len(tokens) and tokens[place][1] == ":":
            place += 1
        if place >= len(tokens):
            raise _error((kind, name, line))
        kind, word, line_of_value = tokens[place]
        if kind == "mark" and word in "{<":
            if depth == _MAX_DEPTH:
                raise CallError("the text is nested too deeply")
            inner, place = _fields(tokens, place + 1, Message(line), depth + 1)
            if place >= len(tokens) or tokens[place][1] not in "}>":
                raise CallError(f"line {line}: {name[:40]} {{ is not closed")
            message.fields.append((name, inner))
            place += 1
        elif kind == "mark" and word == "[":
            place += 1
            while place < len(tokens) and tokens[place][1] != "]":
                if tokens[place][0] != "mark":
                    message.fields.append((name, _plain(*tokens[place][:2])))
                place += 1
            place += 1
        elif kind == "mark":
            raise _error((kind, word, line_of_value))
        else:
            message.fields.append((name, _plain(kind, word)))
            place += 1
    return message, place


def _plain(kind: str, word: str) -> Any:
    if kind == "string":
        return word[1:-1]
    if re.fullmatch(r"[-+]?\d{1,18}", word):
        return int(word)
    return {"true": True, "false": False}.get(word, word)


def _error(token: tuple[str, str, int]) -> CallError:
    return CallError(f"line {token[2]}: {token[1][:40]!r} is not expected in protobuf text")
