"""What a command does at the moment, on standard error, where that takes longer than a second."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any

import click

__all__ = ["Activity"]

_QUICK_SECONDS = 1.0


class Activity:
    """Says what happens: a spinner on a terminal, plain lines elsewhere. Use it in a ``with`` block.

    Standard output is for results: print them after the block.

    Parameters
    ----------
    text : str
        What happens first; call the object to say what happens next.
    quiet : bool
        Whether to print nothing.
    """

    def __init__(self, text: str, *, quiet: bool = False) -> None:
        self._text, self._quiet = text, quiet
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._spinner: Any = None

    def __enter__(self) -> Activity:
        self(self._text)
        return self

    def __call__(self, text: str) -> None:
        """Say what happens now."""
        self._stop()
        self._text = text
        if not self._quiet:
            self._timer = threading.Timer(_QUICK_SECONDS, self._show)
            self._timer.daemon = True
            self._timer.start()

    def _show(self) -> None:
        if not sys.stderr.isatty():
            click.echo(f"{self._text} …", err=True)
            return
        # A quick command does not need rich.
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        with self._lock:
            if self._timer is None:
                return
            console = Console(stderr=True, highlight=False)
            spinner = Live(
                Spinner("dots", self._text), console=console, transient=True,
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            spinner.start()
            self._spinner = spinner

    def _stop(self) -> None:
        with self._lock:
            timer, self._timer = self._timer, None
            spinner, self._spinner = self._spinner, None
        if timer is not None:
            timer.cancel()
        if spinner is not None:
            spinner.stop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
