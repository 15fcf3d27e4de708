"""``conformance report``: what a recorded run found, as a page or in short."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from reports.history import History, HistoryError
from reports.store import Results, ResultsError

__all__ = ["command"]


@click.command("report", epilog="Example: conformance report conformance-out/results.sqlite --out report")
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for index.html. Default: report, beside RESULTS."
)
@click.option(
    "--history",
    "past",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of `conformance history`, to say since when findings are there.",
)
@click.option("--text", is_flag=True, help="Print the answer in short; write nothing.")
def command(results: Path, out: Path | None, past: Path | None, text: bool) -> None:
    """Write the report of the recorded run RESULTS, or print it in short."""
    try:
        record = Results.open(results)
    except ResultsError as error:
        raise click.UsageError(str(error)) from None
    with record:
        if text:
            from reports.terminal import print_report

            print_report(record)
            return
        from conformance.page import write_page

        try:
            with ExitStack() as stack:
                history = stack.enter_context(History(past)) if past else None
                click.echo(write_page(record, out or results.parent / "report", history=history))
        except HistoryError as error:
            raise click.UsageError(str(error)) from None
        except OSError as error:
            raise click.UsageError(f"cannot write the report: {error}") from None
