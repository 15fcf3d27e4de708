"""Shapes that the prose of a text states, such as ``input of shape (1, 3, 32, 32)`` or a row of a summary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from conformance.cases import Case, CaseError, DomainError

__all__ = ["shapes_by_name", "stated_shapes", "with_stated_input"]

Shape = tuple[int | None, ...]

_FREE = r"(?:-1|None|N|B|bs|batch\w*|\?)"
_SHAPE = re.compile(
    rf"(?<!\w)(?P<before>(?:torch\.)?Size\s*\(\s*)?(?P<open>[\[(])\s*(?P<sizes>(?:{_FREE}|\d+)(?:\s*[,x×]\s*\d+){{2,4}})\s*,?\s*[\])]"
    r"|(?<![\w.])(?P<bare>\d+(?:\s?[x×]\s?\d+){2,4})(?![\w.])"
)
# Words before a shape that is not an input's.
_OTHERS = re.compile(r"(?:weight|kernel|filter|stride|padding)\w*[^.\n]{0,25}$", re.IGNORECASE)
_MOST = 40


def stated_shapes(text: str) -> tuple[Shape, ...]:
    """The shapes in a text, in its order; one number of each may be free."""
    found: dict[Shape, None] = {}
    for match in _SHAPE.finditer(text):
        if match["open"] and not match["before"] and text[match.start() - 1 : match.start()] == "(":
            continue  # an argument of a call
        sizes = [size.strip() for size in re.split(r"[,x×]", match["sizes"] or match["bare"])]
        if any(len(size) > 9 for size in sizes[1:]) or _OTHERS.search(
            text[max(0, match.start() - 45) : match.start()]
        ):
            continue
        found[tuple(int(size) if size.isdigit() else None for size in sizes)] = None
    return tuple(found)[:_MOST]


# w.shape: (64, 32, 4, 4), print(x.size())  # torch.Size([1, 3, 8, 8])
_NAMED = re.compile(
    r"\b(?P<name>[A-Za-z_]\w*)\.(?:shape|size\(\))\)?\s*(?:[#:=>-]|is|==)[\s#:=>-]*(?:torch\.Size\s*\(\s*)?"
    r"[\[(]\s*(?P<sizes>(?:-1|None|\?|\d+)(?:\s*,\s*(?:-1|None|\?|\d+)){1,4})\s*,?\s*[\])]"
)


def shapes_by_name(text: str) -> dict[str, Shape]:
    """The shapes that a text states of variables, the first of each."""
    found: dict[str, Shape] = {}
    for match in _NAMED.finditer(text):
        sizes = [size.strip() for size in match["sizes"].split(",")]
        if all(len(size) < 10 for size in sizes):
            found.setdefault(match["name"], tuple(int(size) if size.isdigit() else None for size in sizes))
    return found


def with_stated_input(
    case: Case, stated: tuple[Shape, ...], channels: int | None, known: Shape | None = None
) -> Case | None:
    """The case with the input that the text states; None if it states none or several.

    An input has the channels of the layer. Of several, the one counts whose output the text states as well.

    Parameters
    ----------
    case : Case
        The case with another input.
    stated : tuple
        What `stated_shapes` gives.
    channels : int or None
        The input channels, if the layer says them.
    known : tuple, optional
        What the calls say of the input's shape.
    """
    if channels is None and known is not None:
        channels = known[1 if case.layout == "channels_first" else -1]
    if channels is None or (known is not None and set(known[2:]) - {None, channels}):
        return None
    cases = list(dict.fromkeys(_cases(case, stated, channels)))
    if len(cases) > 1:
        cases = [one for one in cases if _is_stated(one, stated)]
    return cases[0] if len(cases) == 1 else None


def _cases(case: Case, stated: tuple[Shape, ...], channels: int) -> Iterator[Case]:
    last = case.layout == "channels_last"
    for shape in stated:
        batched = len(shape) == case.rank + 2
        if not batched and len(shape) != case.rank + 1:
            continue
        batch, rest = (shape[0] or 1, shape[1:]) if batched else (1, shape)
        own, spatial = (rest[-1], rest[:-1]) if last else (rest[0], rest[1:])
        if own == channels and None not in spatial and 0 not in spatial:
            try:
                yield replace(case, batch=batch, input_size=tuple(size or 0 for size in spatial))
            except CaseError:
                continue


def _is_stated(case: Case, stated: tuple[Shape, ...]) -> bool:
    try:
        output = case.output_shape[1:]
    except (CaseError, DomainError):
        return False
    return any(shape[-len(output) :] == output for shape in stated)
