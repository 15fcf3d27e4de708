"""``conformance diff``: the changes from one recorded run to the next."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import click

from conformance.cli.common import print_gate, say_next_of
from conformance.cli.options import RECORD, quiet_option
from conformance.oracle.error_bound import TIGHTEST_FIRST
from conformance.reports.gate.diff import compare, gate_of
from conformance.reports.gate.exit_codes import gate_exit_code
from conformance.reports.gate.machines import by_machine, machine_lines
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.activity import Activity

__all__ = ["command"]


@click.command("diff", epilog="Example: conformance diff old/results.sqlite new/results.sqlite --html changes")
@click.argument("old", type=RECORD, metavar="OLD")
@click.argument("new", type=RECORD, metavar="NEW")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--html",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the report of NEW into this folder, with the outcomes of OLD beside those of NEW.",
)
@quiet_option
def command(old: Path, new: Path, as_json: bool, folder: Path | None, quiet: bool) -> None:
    """Compare the recorded runs OLD and NEW: new, fixed and changed discrepancies, and lost precision.

    The exit code is 1 if an adapter that is in both runs has a new discrepancy in NEW. An adapter that is not in
    OLD is listed as not run before. Expectations are not used.
    """
    try:
        with ExitStack() as stack:
            with Activity("reading the records", quiet=quiet) as say:
                earlier, later = (stack.enter_context(Results.open(path)) for path in (old, new))
                say("comparing the two runs")
                gate = gate_of(earlier, later, TIGHTEST_FIRST)
                difference = compare(earlier, later, gate)
            if as_json:
                click.echo(json.dumps(difference, indent=2))
            else:
                counts = difference["asked"]
                click.echo(
                    f"cases in both runs: {counts['both']}, only in {old}: {counts['only_old']}, "
                    f"only in {new}: {counts['only_new']}"
                )
                for line in machine_lines(difference["facts"], by_machine(later)):
                    click.echo(line)
                print_gate(gate, later.cases())
                for adapter, failures in difference["not_asked_before"].items():
                    wrong = f"{failures} of its outcomes fail" if failures else "no outcome fails"
                    click.echo(f"  {adapter}: not run before; {wrong}")
                if not quiet:
                    say_next_of(gate, later.cases())
            if folder is not None:
                from conformance.reporting.page import write_page

                with Activity("writing the page", quiet=quiet):
                    page = write_page(later, folder, gate, earlier)
                click.echo(f"page: {page}", err=as_json)
    except ResultsError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write into {folder}: {error}") from None
    raise click.exceptions.Exit(gate_exit_code(gate))
