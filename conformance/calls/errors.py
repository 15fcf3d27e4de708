"""The error for a call that cannot be read."""

from __future__ import annotations

__all__ = ["CallError"]


class CallError(ValueError):
    """The text is not a call that this suite can read, or its framework does not take the arguments."""
