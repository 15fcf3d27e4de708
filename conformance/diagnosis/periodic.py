"""What is wrong with a periodic output (R15): the convention that it was taken for.

A transformation of the oracle moves one window of the full result, where a periodic output adds several; so the
other conventions of the same size are tried.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.process import Reply
from cases.case import Case
from cases.data import Tensors
from conformance.verdict import judge

__all__ = ["diagnose_periodic"]

# By simplicity: nothing wrapped and begun alike, wrapped and begun otherwise, neither.
_TAKEN_FOR = {
    "circular": ("same_upper", "circular_lower", "same_lower"),
    "circular_lower": ("same_lower", "circular", "same_upper"),
}


def diagnose_periodic(case: Case, tensors: Tensors, reply: Reply) -> dict[str, Any]:
    """Name the convention whose answer was given to a question whose output wraps around."""
    for padding in _TAKEN_FOR[str(case.padding)]:
        other = replace(case, padding=padding)
        if judge(other, tensors, reply)["status"] == "pass":
            wraps = padding.startswith("circular")
            what = "begun" if wraps else "cut, not wrapped around,"
            return {
                "transform": "another_period" if wraps else "not_wrapped",
                "axes": [],
                "text": f"equals the oracle with the output {what} as {padding} has it",
            }
    return {"transform": "unexplained", "axes": [], "text": "no other convention gives this periodic output"}
