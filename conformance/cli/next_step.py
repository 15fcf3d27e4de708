"""The line at the end of a command that says what to do next."""

from __future__ import annotations

import sys

import click

__all__ = ["say_next"]


def say_next(*words: str, quiet: bool = False, data: bool = False) -> None:
    """Print a command to run next, for a shell.

    Parameters
    ----------
    words : str
        The command.
    quiet : bool
        Whether to print nothing.
    data : bool
        Whether standard output is for a file or a program; the line then goes to standard error, if that is a
        terminal.
    """
    if quiet or (data and not sys.stderr.isatty()):
        return
    from conformance.reports.formats.gate_lines import shell_lines  # commands that fail early do not need it

    lines = shell_lines(words, "next: ")
    click.echo("\n".join(lines), err=data)
