"""A row of the porting table, as plain data; ``conformance.porting.equivalent_calls`` reads them from calls."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Wording"]


@dataclass(frozen=True)
class Wording:
    """What one call of a framework asks.

    Attributes
    ----------
    call : str
        As a user writes it.
    case : str
        The question, by its id.
    rule : str
        The rule that places the output.
    output_size : tuple of int
        By the rules.
    crop : tuple of (int, int)
        Positions of the full result that are left out at both ends of each axis.
    layout, weights : str
        How the call holds its tensors.
    """

    call: str
    case: str
    rule: str
    output_size: tuple[int, ...]
    crop: tuple[tuple[int, int], ...]
    layout: str
    weights: str
