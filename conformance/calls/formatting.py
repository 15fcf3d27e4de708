"""Source text for people: calls filled into lines, long lines broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conformance.cases import Case

__all__ = ["bias_lines", "tidy"]

_WIDTH = 100


def bias_lines(case: Case, body: Iterable[str]) -> list[str]:
    """The line that a program of a question without a bias counts on, if it names the bias all the same."""
    named = any(re.search(r"\bbias\b", line.partition("#")[0]) for line in body)
    return ["bias = None"] if named and not case.bias else []


def tidy(lines: Iterable[str]) -> list[str]:
    """Fill the lines of a call that has one argument a line, and break long ones."""
    tidy: list[str] = []
    for line in "\n".join(lines).splitlines():
        inside = bool(tidy) and tidy[-1].startswith(" ") and line.startswith("    ") and line.endswith(",")
        if inside and tidy[-1].endswith(",") and len(tidy[-1]) + len(line.strip()) < _WIDTH:
            tidy[-1] += " " + line.strip()
        else:
            tidy += _broken(line)
    return tidy


def _broken(line: str) -> list[str]:
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
    """What lies between the commas in brackets, those in quotes apart."""
    begin, depth, quote = 0, 0, ""
    for at, letter in enumerate(line):
        if letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
        if quote:
            continue
        depth += (letter in "([{") - (letter in ")]}")
        if depth and line.startswith(", ", at):
            yield line[begin:at]
            begin = at + 2
    yield line[begin:]
