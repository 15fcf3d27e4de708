"""``Program``: the source text of one call, in two parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Program"]


@dataclass(frozen=True)
class Program:
    """Source text of one call.

    ``setup`` holds imports and settings of the process. ``body`` reads the NumPy arrays ``x``, ``w``, ``bias`` and
    ``dy`` (those the case has; for second order ``vx``, ``vw`` and ``vb`` too) in the case's layout. It assigns
    the tensors of ``Case.outputs`` as the framework's own, in the case's layout, weights as (Cin, Cout/G, *k).
    ``bias`` is None for a case without one.
    """

    setup: tuple[str, ...]
    body: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*self.setup, "", *self.body]) + "\n"

    def to_json(self) -> dict[str, list[str]]:
        """Both parts, one line per entry; an adapter may put several lines into one."""
        return {"setup": _lines(self.setup), "body": _lines(self.body)}

    @classmethod
    def from_json(cls, data: Mapping[str, Sequence[str]]) -> Program:
        """Read what `to_json` returned."""
        return cls(tuple(data["setup"]), tuple(data["body"]))


def _lines(entries: Iterable[str]) -> list[str]:
    return [line for entry in entries for line in entry.split("\n")]
