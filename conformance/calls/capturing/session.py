"""Capturing the transposed convolutions of a block of Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conformance.calls.capturing.captured import CapturedCall, captured_calls
from conformance.calls.capturing.events import gather
from conformance.calls.capturing.hooks import Hooks

__all__ = ["capture"]


@contextmanager
def capture() -> Iterator[list[CapturedCall]]:
    """Record the transposed convolutions that are called inside a ``with`` block, in every thread.

    The hooks are removed at the end of the block, also where it raises an exception. Layers are seen wherever they
    were made. A function that the program bound to a name of its own before the block is not, as after
    ``from torch.nn.functional import conv_transpose2d``.

    Yields
    ------
    list of CapturedCall
        Filled at the end of the block.

    Examples
    --------
    >>> with conformance.capture() as calls:
    ...     model(image)
    >>> print(calls[0].case)
    """
    events: list[dict[str, Any]] = []
    calls: list[CapturedCall] = []
    hooks = Hooks(events.append)
    hooks.install()
    try:
        yield calls
    finally:
        hooks.remove()
        calls += captured_calls(gather(list(events)))
