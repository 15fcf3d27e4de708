"""What a process wrote before it crashed: the lines of the framework, without stacks and without our own lines.

The detail of a crash is the name of its signal and, below it, what the process wrote to standard error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["last_line", "own_lines", "without_stacks"]

# The first line of Python's faulthandler, which describes our own process up to the end of the text.
_FAULTHANDLER = re.compile(
    r"^(Fatal Python error: |(Current t|T)hread 0x[0-9a-f]+.*\(most recent call first\):|Extension modules: )"
)
# Frames of native stacks, and the lines that announce them.
_STACK = re.compile(
    r"^\s*(@\s+0x[0-9a-f]+|#\d+\s+0x|PC: @|\*\*\* (Check failure stack trace|SIG[A-Z]+ received at|Aborted at)"
    r'|File ".*", line \d+ in |\[[^\]]*\+?0x[0-9a-f]+\]?$)'
)
# glog, absl and TensorFlow start a line with its severity, then the time and the thread, which change every run.
_GLOG = re.compile(r"^(?P<severity>[IWEF])\d{4,8} \d\d:\d\d:\d\d\.\d+\s+\d+ ")
_TENSORFLOW = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: (?P<severity>[IWEF]) ")
_WHY = re.compile(
    r"Check failed|\bcheck failed\b|Assertion .*failed|terminate called|^\s*what\(\):|LLVM ERROR|panicked at"
    r"|^(free|malloc|realloc|calloc|munmap_chunk)(_consolidate)?\(\)"
    r"|^(double free|corrupted |stack smashing|malloc: )"
    r"|\*\*\* .* \*\*\*: terminated|^(?i:fatal)\b"
)


def last_line(detail: str) -> str:
    """The last line in which the framework itself reports why its process ends.

    Parameters
    ----------
    detail : str
        The name of the signal, and on the lines after it what the process wrote to standard error.

    Returns
    -------
    str
        A failed check, an error of the allocator, or else the last line that is neither information nor a warning;
        without the time and the thread. Empty if the framework wrote nothing.
    """
    graded = [_severity(line) for line in own_lines(detail)]
    fatal = [line for severity, line in graded if severity == "F" or _WHY.search(line)]
    errors = [line for severity, line in graded if severity not in ("I", "W")]
    return next(iter([*reversed(fatal), *reversed(errors)]), "").strip()


def without_stacks(detail: str) -> str:
    """The name of the signal, and below it the lines of the framework."""
    return "\n".join([*detail.splitlines()[:1], *own_lines(detail)])


def own_lines(detail: str) -> list[str]:
    """The lines that the framework wrote, without stacks and without the report of faulthandler."""
    _, *lines = detail.splitlines() or [""]
    return [line.rstrip() for line in _before_faulthandler(lines) if line.strip() and not _STACK.match(line)]


def _before_faulthandler(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if _FAULTHANDLER.match(line):
            return
        yield line


def _severity(line: str) -> tuple[str, str]:
    """The severity and the text of a line of a log; "" as severity of any other line."""
    for pattern in (_GLOG, _TENSORFLOW):
        match = pattern.match(line)
        if match:
            return match["severity"], line[match.end() :]
    return "", line
