"""The columns a case has in tables, conditions and reports, derived from its fields and its geometry."""

from __future__ import annotations

from typing import Any

from cases.case import Case
from cases.errors import DomainError
from cases.fields import FIELDS

__all__ = ["COLUMN_NAMES", "columns"]

_GEOMETRY = ("effective_min", "effective_max", "full_min", "full_max", "output_min", "output_max",
             "crop_low_min", "crop_low_max", "crop_high_min", "crop_high_max")  # fmt: skip


def columns(case: Case) -> dict[str, Any]:
    """All columns of a case: ``case_id``, one or more a field, and numbers of its geometry.

    ``valid_question`` is 0 for a question without an answer (R11), whose geometry columns are None.
    """
    row: dict[str, Any] = {"case_id": str(case)}
    for field in FIELDS:
        row.update(field.columns(case))
    try:
        geometry = case.geometry()
    except DomainError:
        return {**row, "output_size": None, "valid_question": 0, **dict.fromkeys(_GEOMETRY)}
    lows, highs = zip(*geometry.crop, strict=True)
    row["output_size"] = "x".join(map(str, geometry.output_size))
    row["valid_question"] = 1
    for name, values in (
        ("effective", geometry.effective_kernel),
        ("full", geometry.full_size),
        ("output", geometry.output_size),
        ("crop_low", lows),
        ("crop_high", highs),
    ):
        row[f"{name}_min"], row[f"{name}_max"] = min(values), max(values)
    return row


COLUMN_NAMES: tuple[str, ...] = tuple(columns(Case(rank=1, input_size=(1,), kernel_size=(1,))))
