"""What a process said before it crashed: the framework's own lines, without stacks and without our own process's.

A crash is recorded as the name of its signal and, below it, what the process wrote to its standard error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["last_line", "own_lines", "without_stacks"]

# Where Python's faulthandler begins, which describes our own process to the end of the text.
_FAULTHANDLER = re.compile(
    r"^(Fatal Python error: |(Current t|T)hread 0x[0-9a-f]+.*\(most recent call first\):|Extension modules: )"
)
# Frames of native stacks, and the lines that announce them.
_STACK = re.compile(
    r"^\s*(@\s+0x[0-9a-f]+|#\d+\s+0x|PC: @|\*\*\* (Check failure stack trace|SIG[A-Z]+ received at|Aborted at)"
    r'|File ".*", line \d+ in |\[[^\]]*\+?0x[0-9a-f]+\]?$)'
)
# glog, absl and TensorFlow begin a line with its severity, the time and the thread, which change from run to run.
_GLOG = re.compile(r"^(?P<severity>[IWEF])\d{4,8} \d\d:\d\d:\d\d\.\d+\s+\d+ ")
_TENSORFLOW = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: (?P<severity>[IWEF]) ")
_WHY = re.compile(
    r"Check failed|\bcheck failed\b|Assertion .*failed|terminate called|^\s*what\(\):|LLVM ERROR|panicked at"
    r"|^(free|malloc|realloc|calloc|munmap_chunk)(_consolidate)?\(\)"
    r"|^(double free|corrupted |stack smashing|malloc: )"
    r"|\*\*\* .* \*\*\*: terminated|^(?i:fatal)\b"
)


def last_line(detail: str) -> str:
    """The last line in which the framework itself says why its process ends.

    Parameters
    ----------
    detail : str
        The name of the signal, and on the lines after it what the process wrote to its standard error.

    Returns
    -------
    str
        A check that failed, an error of the allocator, or else the last line that is no piece of information;
        without the time and the thread. Empty where the framework said nothing.
    """
    said = [_severity(line) for line in own_lines(detail)]
    fatal = [line for severity, line in said if severity == "F" or _WHY.search(line)]
    errors = [line for severity, line in said if severity not in ("I", "W")]
    return next(iter([*reversed(fatal), *reversed(errors)]), "").strip()


def without_stacks(detail: str) -> str:
    """The name of the signal, and below it the framework's own lines."""
    return "\n".join([*detail.splitlines()[:1], *own_lines(detail)])


def own_lines(detail: str) -> list[str]:
    """The lines that the framework wrote, without stacks and without our own process's report."""
    _, *lines = detail.splitlines() or [""]
    return [line.rstrip() for line in _before_faulthandler(lines) if line.strip() and not _STACK.match(line)]


def _before_faulthandler(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if _FAULTHANDLER.match(line):
            return
        yield line


def _severity(line: str) -> tuple[str, str]:
    """How grave a line of a log is, and what it says; "" for a line that is no log's."""
    for pattern in (_GLOG, _TENSORFLOW):
        found = pattern.match(line)
        if found:
            return found["severity"], line[found.end() :]
    return "", line
