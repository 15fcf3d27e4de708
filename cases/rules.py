"""The text of the written rules, by number, for the code that cites them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["Rule", "rules"]


@dataclass(frozen=True)
class Rule:
    """One rule of the specification.

    Attributes
    ----------
    number : str
        Such as ``R4``.
    title : str
        Its heading.
    text : str
        Its text in Markdown.
    """

    number: str
    title: str
    text: str


@cache
def rules() -> dict[str, Rule]:
    """All rules of ``specification.md`` by number, in order."""
    source = (resources.files("conformance.cases") / "specification.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (R\d+) (.*)$", source, flags=re.MULTILINE)[1:]
    parts = zip(sections[::3], sections[1::3], sections[2::3], strict=True)
    return {number: Rule(number, title.strip(), text.strip()) for number, title, text in parts}
