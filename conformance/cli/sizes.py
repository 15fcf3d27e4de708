"""``conformance sizes``: the arguments that give an output size, in each framework."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.cases.geometry import Axis
from conformance.cli.choices import NameChoice
from conformance.cli.options import quiet_option
from conformance.porting.sizes import FAMILIES, legal, nearest, where
from conformance.reports.formats.terminal import console_for_tables
from conformance.runner.activity import Activity

__all__ = ["command"]

_SIZE = click.IntRange(0, 10**9)
_COUNT = click.IntRange(1, 10**6)


@click.command(
    "sizes", epilog="Example: conformance sizes --input 62 --output 489 --kernel 16 --stride 8 --for keras"
)
@click.option("--input", "input_size", type=_SIZE, required=True, help="Input size along one axis.")
@click.option("--output", "output_size", type=_SIZE, required=True, help="Desired output size.")
@click.option("--kernel", type=_COUNT, required=True, help="Kernel size.")
@click.option("--stride", type=click.IntRange(1, 1000), default=1, show_default=True, help="Stride.")
@click.option("--dilation", type=click.IntRange(1, 1000), default=1, show_default=True, help="Dilation.")
@click.option(
    "--for",
    "families",
    multiple=True,
    type=NameChoice(list(FAMILIES)),
    help="Only this framework; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@quiet_option
def command(
    input_size: int,
    output_size: int,
    kernel: int,
    stride: int,
    dilation: int,
    families: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Print all the arguments that turn one size into another, and where the extra pixel lands.

    Where a framework accepts any explicit crop, only the most centred ones are listed.
    """
    axis = Axis(input_size, kernel, stride, dilation)
    with Activity("looking for arguments", quiet=quiet) as say:
        arguments = {name: legal(axis, output_size, name) for name in families or FAMILIES}
        say("looking for the nearest possible sizes")
        missing = [] if as_json else [name for name, entries in arguments.items() if not entries]
        possible = {name: nearest(axis, output_size, name) for name in missing}
    if as_json:
        rows = {name: [asdict(entry) for entry in entries] for name, entries in arguments.items()}
        click.echo(json.dumps({"full_size": axis.full_size, "arguments": rows}, indent=2))
        return
    console = console_for_tables()
    spare = axis.full_size - output_size
    change = f"{spare} {'is' if spare == 1 else 'are'} cut" if spare >= 0 else f"{-spare} must be added"
    console.print(
        f"{input_size} to {output_size}: the full result has {axis.full_size}, so {change} (front, back)",
        soft_wrap=True,
    )
    table = Table("framework", "arguments", "cut", "the extra pixel", box=box.SIMPLE)
    for name, entries in arguments.items():
        for entry in entries:
            place = f"{where(entry.crop)}; {entry.note}" if entry.note else where(entry.crop)
            table.add_row(name, escape(entry.arguments), f"{entry.crop[0]}, {entry.crop[1]}", place)
        if not entries:
            close = " and ".join(map(str, possible[name])) or "no size"
            table.add_row(name, f"none; nearest possible size: {close}", "", "")
    console.print(table)
