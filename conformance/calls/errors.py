"""The errors for a call that cannot be read."""

from __future__ import annotations

__all__ = ["CallError", "OtherOperation"]


class CallError(ValueError):
    """The text is not a call that this suite can read, or its framework does not take the arguments."""


class OtherOperation(CallError):
    """The call is not a transposed convolution, although calls of this name can be."""
