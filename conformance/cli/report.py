"""``conformance report``: the findings of a recorded run, as a page or in short."""

from __future__ import annotations

import json
import sqlite3
from contextlib import ExitStack, suppress
from pathlib import Path

import click

from conformance.cli.common import assess_record
from conformance.cli.options import RECORD, expectations_option, quiet_option
from conformance.reporting.finish import finish
from conformance.reports.formats.document import badge, document
from conformance.reports.formats.markdown import adapter_table
from conformance.reports.gate.assess import Gate
from conformance.reports.gate.expectations import ExpectationError, load_all
from conformance.reports.record.history import History, HistoryError
from conformance.reports.record.store import Results, ResultsError
from conformance.reports.summary.survey import survey
from conformance.runner.activity import Activity
from conformance.runner.selection import expectation_folders

__all__ = ["command"]


@click.command("report", epilog="Example: conformance report conformance-out/latest/results.sqlite --out report")
@click.argument("results", type=RECORD, metavar="RESULTS")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for index.html. Default: report, beside RESULTS.",
)
@click.option(
    "--history",
    "past",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A file of `conformance history`; the page then shows since when each finding exists.",
)
@expectations_option
@click.option(
    "--baseline",
    type=RECORD,
    metavar="RESULTS",
    help="The record of an earlier run: its discrepancies count as known, lost precision as new.",
)
@click.option("--text", "form", flag_value="text", help="Print a short report; write nothing.")
@click.option("--json", "form", flag_value="json", help="Print the run as one JSON document; write nothing.")
@click.option("--markdown", "form", flag_value="markdown", help="Print a table of the adapters for a README.")
@click.option("--badge", "form", flag_value="badge", help="Print a badge as JSON, for a shields.io endpoint.")
@quiet_option
def command(
    results: Path,
    out: Path | None,
    past: Path | None,
    expectations: tuple[str, ...],
    baseline: Path | None,
    form: str | None,
    quiet: bool,
) -> None:
    """Write the report of the recorded run RESULTS (a file, or the folder of a run), or print it in short.

    conformance/reports/formats/report.schema.json is the JSON Schema of --json.
    The record is judged again as `run` judged it; give the same --expectations and --baseline. The exit code does
    not depend on the result; use the exit codes of `run`, `merge` and `diff` in CI.
    """
    try:
        with ExitStack() as stack:
            record = stack.enter_context(Results.open(results))
            before = stack.enter_context(Results.open(baseline)) if baseline else None
            gate = assess_record(record, expectations, before)
            if "scripts" not in record.meta():  # the run was killed, or an older version wrote the record
                with suppress(sqlite3.Error, ResultsError), Results.open(results, write=True) as unfinished:
                    finish(unfinished, load_all(unfinished.adapters(), expectation_folders(expectations)))
            if form is not None:
                _PRINT[form](record, gate)
                return
            from conformance.reporting.page import write_page

            history = stack.enter_context(History(past)) if past else None
            with Activity("writing the report", quiet=quiet):
                page = write_page(record, out or results.parent / "report", gate, before, history)
            click.echo(page)
    except (ResultsError, ExpectationError, HistoryError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write the report: {error}") from None


def _print_text(record: Results, gate: Gate) -> None:
    from conformance.reports.formats.terminal import print_report

    print_report(record, gate)


def _print_json(record: Results, gate: Gate) -> None:
    click.echo(json.dumps(document(record, gate), indent=2, allow_nan=False))


def _print_markdown(record: Results, gate: Gate) -> None:
    click.echo(adapter_table(survey(record)))


def _print_badge(record: Results, gate: Gate) -> None:
    click.echo(json.dumps(badge(record, gate)))


_PRINT = {"text": _print_text, "json": _print_json, "markdown": _print_markdown, "badge": _print_badge}
