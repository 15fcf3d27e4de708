"""What is raised for a call that cannot be read."""

from __future__ import annotations

__all__ = ["CallError"]


class CallError(ValueError):
    """Text that is no call this suite can read, or arguments its framework does not take."""
