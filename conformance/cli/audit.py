"""``conformance audit``: every transposed convolution of a model file, on its own framework and on others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.installation import missing_packages
from conformance.adapters.registry import AdapterSpec, resolve
from conformance.calls.model_files import ModelFileError, read_model_file
from conformance.cli.case_argument import SHAPE
from conformance.cli.common import require_startable, resolve_adapters
from conformance.cli.options import timeout_option
from conformance.porting.audit import AuditedLayer, LayerOutcome, audit, document
from conformance.reports.formats.terminal import console_for_tables
from conformance.reports.gate.exit_codes import DISCREPANCY, INFRA, NOTHING_NEW, USAGE
from conformance.reports.html.audit_page import write_audit_page
from conformance.reports.record.cut_text import cut
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import STATUSES, label

__all__ = ["command"]

_MOST_CHARACTERS = 400


class _InputType(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """A shape, with the name of an input in front of it or not."""

    name = "input"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        if isinstance(value, tuple):
            return value
        name, _, shape = str(value).rpartition("=")
        return name, SHAPE.convert(shape, param, ctx)


@click.command(
    "audit",
    epilog="Examples: conformance audit model.onnx --to openvino --to litert; "
    "conformance audit decoder.keras --to onnxruntime --weights file --out audit; "
    "conformance audit saved_model --input 1x128x128x3 --json",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="ADAPTER",
    help="An adapter that the model is to run on; may be repeated. Default: its own.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    type=_InputType(),
    metavar="[NAME=]SHAPE",
    help="Shape of an input, where the model leaves sizes open; may be repeated, in order or by name.",
)
@click.option(
    "--weights",
    type=click.Choice(["case", "file"]),
    default="case",
    show_default=True,
    help="Which weights to use: integers, whose result is exact, or those of the file.",
)
@click.option("--trust", is_flag=True, help="Load a file that can run code of its own, such as a pickle.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a target refuses a layer as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Folder for a page about the model, index.html.",
)
@timeout_option()
def command(
    model: Path,
    targets: tuple[str, ...],
    inputs: tuple[tuple[str, tuple[int, ...]], ...],
    weights: str,
    trust: bool,
    strict: bool,
    as_json: bool,
    out: Path | None,
    timeout: float,
) -> None:
    """List the transposed convolutions of MODEL, and run each on the model's own framework and on every target.

    MODEL is a .onnx, .tflite, .keras, .h5, .pt2 or OpenVINO's .xml file, or the folder of a SavedModel. The exit
    code is 1 if a target differs from the rules or from the model's own framework, also where the discrepancy is
    known, or if a layer cannot be written as a case. docs/audit.md says what is read of each kind of model.
    """
    try:
        file = read_model_file(model, inputs=inputs, trust=trust, values=weights == "file")
    except ModelFileError as error:
        raise click.UsageError(str(error)) from None
    own = _own(file.own)
    specs = resolve_adapters(targets) if targets else [own]
    require_startable([own, *specs])
    layers = audit(file, own, specs, ProcessLimits(answer=timeout), weights_of_file=weights == "file")
    plain, headline = document(file, layers), _headline(layers, file.title)
    if as_json:
        click.echo(json.dumps(plain, indent=2))
    else:
        _print(layers)
        click.echo(headline)
    if out is not None:
        try:
            page = write_audit_page(plain, headline, out)
        except OSError as error:
            raise click.UsageError(f"cannot write into {out}: {error}") from None
        click.echo(f"page: {page}", err=as_json)
    raise click.exceptions.Exit(_exit_code(layers, strict=strict))


def _own(names: Sequence[str]) -> AdapterSpec:
    """The first adapter of the model's framework that is installed, else the preferred one."""
    specs = [resolve(name) for name in names]
    return next((spec for spec in specs if missing_packages(spec) == []), specs[0])


def _exit_code(layers: Sequence[AuditedLayer], *, strict: bool) -> int:
    outcomes = [one for layer in layers for one in layer.outcomes]
    if any(_is_ours(one) or one.checked.outcome.own_failure for one in outcomes):
        return INFRA
    if not layers:
        return USAGE
    differs = any(one.difference or (strict and one.refused) for one in outcomes)
    unread = any(layer.layer.case is None for layer in layers)
    return DISCREPANCY if differs or unread else NOTHING_NEW


def _is_ours(one: LayerOutcome) -> bool:
    return STATUSES[one.checked.outcome.status].ours


def _headline(layers: Sequence[AuditedLayer], title: str) -> str:
    """How many layers there are, and on how many of them there is something to say."""
    counts = {
        "a difference on a target": sum(any(one.difference for one in layer.outcomes) for layer in layers),
        "a refusal": sum(any(one.refused for one in layer.outcomes) for layer in layers),
        "no case": sum(layer.layer.case is None for layer in layers),
        "a failure of the suite": sum(any(_is_ours(one) for one in layer.outcomes) for layer in layers),
    }
    parts = [f"{count} with {what}" for what, count in counts.items() if count]
    number = f"{len(layers) or 'no'} transposed convolution{'' if len(layers) == 1 else 's'}"
    found = ", ".join(parts) or ("all by the rules on every target" if layers else "nothing was compared")
    return f"{title[0].upper()}{title[1:]} with {number}: {found}"


def _print(layers: Sequence[AuditedLayer]) -> None:
    console = console_for_tables()
    adapters = list(dict.fromkeys(one.checked.outcome.adapter for layer in layers for one in layer.outcomes))
    table = Table(box=box.SIMPLE)
    for name in ("layer", "case", *adapters):
        table.add_column(escape(name), overflow="fold")
    notes: dict[str, list[str]] = {}
    texts: dict[tuple[str, str], list[str]] = {}
    ports: dict[tuple[str, str], None] = {}
    for layer in layers:
        name = layer.layer.name
        cells = [name, str(layer.layer.case or "none")]
        table.add_row(*map(escape, cells), *(_cell(one.checked.outcome) for one in layer.outcomes))
        for note in layer.layer.notes:
            notes.setdefault(note, []).append(name)
        for one in layer.outcomes:
            adapter = one.checked.outcome.adapter
            if text := _text(one):
                texts.setdefault((adapter, text), []).append(name)
            if one.port:
                ports[adapter, one.port] = None
    if layers:
        console.print(table)
    for note, names in notes.items():
        console.print(f"note: {escape(', '.join(names))}: {escape(note)}", soft_wrap=True)
    for (adapter, text), names in texts.items():
        console.print(f"[bold]{escape(adapter)}[/]: {escape(', '.join(names))}: {escape(text)}", soft_wrap=True)
    for adapter, port in ports:
        console.print(f"\n[bold]{escape(adapter)}[/], in its place:\n\n{escape(port)}", soft_wrap=True)


def _cell(outcome: Outcome) -> str:
    status = STATUSES[outcome.status]
    return f"[{status.colour}]{status.symbol} {label(outcome.status, outcome.kind)}[/]"


def _text(one: LayerOutcome) -> str:
    """Why an outcome is not a pass."""
    outcome = one.checked.outcome
    parts = [
        one.difference,
        outcome.explanation,
        cut(outcome.message, _MOST_CHARACTERS) if outcome.message else "",
    ]
    if one.checked.expectation is not None:
        parts.append(f"known as {one.checked.expectation.finding}: {one.checked.expectation.reason}")
    return "; ".join(filter(None, parts))
