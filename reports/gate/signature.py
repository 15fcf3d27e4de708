"""Signatures: what the output of a known discrepancy looks like, beside when it happens.

A condition and a kind of failure let every other failure of that kind pass under the condition. A signature names
the failure itself. Each of its keys is about some outcomes only; every key that is about an outcome must
agree:

=============  ================================================================================================
key            what must agree
=============  ================================================================================================
``diagnosis``  the transformation that the diagnosis names, in an answer or a gradient; ``crash``, ``timeout``,
               ``rejected`` and ``accepted`` stand for an outcome of that name
``axes``       the spatial axes that the diagnosis names, all of them and no other
``tensors``    the gradients that are wrong, all of them and no other
``message``    a regular expression, searched in the framework's own message
``signal``     the signal or exit status that ended the process, such as ``SIGABRT`` or ``exit status 1``
``last_line``  a regular expression, searched in the framework's own last line before the process ended
=============  ================================================================================================

An outcome that no key is about is another one: a signature of a crash says nothing about wrong values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from conformance.reports.record.crash_text import last_line
from conformance.reports.record.outcome import Outcome

__all__ = ["Signature", "parse", "transform"]

_MOST_CHARACTERS = 1000
_MOST_SEARCHED = 20_000
_EXAMPLE = 'signature = { diagnosis = "shift", axes = ["W"] }'

# What an outcome without an answer is called where a diagnosis would name a transformation.
_NAMED = ("crash", "timeout", "rejected", "accepted")


@dataclass(frozen=True)
class Signature:
    """What an outcome looks like; an empty field says nothing.

    Attributes
    ----------
    diagnosis : tuple of str
        Names of transformations, any of which will do.
    axes, tensors : tuple of str
        What the diagnosis is about.
    message : str
        Regular expression for the framework's message.
    signal : tuple of str
        Signals or exit statuses, any of which will do.
    last_line : str
        Regular expression for the framework's own last line.
    """

    diagnosis: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    tensors: tuple[str, ...] = ()
    message: str = ""
    signal: tuple[str, ...] = ()
    last_line: str = ""

    def matches(self, outcome: Outcome) -> bool:
        """Whether an outcome looks like this."""
        agreements = list(self._agreements(outcome))
        return bool(agreements) and all(agreements)

    def _agreements(self, outcome: Outcome) -> Iterator[bool]:
        """For each key that is about an outcome, whether it agrees."""
        name = outcome.kind or outcome.status
        if name in _NAMED:
            if name in self.diagnosis:
                yield True
        elif self.diagnosis or self.axes or self.tensors:
            yield any(self._agrees(found) for found in _explanations(outcome))
        if name in ("rejected", "crash") and self.message:
            yield bool(re.search(self.message, outcome.detail[:_MOST_SEARCHED]))
        if name == "crash":
            if self.signal:
                yield _signal(outcome) in self.signal
            if self.last_line:
                yield bool(re.search(self.last_line, last_line(outcome.detail)))

    def _agrees(self, found: Mapping[str, Any]) -> bool:
        return (
            (not self.diagnosis or transform(found) in self.diagnosis)
            and (not self.axes or set(found.get("axes") or ()) == set(self.axes))
            and (not self.tensors or set(found.get("tensors") or ()) == set(self.tensors))
        )

    @property
    def text(self) -> str:
        """The signature in words, such as ``diagnosis shift, axes W``."""
        parts = []
        for item in fields(self):
            value = getattr(self, item.name)
            if value:
                parts.append(f"{item.name} {value if isinstance(value, str) else ' or '.join(value)}")
        return ", ".join(part.replace("_", " ", 1) if part.startswith("last_line") else part for part in parts)

    def to_json(self) -> dict[str, Any]:
        """Plain data without the empty fields; `parse` is the inverse."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value if isinstance(value, str) else list(value) for name, value in plain.items() if value}


def parse(table: Any) -> Signature | None:
    """Read the value of the key ``signature``; None where there is none.

    Raises
    ------
    ValueError
        With what is wrong and what is accepted.
    """
    if table is None:
        return None
    known = {item.name: item.default for item in fields(Signature)}
    if not isinstance(table, Mapping) or not table:
        raise ValueError(f"signature is a table with at least one of {', '.join(known)}, as in {_EXAMPLE}")
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            raise ValueError(f"signature: unknown key {name!r}; known are {', '.join(known)}")
        values[name] = _pattern(name, value) if known[name] == "" else _names(name, value)
    return Signature(**values)


def _names(name: str, value: Any) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not found or not all(isinstance(v, str) and v for v in found):
        raise ValueError(f"signature: {name} is a text or a list of texts")
    return tuple(found)


def _pattern(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _MOST_CHARACTERS:
        raise ValueError(f"signature: {name} is a regular expression of 1 to {_MOST_CHARACTERS} characters")
    try:
        compiled = re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"signature: {name} is not a regular expression: {error}") from None
    if compiled.search(""):
        raise ValueError(f"signature: {name} {value!r} is found in every text")
    return value


def transform(diagnosis: Mapping[str, Any] | None) -> str:
    """The transformation that a diagnosis names; ``unexplained`` where there is none."""
    return (diagnosis or {}).get("transform") or "unexplained"


def _explanations(outcome: Outcome) -> Iterator[Mapping[str, Any]]:
    """The diagnosis, and what fits the answer exactly as well and could not be told apart from it."""
    found = outcome.diagnosis or {}
    yield found
    for other in found.get("also") or ():
        if isinstance(other, Mapping):
            yield {"tensors": found.get("tensors"), **other}


def _signal(outcome: Outcome) -> str:
    """What ended the process: the first line of what was recorded of a crash."""
    return outcome.detail.partition("\n")[0].strip()
