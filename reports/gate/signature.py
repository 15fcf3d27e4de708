"""Signatures: what the output of a known discrepancy is, in addition to when it happens.

Without a signature, every failure of a kind under a condition would count as known. A signature describes the
failure itself. Each of its keys applies to some outcomes only; every key that applies to an outcome must agree:

=============  ================================================================================================
key            what must agree
=============  ================================================================================================
``diagnosis``  the transformation that the diagnosis names, in an output or a gradient; ``crash``, ``timeout``,
               ``rejected`` and ``accepted`` mean an outcome of that name
``axes``       the spatial axes that the diagnosis names: exactly these
``tensors``    the gradients that are wrong: exactly these
``message``    a regular expression, searched in the framework's own message
``signal``     the signal or exit status that ended the process, such as ``SIGABRT`` or ``exit status 1``
``last_line``  a regular expression, searched in the framework's own last line before the process ended
``stage``      beside another key: the stage that failed, of an adapter that goes through converters
=============  ================================================================================================

An outcome to which no key applies does not match: the signature of a crash does not match wrong values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from conformance.reports.record.crash_text import last_line
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.outcome import Outcome

__all__ = ["Signature", "parse"]

_MOST_CHARACTERS = 1000
_MOST_SEARCHED = 20_000
_EXAMPLE = 'signature = { diagnosis = "shift", axes = ["W"] }'

# Outcomes without an output: their name takes the place of the transformation.
_NAMED = ("crash", "timeout", "rejected", "accepted")


@dataclass(frozen=True)
class Signature:
    """What an outcome looks like; an empty field matches everything.

    Attributes
    ----------
    diagnosis : tuple of str
        Names of transformations, one of which must match.
    axes, tensors : tuple of str
        The axes and the gradients that the diagnosis names.
    message : str
        Regular expression for the framework's message.
    signal : tuple of str
        Signals or exit statuses, one of which must match.
    last_line : str
        Regular expression for the framework's own last line.
    stage : tuple of str
        Stages, one of which must match.
    """

    diagnosis: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    tensors: tuple[str, ...] = ()
    message: str = ""
    signal: tuple[str, ...] = ()
    last_line: str = ""
    stage: tuple[str, ...] = ()

    def matches(self, outcome: Outcome) -> bool:
        """Whether an outcome looks like this."""
        agreements = list(self._agreements(outcome))
        return bool(agreements) and all(agreements) and (not self.stage or outcome.stage in self.stage)

    def _agreements(self, outcome: Outcome) -> Iterator[bool]:
        """For each key that applies to an outcome, whether it agrees."""
        name = outcome.kind or outcome.status
        if name in _NAMED:
            if name in self.diagnosis:
                yield True
        elif self.diagnosis or self.axes or self.tensors:
            yield any(self._agrees(diagnosis) for diagnosis in _explanations(outcome))
        if name in ("rejected", "crash") and self.message:
            yield bool(re.search(self.message, outcome.detail[:_MOST_SEARCHED]))
        if name == "crash":
            if self.signal:
                yield _signal(outcome) in self.signal
            if self.last_line:
                yield bool(re.search(self.last_line, last_line(outcome.detail)))

    def _agrees(self, diagnosis: Diagnosis) -> bool:
        return (
            (not self.diagnosis or (diagnosis.transform or "unexplained") in self.diagnosis)
            and (not self.axes or set(diagnosis.axes) == set(self.axes))
            and (not self.tensors or set(diagnosis.tensors) == set(self.tensors))
        )

    @property
    def text(self) -> str:
        """The signature as text, such as ``diagnosis shift, axes W``."""
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
    defaults = {item.name: item.default for item in fields(Signature)}
    if not isinstance(table, Mapping) or not table.keys() - {"stage"}:
        names = ", ".join(name for name in defaults if name != "stage")
        raise ValueError(f"signature must be a table with at least one of {names}, as in {_EXAMPLE}")
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in defaults:
            raise ValueError(f"signature: unknown key {name!r}; known are {', '.join(defaults)}")
        values[name] = _pattern(name, value) if defaults[name] == "" else _names(name, value)
    return Signature(**values)


def _names(name: str, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(v, str) and v for v in names):
        raise ValueError(f"signature: {name} must be a string or a list of strings")
    return tuple(names)


def _pattern(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _MOST_CHARACTERS:
        raise ValueError(f"signature: {name} must be a regular expression of 1 to {_MOST_CHARACTERS} characters")
    try:
        compiled = re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"signature: {name} is not a regular expression: {error}") from None
    if compiled.search(""):
        raise ValueError(f"signature: {name} {value!r} matches every text")
    return value


def _explanations(outcome: Outcome) -> Iterator[Diagnosis]:
    """The diagnosis, and the transformations that explain the output exactly as well."""
    diagnosis = outcome.diagnosis or Diagnosis(transform="unexplained", text="")
    yield diagnosis
    for other in diagnosis.also:
        yield replace(other, tensors=other.tensors or diagnosis.tensors)


def _signal(outcome: Outcome) -> str:
    """What ended the process: the first line of the recorded detail of a crash."""
    return outcome.detail.partition("\n")[0].strip()
