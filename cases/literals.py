"""Numbers of tensors as text that a case id can hold: ``1000_m2p5_1em05`` is 1000, -2.5, 1e-05.

Two characters of a number mean something else in an id, and are replaced: m is a minus sign, p the decimal point.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

__all__ = ["MOST_NUMBERS", "SECTIONS", "numbers_of", "print_numbers", "print_sections", "read_sections"]

MOST_NUMBERS = 64
"""Of one tensor; an id with more could not be read by people."""

NUMBER = r"m?(?:0|[1-9][0-9]{0,18})(?:p[0-9]{1,20})?(?:em?[0-9]{1,3})?"
_NUMBERS = rf"{NUMBER}(?:_{NUMBER}){{0,{MOST_NUMBERS - 1}}}"
SECTIONS = {"x": "x", "w": "w", "b": "bias"}
"""The tensor that a section of the text is about, by its first letter."""
PATTERN = "".join(rf"(?:\.{letter}{_NUMBERS})?" for letter in SECTIONS)
"""The sections of a text, each after a dot."""


def _print_number(value: float) -> str:
    text = repr(float(value)).removesuffix(".0").replace("+", "")
    return text.replace("-", "m").replace(".", "p")


def print_numbers(values: Iterable[float]) -> str:
    """Finite numbers as text; reading it gives the same numbers."""
    return "_".join(_print_number(value) for value in values)


def numbers_of(text: str) -> tuple[float, ...]:
    """The numbers of a text that `print_numbers` wrote."""
    values = tuple(float(part.replace("m", "-").replace("p", ".")) for part in text.split("_"))
    if not all(map(math.isfinite, values)):
        raise ValueError("a number is beyond the range of float64")
    return values


def read_sections(text: str) -> dict[str, tuple[float, ...]]:
    """The numbers by name of the tensor, from text such as ``x1_2.w3``."""
    return {SECTIONS[part[0]]: numbers_of(part[1:]) for part in text.split(".") if part}


def print_sections(numbers: Mapping[str, Iterable[float]]) -> str:
    """The text of numbers by name of the tensor."""
    return ".".join(letter + print_numbers(numbers[name]) for letter, name in SECTIONS.items() if name in numbers)
