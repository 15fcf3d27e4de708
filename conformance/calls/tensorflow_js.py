"""Layers of TensorFlow.js, which take one object: ``tf.layers.conv2dTranspose({filters: 16, kernelSize: 3})``."""

from __future__ import annotations

import ast
import re
from typing import Any

from conformance.calls.errors import CallError
from conformance.calls.program import Occurrence
from conformance.calls.settings import Settings
from conformance.calls.values import Arguments, Syntax

__all__ = ["read_layers"]

_LAYER = re.compile(r"\blayers\s*\.\s*conv([23])dTranspose\s*\(\s*\{(?P<object>[^{}]{0,2000})\}\s*\)")
_ENTRY = re.compile(r"\s*[\"']?(\w+)[\"']?\s*:\s*(\[[^\[\]]*\]|\"[^\"]*\"|'[^']*'|[\w.-]+)\s*(?:,|$)")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None, "undefined": None}
_FORMATS = {"channelsFirst": "channels_first", "channelsLast": "channels_last"}


def read_layers(text: str) -> tuple[list[Occurrence], Settings] | None:
    """The layers in a text, as those of Keras that they are ports of; None without any.

    Raises
    ------
    CallError
        An object has entries that are not literals.
    """
    # Comments keep their length in lines, so that the numbers of lines stay.
    plain = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    found = []
    for match in _LAYER.finditer(plain):
        call = Syntax(f"keras.layers.Conv{match[1]}DTranspose", Arguments(kwargs=_entries(match["object"])))
        found.append(Occurrence(call, plain.count("\n", 0, match.start()) + 1, " ".join(match[0].split())))
    return (found, Settings()) if found else None


def _entries(text: str) -> dict[str, Any]:
    entries, at = {}, 0
    while text[at:].strip(" \n\t,"):
        match = _ENTRY.match(text, at)
        if match is None:
            raise CallError(
                f"{text[at:].strip()!r}: write an entry as name: value, with a number, a text or a list"
            )
        entries[re.sub(r"(?<!^)(?=[A-Z])", "_", match[1]).lower()] = _value(match[2])
        at = match.end()
    return entries


def _value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise CallError(f"{text!r} is not a number, a text or a list of numbers") from None
    if isinstance(value, list):
        return tuple(value)
    return _FORMATS.get(value, value) if isinstance(value, str) else value
