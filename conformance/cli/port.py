"""``conformance port``: the same question in another framework's words."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case, DomainError
from conformance.cases.tiers import TIERS, load_tier
from conformance.cli.case_argument import SHAPE, read_case
from conformance.cli.common import resolve_adapter, resolve_adapters
from conformance.cli.options import adapter_option
from conformance.porting import AdapterCannotStart, find_port
from conformance.porting.matrix import matrix, port_all
from conformance.porting.script import port_text
from conformance.porting.store import KINDS, Ported, PortsError, PortsRecord
from conformance.reports.formats.terminal import console_for_tables
from conformance.reports.gate.exit_codes import DISCREPANCY, INFRA

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
@click.option("--input", "input_shape", type=SHAPE, help="Shape of a call's input, such as 20x16x50x100.")
@click.option("--weight", "weight_shape", type=SHAPE, help="Shape of a call's weights, in its own order.")
@click.option("--node", help="Name of the node, where CASE is a model.onnx.")
@click.option("--table", is_flag=True, help="Print how the cases of a tier port between every pair of adapters.")
@adapter_option
@click.option("--tier", type=click.Choice(list(TIERS)), default="smoke", help="The cases of --table.")
@click.option("-n", "workers", type=click.IntRange(1, 64), default=1, help="Adapters asked at a time by --table.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Where --table keeps each port as found."
)
@click.option("--resume", is_flag=True, help="Go on with the --table in the file, and ask again what was wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print --table as one JSON object.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, help="Seconds for one answer.")
def command(
    case: str | None,
    target: str | None,
    input_shape: tuple[int, ...] | None,
    weight_shape: tuple[int, ...] | None,
    node: str | None,
    table: bool,
    adapters: tuple[str, ...],
    tier: str,
    workers: int,
    out: Path | None,
    resume: bool,
    as_json: bool,
    timeout: float,
) -> None:
    """Print the call CASE (a framework call, a case id or a model) in the words of another adapter.

    With the change of the weights and any step around the call, checked on random weights, forward and gradients;
    or the reason there is no such call. --table ports every case of a tier to every adapter, checks each, and
    exits with 1 if one is wrong for a reason that is not known.
    """
    limits = ProcessLimits(answer=timeout)
    if table:
        if case or target:
            raise click.UsageError("--table takes no CASE and no --to")
        if resume and out is None:
            raise click.UsageError("--resume needs the --out to go on with")
        specs = resolve_adapters(adapters)
        if len(specs) < 2:
            raise click.UsageError("--table needs two adapters or more")
        ported = _port_all(specs, tier, limits, workers, out, resume)
        _print_table(ported, tier, as_json)
        wrong = any(entry.kind == "wrong" for found in ported.values() for entry in found.values())
        raise click.exceptions.Exit(DISCREPANCY if wrong else 0)
    if out is not None or resume:
        raise click.UsageError("--out and --resume are for --table")
    if not case or not target:
        raise click.UsageError("give CASE and --to, or --table")
    meaning = read_case(case, input_shape, weight_shape, node)
    try:
        meaning.case.geometry()
    except DomainError as error:
        raise click.UsageError(f"{meaning.case} has no answer to port: {error}") from None
    spec = resolve_adapter(_FRAMEWORKS.get(target, target))
    with AdapterProcess(spec, limits) as host:
        try:
            port = find_port(meaning.case, host)
        except AdapterCannotStart as error:
            raise _stop(error) from None
        if isinstance(port, str):
            click.echo(f"# {spec.name} cannot ask {meaning.case}, with no step around a call either. {port}")
            raise click.exceptions.Exit(DISCREPANCY)
        click.echo(port_text(meaning, port, host), nl=False)
    raise click.exceptions.Exit(DISCREPANCY if port.proof.problem else 0)


def _port_all(
    specs: list[AdapterSpec], tier: str, limits: ProcessLimits, workers: int, out: Path | None, resume: bool
) -> dict[str, dict[Case, Ported]]:
    try:
        with PortsRecord(out, resume=resume) as record:
            return port_all(
                specs,
                load_tier(tier),
                limits,
                record,
                workers=workers,
                say=lambda text: click.echo(text, err=True),
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
        into = {name: Counter(entry.kind for entry in found.values()) for name, found in ported.items()}
        click.echo(json.dumps({"tier": tier, "into": into, "pairs": cells}, indent=2))
    else:
        _show(ported, pairs, list(ported), tier)


def _show(
    ported: dict[str, dict[Case, Ported]], pairs: dict[tuple[str, str], Counter[str]], names: list[str], tier: str
) -> None:
    console = console_for_tables()
    into = Table("", "to", *KINDS, "why not, most often", title=f"{tier}: into each adapter", box=box.SIMPLE)
    for number, name in enumerate(names, 1):
        counts = Counter(entry.kind for entry in ported[name].values())
        why = Counter(entry.why for entry in ported[name].values() if entry.kind == "none").most_common(1)
        shown = (str(counts[kind] or "") for kind in KINDS)
        into.add_row(str(number), name, *shown, escape(why[0][0].rpartition(": ")[2]) if why else "")
    console.print(into)
    headers = map(str, range(1, len(names) + 1))
    title = "questions of the one in the words of the other, proven right, in percent"
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
    # Rounded down: what is not all of it does not print as 100.
    total = sum(counts.values())
    return str((counts["direct"] + counts["with steps"]) * 100 // total) if total else "-"
