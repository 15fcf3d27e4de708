"""What GitHub Actions shows: annotations on the page of the run, and the job summary."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from conformance.reports.gate.text import Line
from conformance.reports.record.cut_text import cut

__all__ = ["tell_github", "workflow_commands"]

_MOST_ANNOTATIONS = 10  # GitHub shows no more errors of one step
_MOST_CHARACTERS = 500
_SUMMARY_BYTES = 1_000_000  # GitHub drops a step's summary above 1 MiB


def tell_github(summary: Path | None, lines: Iterable[Line]) -> None:
    """Print annotations and append the job summary where this runs in GitHub Actions; elsewhere do nothing.

    Parameters
    ----------
    summary : Path or None
        The Markdown summary of the run, if there is one.
    lines : iterable of Line
        The lines of the gate; those that fail it become annotations.
    """
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for command in workflow_commands(lines):
            print(command)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page and summary is not None and summary.is_file():
        with (
            suppress(OSError),
            open(page, "a", encoding="utf-8") as file,
        ):  # a run must not fail because of its summary
            file.write(summary.read_text("utf-8")[: _SUMMARY_BYTES // 4] + "\n")


def workflow_commands(lines: Iterable[Line]) -> Iterator[str]:
    """The workflow commands that show as errors what fails the gate."""
    failing = [line for line in lines if line.fails]
    for line in failing[:_MOST_ANNOTATIONS]:
        title = _escape(f"conformance: {line.standing}").replace(":", "%3A").replace(",", "%2C")
        yield f"::error title={title}::{_escape(cut(line.text, _MOST_CHARACTERS))}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
