"""The lines of the gate on a terminal: none is longer than 120 columns, and no word is cut."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence

from conformance.reports.gate.text import Line
from conformance.reports.record.cut_text import cut

__all__ = ["WIDTH", "shell_lines", "terminal_lines"]

WIDTH = 120
_MORE = " " * 4
_MOST_CAUSE = 3 * (WIDTH - len(_MORE))
_MOST_KNOWN = WIDTH - len(_MORE)


def terminal_lines(line: Line) -> list[str]:
    """One line of the gate: what it is and how many cases, the cause, the smallest case, how to look into it.

    The reason of a known discrepancy is cut to one line; the report has all of it.
    """
    start = f"  {line.standing}: "
    if line.summary is None:
        return _wrapped(start + line.text)
    part = line.summary
    cause = cut(part.cause, _MOST_CAUSE if line.fails else _MOST_KNOWN)
    return [
        *_wrapped(f"{start}{part.counted}, {part.name}"),
        *_wrapped(_MORE + cause),
        *([_MORE + part.link] if part.link else []),
        *([f"{_MORE}smallest case {part.smallest}"] if line.fails else []),
        *shell_lines(part.command),
    ]


def shell_lines(words: Sequence[str], start: str = _MORE) -> list[str]:
    """A command for a shell after some text, on more than one line if it is long."""
    command = start + shlex.join(words)
    if len(command) <= WIDTH:
        return [command]
    lines = [start + shlex.quote(words[0])]
    for word in words[1:]:
        quoted = shlex.quote(word)
        if len(lines[-1]) + len(quoted) + len("  \\") > WIDTH:
            lines[-1] += " \\"
            lines.append(f"{_MORE}    {quoted}")
        else:
            lines[-1] += f" {quoted}"
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=_MORE, break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True,
    )  # fmt: skip
