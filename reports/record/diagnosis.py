"""``Diagnosis``: why an output is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["OPTIONAL_TEXTS", "Diagnosis"]

OPTIONAL_TEXTS = ("rule", "signal", "last_line", "failure")
"""Names of the attributes that are text, or None where they do not apply."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The transformation of the oracle that reproduces a wrong output, or what else is known about it.

    Attributes
    ----------
    transform : str
        The name of the transformation; several are joined by plus signs. ``unexplained`` where none fits.
    axes : tuple of str
        The spatial axes that it is about.
    text : str
        A sentence for people.
    also : tuple of Diagnosis
        Other transformations that reproduce the output as well.
    tensors : tuple of str
        The gradients that are wrong.
    rule : str or None
        The rule by which an accepted case is invalid.
    argument : str or None
        The parameter that a refusal is about, or the source file that a crash names; empty where none is known.
    relief : tuple of str or None
        The changes, as text, with which a refused case gets a right output.
    signal, last_line : str or None
        The signal or exit status of a process that ended, and its last line.
    failure : str or None
        The error of the suite itself, where it failed to find an explanation.
    """

    transform: str
    axes: tuple[str, ...] = ()
    text: str
    also: tuple[Diagnosis, ...] = ()
    tensors: tuple[str, ...] = ()
    rule: str | None = None
    argument: str | None = None
    relief: tuple[str, ...] | None = None
    signal: str | None = None
    last_line: str | None = None
    failure: str | None = None

    @property
    def all(self) -> tuple[Diagnosis, ...]:
        """This diagnosis, and the others that explain the output as well."""
        return (self, *self.also)

    def to_json(self) -> dict[str, Any]:
        """Plain data without the attributes that do not apply; `from_json` is the inverse."""
        plain: dict[str, Any] = {"transform": self.transform, "axes": list(self.axes), "text": self.text}
        if self.also:
            plain["also"] = [other.to_json() for other in self.also]
        if self.tensors:
            plain["tensors"] = list(self.tensors)
        if self.argument is not None:
            plain["argument"] = self.argument or None
        if self.relief is not None:
            plain["relief"] = list(self.relief)
        texts = {name: getattr(self, name) for name in OPTIONAL_TEXTS}
        return plain | {name: text for name, text in texts.items() if text is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Diagnosis | None:
        """Read what `to_json` returned; unknown keys are left out."""
        if not data:
            return None
        return cls(
            transform=data.get("transform") or "",
            axes=tuple(data.get("axes") or ()),
            text=data.get("text") or "",
            also=tuple(filter(None, map(cls.from_json, data.get("also") or ()))),
            tensors=tuple(data.get("tensors") or ()),
            argument=data["argument"] or "" if "argument" in data else None,
            relief=tuple(data["relief"]) if "relief" in data else None,
            **{name: data.get(name) for name in OPTIONAL_TEXTS},
        )
