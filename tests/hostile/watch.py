"""Watches for what reading input must never do: start programs, use the network, write files elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Breach", "watched"]

_NEVER = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.connect",
    "pickle.find_class",
)
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "shutil.rmtree", "os.chmod")


class Breach(BaseException):
    """Something that input must not bring about; no handler of errors takes it for one."""


_allowed: list[Path] = []
_installed = False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _allowed:
        return
    if event in _NEVER:
        raise Breach(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[0], str) and isinstance(arguments[2], int):
        changes = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        if changes and not _inside(arguments[0]):
            raise Breach(f"{event} {arguments}")
    if event == "sqlite3.connect" and arguments[0] != ":memory:" and not _inside(os.fspath(arguments[0])):
        raise Breach(f"{event} {arguments}")
    if event in _CHANGES and not _inside(os.fspath(arguments[0])):
        raise Breach(f"{event} {arguments}")


def _inside(path: str) -> bool:
    return Path(path).resolve().is_relative_to(_allowed[-1])


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Raise Breach for any such thing outside a folder while the block runs."""
    global _installed
    if not _installed:  # an audit hook cannot be removed
        sys.addaudithook(_audit)
        _installed = True
    _allowed.append(folder.resolve())
    try:
        yield
    finally:
        _allowed.pop()
