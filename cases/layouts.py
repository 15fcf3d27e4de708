"""The layout trap: an array of one layout read as the other is a valid question, and rarely the one meant."""

from __future__ import annotations

from cases.case import Case

__all__ = ["looks_swapped"]


def looks_swapped(case: Case) -> str | None:
    """Say so where the input's axes look like the other layout's.

    The sign: read as stated the image has unlike sides, read the other way it is square with no more channels
    than its side. Rank 1 has no such sign.

    Returns
    -------
    str or None
        A sentence with both readings, or None.
    """
    shape = case.input_shape
    if case.rank == 1 or len(set(case.input_size)) == 1:
        return None
    if case.layout == "channels_first":
        other, channels, spatial = "channels_last", shape[-1], shape[1:-1]
    else:
        other, channels, spatial = "channels_first", shape[1], shape[2:]
    if len(set(spatial)) != 1 or channels > spatial[0]:
        return None
    text = "x".join(map(str, shape))
    return (
        f"the axes look like the other layout: {text} read as {case.layout} is {case.in_channels} channels of "
        f"{'x'.join(map(str, case.input_size))}, read as {other} it is {channels} channels of "
        f"{'x'.join(map(str, spatial))}"
    )
