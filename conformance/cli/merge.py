"""``conformance merge``: shards into one record, and the gate over all of it."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.cli.common import print_gate
from conformance.cli.options import expectations_option
from conformance.reporting.finish import Further, finish, here, write_files
from conformance.reports.formats.markdown import totals_line
from conformance.reports.gate.exit_codes import gate_exit_code
from conformance.reports.gate.expectations import ExpectationError, load_all
from conformance.reports.record.merge import merge
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.selection import expectation_folders

__all__ = ["command"]


@click.command(
    "merge", epilog="Example: conformance merge shard-*/results.sqlite --out all/results.sqlite --report"
)
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RESULTS...")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The file to write.")
@click.option("--report", is_flag=True, help="Write report, summary and JUnit XML beside FILE.")
@expectations_option
def command(results: tuple[Path, ...], out: Path, report: bool, expectations: tuple[str, ...]) -> None:
    """Put the records RESULTS together and judge them as one run, with the exit code of `run`.

    Interrupted shards are welcome. A question that nobody answered is missing, also if the whole shard is.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        merged = merge(results, out)
        if merged.twice:
            differently = f"{merged.conflicts} of them differently"
            click.echo(f"{merged.twice} questions were answered twice, {differently}; the first answer counts")
        with Results.open(out, write=True) as record:
            known = load_all(record.adapters(), expectation_folders(expectations))
            gate = finish(record, known, further=Further(here(record)))
            if report:
                write_files(record, out.parent, gate)
            print_gate(gate, record.cases(), summary=out.parent / "summary.md" if report else None)
            click.echo(totals_line(record))
    except (ResultsError, ExpectationError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write {out}: {error}") from None
    raise click.exceptions.Exit(gate_exit_code(gate))
