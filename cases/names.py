"""Did you mean: the known names that a wrong one resembles."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "similar"]

_CUTOFF = 0.6
_CLOSE_HEAD = 0.75


def similar(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that resemble a name, the most similar first.

    Parameters
    ----------
    name : str
        The wrong name.
    known : iterable of str
        What is accepted.
    most : int
        How many to give at most.
    """
    by_lower = {item.lower(): item for item in known}
    lower = name.lower()[:100]
    close = difflib.get_close_matches(lower, by_lower, n=most, cutoff=_CUTOFF)
    if not close:  # the names of adapters start with that of a framework
        heads = {item.partition("-")[0] for item in by_lower}
        head = next(iter(difflib.get_close_matches(lower, heads, n=1, cutoff=_CLOSE_HEAD)), None)
        close = [item for item in by_lower if head is not None and item.partition("-")[0] == head]
    # A part of a name, such as keras, resembles none of the long names that contain it.
    contain = [item for item in by_lower if len(lower) > 2 and (lower in item or item in lower) and len(item) > 2]
    return [by_lower[item] for item in dict.fromkeys([*close, *contain])][:most]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Text to append to a wrong name, such as `` (did you mean 'torch'?)``; empty if nothing is similar."""
    names = similar(name, known)
    if not names:
        return ""
    quoted = [repr(item) for item in names]
    return f" (did you mean {', '.join(quoted[:-1]) + ' or ' if len(quoted) > 1 else ''}{quoted[-1]}?)"
