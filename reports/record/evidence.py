"""``Evidence``: the numbers of an output tensor that the report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["Evidence", "Number"]

Number = float | str
"""An element of a tensor; NaN and infinity are strings, since JSON has no numbers for them."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One output tensor beside the expected one; None for what there is not.

    Attributes
    ----------
    got, expected : list of Number
        The elements of both, flat.
    shape, expected_shape : list of int
        Their shapes.
    budget : list of Number
        For data that round: the share of the promised error bound that each element uses.
    """

    got: list[Number]
    expected: list[Number] | None
    shape: list[int]
    expected_shape: list[int] | None
    budget: list[Number] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data that shares its lists; `from_json` is the inverse."""
        plain = dict(vars(self))
        if self.budget is None:
            del plain["budget"]
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        """Read what `to_json` returned; unknown keys are left out."""
        values: dict[str, Any] = {item.name: data.get(item.name) for item in fields(cls)}
        return cls(**values)
