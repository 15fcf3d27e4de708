"""Keep the lines of a text that are Python: prose, logs and broken lines between them are blanked."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from conformance.calls.errors import CallError

__all__ = ["Cleaned", "calls_in", "clean", "has_call", "parses"]

_ALLOW_INCOMPLETE = 0x4000  # PyCF_ALLOW_INCOMPLETE_INPUT, which codeop uses too
_MOST_COMPILED = 20_000
_MOST_LINES_OF_STATEMENT = 120
_CLAUSE = re.compile(r"\s*(elif|else|except|finally|case)\b")
_FITS_BEFORE = {
    "elif": "if 1:\n pass\n", "else": "if 1:\n pass\n", "except": "try:\n pass\n", "finally": "try:\n pass\n",
    "case": "match 1:\n case 0:\n  pass\n",
}  # fmt: skip
_COMMENT = re.compile(r"\s*(?:#.*)?$")
# The start of a call whose name is that of a transposed convolution; options of C++ and Rust build one.
_TRANSPOSED = re.compile(
    r"(?P<target>(?<![\w.])[A-Za-z_][\w.]*\s*=\s*)?(?<![\w.])(?:[A-Za-z_]\w*\.){0,6}"
    r"\w{0,40}(?:conv\w{0,20}_?transpose|transposed?_?conv|deconv|fullconv)\w{0,20}\s?\(",
    re.IGNORECASE,
)
_CHAIN = re.compile(r"\s*(?:\.\s*\w+\s*)?\(")
_MOST_OF_CALL = 3_000
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def _status(source: str) -> str:
    """``complete``, ``incomplete`` or ``bad``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of what the user wrote, such as an odd escape
        try:
            compile(source, "", "exec", _ALLOW_INCOMPLETE | ast.PyCF_ONLY_AST)
        except SyntaxError as error:
            return "incomplete" if "incomplete input" in str(error) else "bad"
        except (ValueError, RecursionError, MemoryError):
            return "bad"
    return "complete"


def parses(source: str) -> bool:
    """Whether a text is Python."""
    return _status(source + "\n") == "complete"


class Cleaned:
    """The lines of a text, those that are not Python blanked.

    Attributes
    ----------
    lines : list of str
        The lines; their numbers are those of the text.
    left_out : list of int
        Numbers of the blanked lines, from 0.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = list(lines)
        self.left_out: list[int] = []
        self._compiled = 0

    def leave_out(self, place: int) -> None:
        """Blank a line."""
        if self.lines[place].strip():
            self.left_out.append(place)
            self.lines[place] = ""

    def block(self, start: int, stop: int) -> bool:
        """Clean lines that stand at one indentation; whether a statement is left."""
        place, kept = start, False
        indent: int | None = None
        while place < stop:
            if _COMMENT.match(self.lines[place]):
                place += 1
                continue
            own = _indent(self.lines[place])
            if indent is not None and own != indent:
                self._move(place, stop, own, indent)
            end = self._statement(place, stop)
            if end is None:
                self.leave_out(place)
                place += 1
            else:
                place, kept = end, True
                indent = own if indent is None else indent
        return kept

    def _move(self, start: int, stop: int, own: int, indent: int) -> None:
        """Move lines whose indentation is not that of the block to it."""
        for place in range(start, stop):
            line = self.lines[place]
            if not line.strip():
                continue
            if _indent(line) < own:
                return
            self.lines[place] = " " * indent + line[own:]

    def _statement(self, start: int, stop: int) -> int | None:
        """The end of the statement that starts in a line; None if none does."""
        head = self._head(start, stop)
        if head is None:
            return None
        end, has_body = head
        if not has_body:
            return end
        body = self._body_end(end, stop, _indent(self.lines[start]))
        if self._status(start, body) == "complete":
            return body
        if not self.block(end, body):
            blank = next((place for place in range(end, body) if not self.lines[place].strip()), None)
            if blank is None:
                return None
            self.lines[blank] = " " * (_indent(self.lines[start]) + 4) + "pass"
        self._without_handlers(start, body, stop)
        return body

    def _head(self, start: int, stop: int) -> tuple[int, bool] | None:
        """The end of the logical line, and whether a block belongs to it."""
        for end in range(start + 1, min(stop, start + _MOST_LINES_OF_STATEMENT) + 1):
            status = self._status(start, end)
            if status == "complete":
                return end, False
            opens = self.lines[end - 1].partition(" #")[0].rstrip().endswith(":")
            if opens and (status == "incomplete" or _CLAUSE.match(self.lines[start])):
                source = self._source(start, end)
                clause = _CLAUSE.match(source)
                before = _FITS_BEFORE[clause[1]] if clause else ""
                padding = " " if clause and clause[1] == "case" else ""
                after = "except E:\n pass\n" if source.startswith("try") else ""
                if _status(f"{before}{padding}{source}\n{padding}  pass\n{after}") == "complete":
                    return end, True
            if status == "bad":
                return None
        return None

    def _body_end(self, start: int, stop: int, indent: int) -> int:
        """The end of the lines that are indented more; a text in triple quotes may start anywhere."""
        end, quotes = start, ""
        for place in range(start, stop):
            line = self.lines[place]
            if not quotes and line.strip() and _indent(line) <= indent and not line.lstrip().startswith("#"):
                break
            for mark in re.findall(r'"""|\'\'\'', line):
                quotes = mark if not quotes else "" if mark == quotes else quotes
            if line.strip():
                end = place + 1
        return end

    def _without_handlers(self, start: int, body: int, stop: int) -> None:
        """A ``try`` whose handlers are missing is read as a block."""
        if self.lines[start].strip().startswith("try") and self._source(start, start + 1).strip() == "try:":
            after = next((line for line in self.lines[body:stop] if line.strip()), "")
            if not re.match(r"\s*(?:except|finally)\b", after):
                self.lines[start] = self.lines[start].replace("try:", "if True:")

    def _source(self, start: int, end: int) -> str:
        cut = _indent(self.lines[start])
        return "\n".join(line[cut:] if not line[:cut].strip() else line for line in self.lines[start:end])

    def _status(self, start: int, end: int) -> str:
        self._compiled += 1
        if self._compiled > _MOST_COMPILED:
            raise CallError("the text is too large for one call")
        return _status(self._source(start, end) + "\n")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def clean(lines: list[str]) -> Cleaned:
    """Blank the lines that are not Python.

    Raises
    ------
    CallError
        The text is too large.
    """
    cleaned = Cleaned(lines)
    cleaned.block(0, len(lines))
    return cleaned


def has_call(text: str) -> bool:
    """Whether a text seems to call a transposed convolution."""
    return _TRANSPOSED.search(text) is not None


def calls_in(text: str) -> Iterator[tuple[int, str]]:
    """The calls of transposed convolutions in prose: where each starts, and its source."""
    place = 0
    while (match := _TRANSPOSED.search(text, place)) is not None:
        end = _end_of_call(text, match.end() - 1)
        if end is None:
            place = match.end()
            continue
        while (more := _CHAIN.match(text, end)) is not None:
            longer = _end_of_call(text, more.end() - 1)
            if longer is None:
                break
            end = longer
        target = match["target"] or ""
        source = " ".join(text[match.start() + len(target) : end].split("\n"))
        if parses(f"({source})"):
            yield match.start(), f"{target}({source})"
        place = end


def _end_of_call(text: str, start: int) -> int | None:
    """The place after the bracket that closes the one at a place; None if none does."""
    waiting: list[str] = []
    quote = ""
    for place in range(start, min(len(text), start + _MOST_OF_CALL)):
        letter = text[place]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in _CLOSING:
            waiting.append(_CLOSING[letter])
        elif letter in ")]}":
            if not waiting or waiting.pop() != letter:
                return None
            if not waiting:
                return place + 1
    return None
