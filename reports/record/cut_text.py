"""Long text on one line, cut between two words."""

from __future__ import annotations

__all__ = ["cut"]

_CUT = " …"


def cut(text: str, most: int) -> str:
    """Return a text on one line; of a longer one than ``most`` characters, the words that fit and an ellipsis."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    kept = line[: most - len(_CUT) + 1].rpartition(" ")[0] or line[: most - len(_CUT)]
    return kept.rstrip(",;:") + _CUT
