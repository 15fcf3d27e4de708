"""Progress and notes of a command, on standard error unless ``--quiet`` is given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import click

__all__ = ["notes"]


def notes(*, quiet: bool) -> Callable[[str], None]:
    """The function that prints a line about the progress, or nothing."""
    return _nothing if quiet else partial(click.echo, err=True)


def _nothing(line: str) -> None:
    """Print nothing."""
