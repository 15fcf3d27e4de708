"""``conformance port``: the equivalent call of another framework."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case, DomainError
from conformance.cases.tiers import TIERS, load_tier
from conformance.cli.case_argument import read_case, shape_options
from conformance.cli.choices import NameChoice
from conformance.cli.common import require_startable, resolve_adapter, resolve_adapters
from conformance.cli.options import adapter_option, quiet_option, timeout_option
from conformance.porting import AdapterCannotStart, find_port
from conformance.porting.matrix import matrix, port_all
from conformance.porting.script import port_text
from conformance.porting.store import KINDS, Ported, PortsError, PortsRecord
from conformance.reports.formats.terminal import console_for_tables
from conformance.reports.gate.exit_codes import DISCREPANCY, INFRA
from conformance.runner.activity import Activity
from conformance.runner.notes import notes

__all__ = ["command"]

# People port to a framework; these are the interfaces they mean.
_FRAMEWORKS = {
    "keras": "keras-tensorflow",
    "tensorflow": "tf-nn",
    "jax": "jax-lax",
    "flax": "flax-nnx",
    "onnx": "onnxruntime",
}


@click.command(
    "port",
    epilog="Example: conformance port \"keras.layers.Conv2DTranspose(64, 3, padding='same')\" --to torch",
)
@click.argument("case", required=False)
@click.option("--to", "target", metavar="NAME", help="The adapter, or the framework, to port to.")
@shape_options
@click.option(
    "--table", is_flag=True, help="Port all cases of a tier between every pair of adapters; print a table."
)
@adapter_option
@click.option(
    "--tier", type=NameChoice(list(TIERS)), default="smoke", show_default=True, help="The cases of --table."
)
@click.option(
    "-n",
    "workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many adapters --table runs at a time.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File in which --table saves each port it finds.",
)
@click.option("--resume", is_flag=True, help="Resume the --table in --out, and port again what was wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print --table as one JSON object.")
@timeout_option()
@quiet_option
def command(
    case: str | None,
    target: str | None,
    input_shape: tuple[int, ...] | None,
    weight_shape: tuple[int, ...] | None,
    node: str | None,
    number: int | None,
    dtype: str | None,
    table: bool,
    adapters: tuple[str, ...],
    tier: str,
    workers: int,
    out: Path | None,
    resume: bool,
    as_json: bool,
    timeout: float,
    quiet: bool,
) -> None:
    """Translate CASE (a framework call, a case id or a model) into the equivalent call of another framework.

    Prints the call, how to convert the weights and any steps around the call, all verified on random weights,
    forward and gradients; or the reason why there is no such call. --table ports every case of a tier to every
    adapter, verifies each port, and exits with 1 if one is wrong for an unknown reason.
    """
    limits = ProcessLimits(answer=timeout)
    if table:
        if case or target:
            raise click.UsageError("--table takes no CASE and no --to")
        if resume and out is None:
            raise click.UsageError("--resume needs --out, the file of the interrupted --table")
        specs = resolve_adapters(adapters)
        if len(specs) < 2:
            raise click.UsageError("--table needs at least two adapters")
        ported = _port_all(specs, tier, limits, workers, out, resume, say=notes(quiet=quiet))
        _print_table(ported, tier, as_json)
        wrong = any(entry.kind == "wrong" for entries in ported.values() for entry in entries.values())
        raise click.exceptions.Exit(DISCREPANCY if wrong else 0)
    if out is not None or resume:
        raise click.UsageError("--out and --resume are for --table")
    if not case or not target:
        raise click.UsageError("give CASE and --to, such as --to torch or --to jax-lax, or --table")
    meaning = read_case(case, input_shape, weight_shape, node, number, dtype)
    try:
        meaning.case.geometry()
    except DomainError as error:
        raise click.UsageError(f"{meaning.case} is invalid, so there is nothing to port: {error}") from None
    spec = resolve_adapter(_FRAMEWORKS.get(target, target))
    require_startable([spec])
    with AdapterProcess(spec, limits) as host:
        try:
            with Activity(f"looking for a call of {spec.name} and verifying it", quiet=quiet):
                port = find_port(meaning.case, host)
        except AdapterCannotStart as error:
            raise _stop(error) from None
        if isinstance(port, str):
            click.echo(f"# {spec.name} cannot run {meaning.case}, not even with steps around a call. {port}")
            raise click.exceptions.Exit(DISCREPANCY)
        click.echo(port_text(meaning, port, host), nl=False)
    raise click.exceptions.Exit(DISCREPANCY if port.proof.problem else 0)


def _port_all(
    specs: list[AdapterSpec],
    tier: str,
    limits: ProcessLimits,
    workers: int,
    out: Path | None,
    resume: bool,
    say: Callable[[str], None],
) -> dict[str, dict[Case, Ported]]:
    try:
        with PortsRecord(out, resume=resume) as record:
            return port_all(
                specs,
                load_tier(tier),
                limits,
                record,
                workers=workers,
                say=say,
            )
    except PortsError as error:
        raise click.UsageError(str(error)) from None
    except AdapterCannotStart as error:
        raise _stop(error) from None


def _stop(error: AdapterCannotStart) -> click.exceptions.Exit:
    click.echo(f"conformance: {error}", err=True)
    return click.exceptions.Exit(INFRA)


def _print_table(ported: dict[str, dict[Case, Ported]], tier: str, as_json: bool) -> None:
    pairs = matrix(ported)
    if as_json:
        cells = [{"from": one, "to": other, **counts} for (one, other), counts in pairs.items()]
        into = {name: Counter(entry.kind for entry in entries.values()) for name, entries in ported.items()}
        click.echo(json.dumps({"tier": tier, "into": into, "pairs": cells}, indent=2))
    else:
        _show(ported, pairs, list(ported), tier)


def _show(
    ported: dict[str, dict[Case, Ported]], pairs: dict[tuple[str, str], Counter[str]], names: list[str], tier: str
) -> None:
    console = console_for_tables()
    into = Table("", "to", *KINDS, "most common obstacle", title=f"{tier}: into each adapter", box=box.SIMPLE)
    for number, name in enumerate(names, 1):
        counts = Counter(entry.kind for entry in ported[name].values())
        why = Counter(entry.why for entry in ported[name].values() if entry.kind == "none").most_common(1)
        shown = (str(counts[kind] or "") for kind in KINDS)
        into.add_row(str(number), name, *shown, escape(why[0][0].rpartition(": ")[2]) if why else "")
    console.print(into)
    headers = map(str, range(1, len(names) + 1))
    title = "cases of the row's adapter ported to the column's and verified, %"
    shares = Table("", "from \\ to", *headers, title=title, box=box.SIMPLE, padding=(0, 0, 0, 1))
    for number, source in enumerate(names, 1):
        cells = ("" if source == goal else _percent(pairs[source, goal]) for goal in names)
        shares.add_row(str(number), source, *cells)
    if not console.is_terminal and "COLUMNS" not in os.environ:  # as wide as many adapters need
        console.width = max(
            console.width, console.measure(shares, options=console.options.update(width=10_000)).maximum
        )
    console.print(shares)


def _percent(counts: Counter[str]) -> str:
    # Rounded down, so that only all of the cases print as 100.
    total = sum(counts.values())
    return str((counts["direct"] + counts["with steps"]) * 100 // total) if total else "-"
