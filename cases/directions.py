"""Directions: what a case computes, and its tensors besides ``x``, ``w`` and ``bias``."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIRECTIONS", "IMAGES", "Direction"]


@dataclass(frozen=True, kw_only=True)
class Direction:
    """One thing to compute of the map from ``x``, ``w`` and ``bias`` to ``y``.

    Attributes
    ----------
    about : str
        What is computed.
    given : tuple of str
        Further input tensors, in the order in which they are drawn.
    outputs : tuple of str
        The output tensors. Those whose names end in ``b`` exist with a bias only.
    """

    about: str
    given: tuple[str, ...]
    outputs: tuple[str, ...]


DIRECTIONS: dict[str, Direction] = {
    "fwd": Direction(about="the output", given=(), outputs=("y",)),
    "grad": Direction(about="the three gradients (R10)", given=("dy",), outputs=("dx", "dw", "db")),
    "grad2": Direction(
        about="the gradients of the gradients (R16)", given=("dy", "vx", "vw", "vb"), outputs=("ddx", "ddw", "ddy")
    ),
}

IMAGES = frozenset({"x", "y", "dx", "dy", "vx", "ddx", "ddy"})
"""Tensors with a batch axis, laid out as the case says; the weights and their gradients never are (R9)."""
