"""From pasted text to Python's syntax tree, without prompts, indentation, fences and lines that are not Python."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

from conformance.calls.errors import CallError

__all__ = ["parse", "short"]

_MAX_LENGTH = 100_000
_MAX_LEFT_OUT = 60
_PROMPT = re.compile(r"^\s*(?:>>>|In \[\d+\]:) ?")
_CONTINUED = re.compile(r"^\s*\.\.\.(?:\.*:)? ?")
# What a paste may hold beside Python: fences, shell and notebook commands.
_NO_CODE = re.compile(r"^\s*(?:```.*|~~~.*|[%!$].*)$")
_OLD_PRINT = re.compile(r"^(\s*)print[ \t]+(?![=(.,])(.+?)[ \t]*$", re.MULTILINE)
_NAME_OF_CALL = re.compile(r"\b[\w.]{0,60}(?:conv|transpose)\w{0,60}(?=\s?\()", re.IGNORECASE)
# A line with a call, or the start of one; a message may name an operator.
_CALL_LIKE = re.compile(r"(?:conv|transpose)[\w.]*\s*\(|\(\s*$", re.IGNORECASE)


def parse(text: str) -> tuple[list[ast.stmt], tuple[str, ...]]:
    """The statements of a paste, and a note on each part of it that is left out.

    Raises
    ------
    CallError
        The text is not Python.
    """
    if len(text) > _MAX_LENGTH:
        raise CallError(f"a call or program is text of at most {_MAX_LENGTH} characters")
    lines = _without_prompts(text.replace("\r\n", "\n").replace("\xa0", " ").split("\n"))
    lines = ["" if _NO_CODE.match(line) else line for line in lines]
    source = _OLD_PRINT.sub(r"\1print(\2)", _dedent("\n".join(lines)))
    return _without_prose(source, text)


def _without_prompts(lines: list[str]) -> list[str]:
    """Only the input of an interactive session; the other lines are its output. Line numbers stay."""
    if not any(_PROMPT.match(line) for line in lines):
        return lines
    kept, inside = [], False
    for line in lines:
        if _PROMPT.match(line):
            inside = True
            kept.append(_PROMPT.sub("", line, count=1))
        elif inside and _CONTINUED.match(line):
            kept.append(_CONTINUED.sub("", line, count=1))
        else:
            inside = False
            kept.append("")
    return kept


def _dedent(source: str) -> str:
    source = textwrap.dedent(source.expandtabs(8))
    first, newline, rest = source.lstrip("\n").partition("\n")
    blank = len(source) - len(source.lstrip("\n"))
    # A paste often lacks the indentation of its first line only.
    if newline and not first.startswith(" ") and not first.rstrip().endswith((":", "(", "[", "{", ",", "\\")):
        below = textwrap.dedent(rest)
        if below != rest and not _parses(source):
            return "\n" * blank + first + "\n" + below
    return source.rstrip() if newline else source.strip()


def _parses(source: str) -> bool:
    try:
        _tree(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _tree(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of what the user wrote, such as an odd escape
        return ast.parse(source)


def _without_prose(source: str, text: str) -> tuple[list[ast.stmt], tuple[str, ...]]:
    """Parse, and leave out single lines that are not Python, unless they look like part of a call."""
    lines = source.split("\n")
    left_out: list[int] = []
    first: Exception | None = None
    while True:
        try:
            body = _tree("\n".join(lines)).body
            break
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            first = first or error
            place = _line_of(error, lines)
            if place is not None and isinstance(error, IndentationError) and _outdent(lines, place):
                continue
            if place is None or len(left_out) == _MAX_LEFT_OUT or _CALL_LIKE.search(lines[place]):
                raise _error(text, first) from None
            left_out.append(place + 1)
            lines[place] = ""
    if left_out and not body:
        raise _error(text, first) from None
    numbers = ", ".join(map(str, sorted(left_out)[:10]))
    note = f"left out, since not Python: line{'s' if len(left_out) > 1 else ''} {numbers} of the text"
    return body, (note,) if left_out else ()


def _outdent(lines: list[str], start: int) -> bool:
    """Move a block that starts too far to the right to the left; whether there was one."""
    indent = len(lines[start]) - len(lines[start].lstrip())
    if not indent:
        return False
    for place in range(start, len(lines)):
        line = lines[place]
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            break
        lines[place] = line[indent:]
    return True


def _line_of(error: Exception, lines: list[str]) -> int | None:
    """The line to leave out; None if leaving one out does not help."""
    place = getattr(error, "lineno", None)
    if not isinstance(error, SyntaxError) or place is None or not 1 <= place <= len(lines):
        return None
    place -= 1
    if len([line for line in lines if line.strip()]) < 2 or not lines[place].strip():
        return None
    return int(place)


def _error(text: str, error: Exception | None) -> CallError:
    reason = getattr(error, "msg", None) or str(error)
    why = reason.splitlines()[0] if reason else "too large"
    name = _NAME_OF_CALL.search(text[:_MAX_LENGTH])
    at = (
        f"; it names {name[0]}, whose parameters can be written as in torch.nn.ConvTranspose2d(16, 33, 3)"
        if name
        else ""
    )
    return CallError(f"{short(text)} is not a Python call: {why}{at}")


def short(text: str) -> str:
    """The text in one line, quoted."""
    text = " ".join(text.split())
    return repr(text if len(text) < 60 else text[:57] + "...")
