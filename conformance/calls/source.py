"""From pasted text to Python's syntax trees, without prompts, indentation, fences, prose and logs.

What of a text is code is not certain, so there are several readings of it, the most likely one first.
"""

from __future__ import annotations

import ast
import html
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.calls.cleaning import calls_in, clean, has_call, parses
from conformance.calls.errors import CallError
from conformance.calls.foreign_text import python_of_foreign

__all__ = ["Reading", "broken", "readings", "short"]

_MAX_LENGTH = 100_000
_PROMPT = re.compile(r"^\s*(?:>>>|In \[\d+\]:) ?")
_CONTINUED = re.compile(r"^\s*\.\.\.(?:\.*:)? ?")
_FENCE = re.compile(r"^\s*(?:>\s*)?(?:```+|~~~+)\s*\{?\.?(?P<language>[\w+#-]*)\}?[^`]*$")
_NO_CODE = re.compile(r"^\s*[%!$].*$")  # commands of the shell and of notebooks
_LOGS = {"bash", "sh", "shell", "console", "text", "txt", "log", "output", "diff", "json", "yaml", "yml", "none"}
_OLD_PRINT = re.compile(r"^(\s*)print[ \t]+(?![=(.,])(.+?)[ \t]*$", re.MULTILINE)
_OLD_EXCEPT = re.compile(r"^(\s*except [\w.]+), (\w+):", re.MULTILINE)
_NAME_OF_CALL = re.compile(r"\b[\w.]{0,60}(?:conv|transpose)\w{0,60}(?=\s?\()", re.IGNORECASE)
# Lines that are one span of code; a span may have several lines.
_SPAN = re.compile(r"^[ \t]*(?:[-*][ \t]+)?(`{1,2})([^`]{1,2000})\1[ \t]*[.,;:]?[ \t]*$", re.MULTILINE)
_TRACEBACK = re.compile(r"^\s*(?:E\s+)?Traceback \(most recent call last\)")
_FRAME = re.compile(r'^\s*(?:E\s+)?File "[^"]*", line \d+')
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+")
_NUMBERED = re.compile(r"^\s*(?:-+>\s*)?\d{1,5}(?:[:|]\s?|\s|$)(?P<code>.*)$")
_TYPED = str.maketrans({
    "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u200b": "", "\ufeff": "", "\u3000": " ",
    "\xa0": " ",
})  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """One reading of a text: its statements, and the numbers of the other lines, from 1.

    ``of_prose``: whether calls in prose are among them.
    """

    body: list[ast.stmt]
    left_out: tuple[int, ...]
    of_prose: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence on what is left out."""
        if not self.left_out:
            return ()
        many = "s" if len(self.left_out) > 1 else ""
        return (f"left out, since not Python: line{many} {_ranges(self.left_out)} of the text",)


def _ranges(numbers: tuple[int, ...]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [f"{first}-{last}" if last > first else str(first) for first, last in runs]
    return ", ".join(texts[:10]) + (" and others" if len(texts) > 10 else "")


def readings(text: str) -> Iterator[Reading]:
    """The readings of a text, the most likely one first.

    Raises
    ------
    CallError
        The text is too long, or no line of it is Python.
    """
    if len(text) > _MAX_LENGTH:
        raise CallError(f"a call or program is text of at most {_MAX_LENGTH} characters")
    lines = _SPAN.sub(r"\2", text.replace("\r\n", "\n").translate(_TYPED)).split("\n")
    if "&gt;" in text or "&quot;" in text:
        lines = [html.unescape(line) for line in lines]
    seen = set()
    in_strings: Reading | None = None
    for kept, of_prose in _choices(lines):
        if of_prose and in_strings is not None:
            yield in_strings
            in_strings = None
        reading = _read(kept, lines, of_prose)
        if reading is not None and (dumped := "\n".join(map(ast.dump, reading.body))) not in seen:
            seen.add(dumped)
            in_strings = in_strings or (None if of_prose else _with_strings(reading))
            yield reading
    if not seen:
        raise broken(text)


def _choices(lines: list[str]) -> Iterator[tuple[list[str], bool]]:
    """Lines that may be the code of a text, in order; the others are blank, so that numbers stay.

    With each, whether it has calls in prose.
    """
    foreign = python_of_foreign(lines)
    if foreign is not None:
        yield _with_calls(foreign, foreign), False
        return
    lines = _after_change(lines)
    whole = []
    for fenced in (*_fenced(lines), lines):
        code = _without_prompts([_plain(line) for line in fenced])
        if not parses(_dedent("\n".join(code))):
            code = _without_tracebacks(code)
        whole.append(code)
        yield code, False
    for code in whole:
        yield _with_calls(code, lines), True
    yield _with_calls([""] * len(lines), lines), True
    yield _numbered(lines), False
    yield _in_tracebacks(lines), False


def _after_change(lines: list[str]) -> list[str]:
    """The new lines of a change, if the text is one: those with a minus are gone."""
    if not any(_HUNK.match(line) for line in lines):
        return lines
    return ["" if re.match(r"(?:-|@@|\+\+\+)", line) else re.sub(r"^\+", " ", line) for line in lines]


def _plain(line: str) -> str:
    """A line without the marks around it, and without those of pytest in a failure."""
    line = re.sub(r"^>(?=   )", " ", line)
    return "" if _NO_CODE.match(line) or _FENCE.match(line) else line


def _fenced(lines: list[str]) -> Iterator[list[str]]:
    """The lines in fences, if fences are in pairs: those of programs, then those of any language."""
    fences = [
        (place, match["language"].lower()) for place, line in enumerate(lines) if (match := _FENCE.match(line))
    ]
    if not fences or len(fences) % 2:
        return
    blocks = list(zip(fences[::2], fences[1::2], strict=True))
    code = [(start, stop) for (start, language), (stop, _) in blocks if language not in _LOGS]
    whole = [(start, stop) for (start, _), (stop, _) in blocks]
    for chosen in (code, whole):
        inside = {place for start, stop in chosen for place in range(start + 1, stop)}
        if inside:
            yield [line if place in inside else "" for place, line in enumerate(lines)]


def _without_prompts(lines: list[str]) -> list[str]:
    """Only the input of an interactive session; the other lines are its output."""
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


def _traceback_lines(lines: list[str]) -> Iterator[tuple[int, bool]]:
    """The lines of tracebacks, and whether each is the code of a frame."""
    inside = after_frame = False
    for place, line in enumerate(lines):
        if _TRACEBACK.match(line) or _FRAME.match(line):
            inside, after_frame = True, bool(_FRAME.match(line))
            yield place, False
        elif inside and line.startswith((" ", "\t")):
            yield place, after_frame and not line.strip().startswith(("^", "~"))
        elif inside and line.strip():  # the message
            inside = False
            yield place, False


def _without_tracebacks(lines: list[str]) -> list[str]:
    gone = {place for place, _ in _traceback_lines(lines)}
    return ["" if place in gone else line for place, line in enumerate(lines)]


def _in_tracebacks(lines: list[str]) -> list[str]:
    code = {place for place, is_code in _traceback_lines(lines) if is_code}
    return [line.strip() if place in code else "" for place, line in enumerate(lines)]


def _numbered(lines: list[str]) -> list[str]:
    """Code with numbers of lines before it, as notebooks print that of a traceback."""
    matches = [_NUMBERED.match(line) for line in lines]
    return [match["code"] if match else "" for match in matches]


def _with_calls(code: list[str], lines: list[str]) -> list[str]:
    """The code, and the calls in the lines that are not code."""
    cleaned = textwrap.dedent("\n".join(clean(_dedent("\n".join(code)).split("\n")).lines)).split("\n")
    cleaned += [""] * (len(lines) - len(cleaned))
    prose = ["" if kept.strip() else line for kept, line in zip(cleaned, lines, strict=False)]
    text = "\n".join(prose)
    for start, source in calls_in(text.replace("`", " ")):
        place = text.count("\n", 0, start)
        before = next((line for line in reversed(cleaned[:place]) if line.strip()), "")
        opens = before.rstrip().endswith(":")
        indent = len(before) - len(before.lstrip()) + (4 if opens else 0)
        cleaned[place] = (f"{cleaned[place]}; " if cleaned[place] else " " * indent) + source
    return cleaned


def _read(code: list[str], lines: list[str], of_prose: bool) -> Reading | None:
    source = _OLD_PRINT.sub(r"\1print(\2)", _OLD_EXCEPT.sub(r"\1 as \2:", _dedent("\n".join(code))))
    kept = source.split("\n")
    body = _tree(source)
    if body is None:
        kept = textwrap.dedent("\n".join(clean(kept).lines)).split("\n")
        body = _tree("\n".join(kept))
    if not body:
        return None
    kept += [""] * (len(lines) - len(kept))
    gone = (place for place, line in enumerate(lines, 1) if line.strip() and not kept[place - 1].strip())
    return Reading(body, tuple(place for place in gone if not _is_mark(lines[place - 1])), of_prose)


def _with_strings(reading: Reading) -> Reading | None:
    """The reading with the code in its strings, such as the statement that a benchmark runs."""
    texts = [
        node.value
        for statement in reading.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    if not any(map(has_call, texts)):
        return None
    bodies = [_tree(_dedent(text)) or [] for text in texts if has_call(text) or "import " in text]
    return Reading(
        [*reading.body, *(s for body in sorted(bodies, key=_calls_last) for s in body)], reading.left_out
    )


def _calls_last(body: list[ast.stmt]) -> bool:
    return not all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in body)


def _is_mark(line: str) -> bool:
    """Whether a line says nothing: a fence, a prompt alone, a comment, or a command."""
    return bool(
        _FENCE.match(line)
        or _NO_CODE.match(line)
        or line.strip() in (">>>", "...")
        or line.strip().startswith("#")
    )


def _tree(source: str) -> list[ast.stmt] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of what the user wrote, such as an odd escape
        try:
            return ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _dedent(source: str) -> str:
    source = textwrap.dedent(source.expandtabs(8))
    first, newline, rest = source.lstrip("\n").partition("\n")
    blank = len(source) - len(source.lstrip("\n"))
    # A paste often lacks the indentation of its first line only.
    if newline and not first.startswith(" ") and not first.rstrip().endswith((":", "(", "[", "{", ",", "\\")):
        below = textwrap.dedent(rest)
        if below != rest and not parses(source):
            return "\n" * blank + first + "\n" + below
    return source.rstrip() if newline else source.strip()


def broken(text: str) -> CallError:
    """The error for a text of which no call is Python."""
    reason = ""
    try:
        ast.parse(_dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error)
    if not reason:
        return CallError(f"{short(text)} is not one call; write it as in torch.nn.ConvTranspose2d(16, 33, 3)")
    why = reason.splitlines()[0]
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
