"""``conformance report``: what a recorded run found, as a page or in short."""

from __future__ import annotations

from pathlib import Path

import click

from reports.store import Results, ResultsError

__all__ = ["command"]


@click.command("report", epilog="Example: conformance report conformance-out/results.sqlite --out report")
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for index.html. Default: report, beside RESULTS."
)
@click.option("--text", is_flag=True, help="Print the answer in short; write nothing.")
def command(results: Path, out: Path | None, text: bool) -> None:
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
        from reports.html import write_report

        try:
            click.echo(write_report(record, out or results.parent / "report"))
        except OSError as error:
            raise click.UsageError(f"cannot write the report: {error}") from None
