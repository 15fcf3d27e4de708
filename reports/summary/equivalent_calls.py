"""A row of the porting table, as plain data; ``conformance.porting.equivalent_calls`` parses the calls."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Wording"]


@dataclass(frozen=True, kw_only=True)
class Wording:
    """One call of a framework, and what it computes.

    Attributes
    ----------
    call : str
        As a user writes it.
    case : str
        The id of the case that the call computes.
    rule : str
        The rule that places the output.
    output_size : tuple of int
        The size of the output by the rules.
    crop : tuple of (int, int)
        Number of positions of the full result that are cropped at the start and the end of each axis.
    layout, weights : str
        The layouts of the input and of the weights.
    """

    call: str
    case: str
    rule: str
    output_size: tuple[int, ...]
    crop: tuple[tuple[int, int], ...]
    layout: str
    weights: str
