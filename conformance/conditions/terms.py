"""The parameters that a diagnosis names, so that a condition in its terms is preferred to an accident."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["terms_of"]

_PLACEMENT = ("crop", "padding", "output_padding")

# What the words of a diagnosis are about, as the beginnings of columns.
_TERMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"kernel|\btaps?\b|weights", ("kernel", "effective")),
    (r"stride|spread", ("stride",)),
    (r"dilat", ("dilation", "effective")),
    (r"crop|shifted|position at the (begin|front|end)|convention|in front|full result|folded", _PLACEMENT),
    (r"output_padding", ("output_padding",)),
    (r"padding", _PLACEMENT),
    (r"group", ("groups", "in_channels", "out_channels")),
    (r"channel|filters", ("in_channels", "out_channels", "groups")),
    (r"bias", ("bias",)),
    (r"batch", ("batch",)),
    (r"layout|channels_(first|last)|transposed", ("layout",)),
    (r"rounded|TF32|float|bfloat|format|dtype|precision|accumulat", ("dtype", "data")),
    (r"\b(dx|dw|db)\b|gradient", ("direction",)),
    (r"input", ("input",)),
    (r"output (width|size|length)|position", ("output",)),
)


def terms_of(texts: Iterable[str]) -> frozenset[str]:
    """The beginnings of the columns that some diagnoses are about; empty where they name none."""
    said = " ".join(texts)
    return frozenset(column for words, columns in _TERMS if re.search(words, said) for column in columns)
