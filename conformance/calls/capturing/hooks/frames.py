"""What the stack says of a call: the user's line, and the layers that it went through."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

__all__ = ["attribute_path", "frames", "is_user_file", "layers", "user_line"]

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STANDARD = tuple(os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib"))
_INSTALLED = tuple(os.sep + name + os.sep for name in ("site-packages", "dist-packages"))
_DEEPEST = 6


def frames() -> Iterator[FrameType]:
    """The frames of the stack, innermost first, without those of the hooks."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_HERE):
            yield frame
        frame = frame.f_back


def is_user_file(path: str) -> bool:
    """Whether a file is the user's, not an installed package's or the standard library's."""
    return not (
        path.startswith(("<", _HERE))
        or any(part in path for part in _INSTALLED)
        or os.path.realpath(path).startswith(_STANDARD)
    )


def user_line() -> list[Any] | None:
    """File and line of the innermost frame in the user's own files; None if there is none."""
    for frame in frames():
        if is_user_file(frame.f_code.co_filename):
            return [os.path.abspath(frame.f_code.co_filename), frame.f_lineno]
    return None


def layers(is_layer: Callable[[Any], bool]) -> list[Any]:
    """The layers whose methods are running, innermost first, each once."""
    running: list[Any] = []
    for frame in frames():
        code = frame.f_code
        layer = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        # A method has its object as the first argument, whatever that is called.
        is_method = is_layer(layer) and hasattr(type(layer), code.co_name)
        if is_method and all(layer is not other for other in running):
            running.append(layer)
    return running


def attribute_path(root: Any, target: Any) -> str | None:
    """The attributes and indices that lead from one object to another, such as ``blocks.0.up``; or None."""
    level: list[tuple[str, Any]] = [("", root)]
    seen = {id(root)}
    for _ in range(_DEEPEST):
        below: list[tuple[str, Any]] = []
        for path, owner in level:
            for name, value in _parts(owner):
                if id(value) in seen:
                    continue
                seen.add(id(value))
                full = f"{path}.{name}" if path else str(name)
                if value is target:
                    return full
                below.append((full, value))
        level = below
    return None


def _parts(owner: Any) -> list[tuple[Any, Any]]:
    if isinstance(owner, dict):
        return list(owner.items())
    if isinstance(owner, (list, tuple)):
        return list(enumerate(owner))
    values = getattr(owner, "__dict__", None)
    return list(values.items()) if isinstance(values, dict) and not isinstance(owner, type) else []
