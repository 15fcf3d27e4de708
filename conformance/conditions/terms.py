"""The parameters that a diagnosis names, so that a condition in its terms is preferred to an accident."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["terms_of"]

_PLACEMENT = ("crop", "padding", "output_padding")

# Patterns of the text of a diagnosis, and the first parts of the names of the columns that they are about. Some
# match wordings of older records only.
_TERMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"kernel|\btaps?\b|weights", ("kernel", "effective")),
    (r"stride|spread|no zeros inserted|zeros are inserted", ("stride",)),
    (r"dilat", ("dilation", "effective")),
    (r"crop|shifted|position at the (begin|start|front|end)|convention|in front|full result|folded", _PLACEMENT),
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
    """The first parts of the names of the columns that some diagnoses are about; empty where they name none."""
    text = " ".join(texts)
    return frozenset(column for pattern, columns in _TERMS if re.search(pattern, text) for column in columns)
