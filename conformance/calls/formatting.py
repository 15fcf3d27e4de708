"""Format source text for readers: fill the lines of calls, and break long lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conformance.cases import Case

__all__ = ["bias_lines", "tidy"]

_WIDTH = 100


def bias_lines(case: Case, body: Iterable[str]) -> list[str]:
    """The line that defines ``bias`` in a program of a case without a bias, if the program uses the name."""
    uses_bias = any(re.search(r"\bbias\b", line.partition("#")[0]) for line in body)
    return ["bias = None"] if uses_bias and not case.bias else []


def tidy(lines: Iterable[str]) -> list[str]:
    """Fill the lines of a call that has one argument per line, and break long lines."""
    filled: list[str] = []
    for line in "\n".join(lines).splitlines():
        inside = bool(filled) and filled[-1].startswith(" ") and line.startswith("    ") and line.endswith(",")
        if inside and filled[-1].endswith(",") and len(filled[-1]) + len(line.strip()) < _WIDTH:
            filled[-1] += " " + line.strip()
        else:
            filled += _break(line)
    return filled


def _break(line: str) -> list[str]:
    """Break a long line after commas in brackets."""
    if len(line) <= _WIDTH + 10 or "#" in line:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    broken: list[str] = []
    for piece in _pieces(line):
        if broken and len(broken[-1]) + len(piece) < _WIDTH:
            broken[-1] += f", {piece}"
        else:
            broken.append(indent + piece if broken else piece)
    return [part + "," for part in broken[:-1]] + broken[-1:]


def _pieces(line: str) -> Iterator[str]:
    """The parts between the commas in brackets, except commas in quotes."""
    start, depth, quote = 0, 0, ""
    for at, letter in enumerate(line):
        if letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
        if quote:
            continue
        depth += (letter in "([{") - (letter in ")]}")
        if depth and line.startswith(", ", at):
            yield line[start:at]
            start = at + 2
    yield line[start:]
