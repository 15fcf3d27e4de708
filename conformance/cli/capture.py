"""``conformance capture``: the transposed convolutions that a program really calls."""

from __future__ import annotations

import json
import sys
from typing import TextIO

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.calls.capturing.captured import CapturedCall, captured_calls
from conformance.calls.capturing.program import run_program
from conformance.reports.formats.terminal import console_for_tables

__all__ = ["command"]


@click.command(
    "capture",
    context_settings={"allow_interspersed_args": False},
    epilog="Examples: conformance capture -- python train.py --epochs 1; "
    "conformance capture --json -- python -m package.module > calls.json; "
    "conformance capture --python env/bin/python -- script.py",
)
@click.option(
    "--out",
    type=click.File("w", encoding="utf-8", lazy=False),
    metavar="FILE",
    help="File for the calls, as JSON.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object; the program then prints on standard error."
)
@click.option(
    "--python",
    metavar="PATH",
    help="The interpreter that runs `python ...` or a script. Default: that of the active environment, else "
    "that of this command.",
)
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND ...")
def command(out: TextIO | None, as_json: bool, python: str | None, program: tuple[str, ...]) -> None:
    """Run COMMAND, and record each transposed convolution that it calls, as a case.

    The program runs unchanged: its output and its exit code are its own. Without --json and --out, the calls are
    listed on standard error after it has ended. A program that crashes leaves the calls made so far, the fatal one
    last. docs/capture.md says what is seen in each framework.
    """
    try:
        ran = run_program(program, python=python, stdout=sys.stderr if as_json else None)
    except OSError as error:
        raise click.UsageError(f"{error.filename or program[0]} cannot be run: {error.strerror}") from None
    calls = captured_calls(ran.recorded)
    document = json.dumps({"calls": [call.as_json() for call in calls]}, indent=2)
    if out is not None:
        out.write(document + "\n")
    if as_json:
        click.echo(document)
    elif out is None:
        _print(calls)
    for problem in ran.recorded.problems:
        click.echo(f"conformance: {problem}", err=True)
    if not ran.recorded.started:
        click.echo(
            "conformance: the command started no Python that reads PYTHONPATH; nothing was recorded", err=True
        )
    raise click.exceptions.Exit(ran.exit_code)


def _print(calls: list[CapturedCall]) -> None:
    console = console_for_tables(stderr=True)
    if not calls:
        console.print("no transposed convolution was called")
        return
    table = Table("where", "layer", "call", "times", "case", box=box.SIMPLE)
    for call in calls:
        cells = (call.where or "", call.name or "", call.api, str(call.count), str(call.case or "none"))
        table.add_row(*map(escape, cells))
    console.print(table)
    places: dict[str, dict[str, None]] = {}
    for call in calls:
        for note in call.notes:
            places.setdefault(note, {})[call.where or call.api] = None
    for note, where in places.items():
        console.print(escape(f"{', '.join(where)}: {note}"), soft_wrap=True)
