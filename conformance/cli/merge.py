"""``conformance merge``: several records into one, and the gate over all of it."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.cli.common import print_gate, say_next_of
from conformance.cli.options import RECORD, expectations_option, quiet_option
from conformance.reporting.finish import Further, finish, here, write_files
from conformance.reports.formats.markdown import totals_line
from conformance.reports.gate.exit_codes import gate_exit_code
from conformance.reports.gate.expectations import ExpectationError, load_all
from conformance.reports.record.merge import merge
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.activity import Activity
from conformance.runner.selection import expectation_folders

__all__ = ["command"]


@click.command(
    "merge", epilog="Example: conformance merge shard-*/results.sqlite --out all/results.sqlite --report"
)
@click.argument("results", nargs=-1, required=True, type=RECORD, metavar="RESULTS...")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The file to write.")
@click.option("--report", is_flag=True, help="Write report, summary and JUnit XML beside FILE.")
@expectations_option
@quiet_option
def command(
    results: tuple[Path, ...], out: Path, report: bool, expectations: tuple[str, ...], quiet: bool
) -> None:
    """Merge the records RESULTS and judge them as one run, with the exit codes of `run`.

    Incomplete shards are accepted; cases without a result, including those of an absent shard, count as missing.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with Activity("merging the records", quiet=quiet):
            merged = merge(results, out)
        if merged.twice:
            click.echo(
                f"cases in two records: {merged.twice}, with different outcomes: {merged.conflicts}; "
                "the first outcome counts"
            )
        if merged.earlier is not None:
            click.echo(f"the earlier record is {merged.earlier}")
        with Results.open(out, write=True) as record:
            entries = load_all(record.adapters(), expectation_folders(expectations))
            with Activity("judging the outcomes", quiet=quiet) as say:
                gate = finish(record, entries, further=Further(here(record)), say=say)
                if report:
                    say("writing the report")
                    write_files(record, out.parent, gate)
            print_gate(gate, record.cases(), summary=out.parent / "summary.md" if report else None, quiet=quiet)
            if not quiet:
                say_next_of(gate, record.cases(), otherwise=() if report else ("conformance", "report", str(out)))
            click.echo(totals_line(record))
    except (ResultsError, ExpectationError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write {out}: {error}") from None
    raise click.exceptions.Exit(gate_exit_code(gate))
