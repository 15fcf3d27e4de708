"""Wrapping the functions of a framework, and putting them back."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from .recorder import Recorder

__all__ = ["Patches"]

_MISSING = object()
# What a hook makes of the arguments: the call as plain data; None if it is not a transposed convolution; an empty
# dictionary if nothing is computed, neither here nor in what this function calls.
Describe = Callable[[tuple[Any, ...], "dict[str, Any]"], "dict[str, Any] | None"]


class Patches:
    """The functions that are wrapped at present.

    Only the outermost wrapped function records: a layer of Keras, not the function of its backend below it.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._undo: list[Callable[[], None]] = []
        self._thread = threading.local()

    def wrap(self, owner: Any, name: str, describe: Describe) -> Any:
        """Wrap a function, if ``owner`` has it; returns the wrapper, or None."""
        original = getattr(owner, name, None)
        return None if original is None else self.replace(owner, name, self.wrapper(original, describe))

    def wrapper(self, original: Any, describe: Describe) -> Any:
        """A function that records a call and then makes it."""

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            call = None if getattr(self._thread, "inside", False) else self._described(describe, args, kwargs)
            if call is None:
                return original(*args, **kwargs)
            number = self.recorder.start(call) if call else None
            self._thread.inside = True
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                if number:
                    self.recorder.raised(number, error)
                raise
            finally:
                self._thread.inside = False
            if number:
                self.recorder.returned(number, call, result)
            return result

        # AutoGraph compiles a function's source; one with this attribute it calls as it is.
        wrapper.autograph_info__ = {}  # type: ignore[attr-defined]
        return wrapper

    def replace(self, owner: Any, name: str, value: Any) -> Any:
        """Set an attribute until ``undo``; returns the value."""
        before = vars(owner).get(name, _MISSING)
        setattr(owner, name, value)
        self.at_undo(lambda: delattr(owner, name) if before is _MISSING else setattr(owner, name, before))
        return value

    def at_undo(self, step: Callable[[], None]) -> None:
        """Add a step that ``undo`` takes."""
        self._undo.append(step)

    def undo(self) -> None:
        """Put everything back, the last change first."""
        while self._undo:
            self._undo.pop()()

    def _described(self, describe: Describe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._thread.inside = True  # what describing calls is not the program's
        try:
            return describe(args, kwargs)
        except Exception as error:  # arguments that the framework will refuse, or that this hook does not know
            self.recorder.problem(f"the arguments of a call could not be read: {error!r}")
            return None
        finally:
            self._thread.inside = False
