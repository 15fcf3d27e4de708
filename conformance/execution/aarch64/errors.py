"""The error that stops a build: one line that says what to do."""

from __future__ import annotations

__all__ = ["BuildError"]


class BuildError(Exception):
    """The environment cannot be built here; the message says why and what helps."""
