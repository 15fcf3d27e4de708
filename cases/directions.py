"""Directions: what a case asks for, and the tensors that it gives and takes beside ``x``, ``w`` and ``bias``."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIRECTIONS", "IMAGES", "Direction"]


@dataclass(frozen=True)
class Direction:
    """One thing to ask of the map from ``x``, ``w`` and ``bias`` to ``y``.

    Attributes
    ----------
    about : str
        What is asked for.
    given : tuple of str
        Further input tensors, in the order in which they are drawn.
    outputs : tuple of str
        The tensors of the answer. Those named with a ``b`` at the end are there with a bias only.
    """

    about: str
    given: tuple[str, ...]
    outputs: tuple[str, ...]


DIRECTIONS: dict[str, Direction] = {
    "fwd": Direction("the output", (), ("y",)),
    "grad": Direction("the three gradients (R10)", ("dy",), ("dx", "dw", "db")),
    "grad2": Direction("the gradients of the gradients (R16)", ("dy", "vx", "vw", "vb"), ("ddx", "ddw", "ddy")),
}

IMAGES = frozenset({"x", "y", "dx", "dy", "vx", "ddx", "ddy"})
"""Tensors with a batch axis, laid out as the case says; the weights and their gradients never are (R9)."""
