"""``conformance check``: one question, every adapter."""

from __future__ import annotations

import json
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adapters.process import Host, Limits
from cases import Case, DomainError
from conformance.calls import Meaning
from conformance.check import ask
from conformance.cli.common import adapter_option, resolve_adapters
from conformance.cli.question import question_options
from conformance.exit_codes import exit_code
from reports.outcome import Outcome
from reports.statuses import STATUSES, label

__all__ = ["command"]


@click.command(
    "check",
    epilog="Examples: conformance check 2d-i5x7-k3-s2-same --adapter torch --json; "
    'conformance check "torch.nn.ConvTranspose2d(16, 33, 3, stride=2)" --input 20x16x50x100; '
    "conformance check model.onnx --node NAME",
)
@question_options
@adapter_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, help="Seconds for one answer.")
def command(question: Meaning, adapters: tuple[str, ...], as_json: bool, timeout: float) -> None:
    """Ask every adapter the question CASE: a case id, a framework call, or the path of an ONNX model."""
    case = question.case
    found: list[tuple[Outcome, dict[str, str]]] = []
    for spec in resolve_adapters(adapters):
        with Host(spec, Limits(answer=timeout)) as host:
            outcome = ask(case, host)
            found.append((outcome, host.environment["versions"]))
    if as_json:
        click.echo(json.dumps(_as_json(case, found), indent=2))
    else:
        _print(question, found)
    raise click.exceptions.Exit(exit_code(outcome for outcome, _ in found))


def _geometry(case: Case) -> dict[str, Any]:
    try:
        geometry = case.geometry()
    except DomainError as error:
        return {"geometry": None, "invalid": str(error)}
    crop = [list(pair) for pair in geometry.crop]
    return {"geometry": {"output_size": list(geometry.output_size), "crop": crop}}


def _as_json(case: Case, found: list[tuple[Outcome, dict[str, str]]]) -> dict[str, Any]:
    keys = ("status", "kind", "profile", "budget", "max_abs_error", "detail", "diagnosis")
    outcomes = []
    for outcome, versions in found:
        values = {key: _finite(getattr(outcome, key)) for key in keys}
        outcomes.append({"adapter": outcome.adapter, "versions": versions, **values})
    return {"case": str(case), **_geometry(case), "outcomes": outcomes}


def _finite(value: Any) -> Any:
    # JSON has no infinity; an error that is infinite is as good as unknown.
    return None if isinstance(value, float) and value in (float("inf"), float("-inf")) else value


def _print(question: Meaning, found: list[tuple[Outcome, dict[str, str]]]) -> None:
    console = Console(highlight=False)
    case = question.case
    console.print(str(case), style="bold", soft_wrap=True)
    described = _geometry(case)
    if described["geometry"] is None:
        console.print(f"no answer: {escape(described['invalid'])}", soft_wrap=True)
    else:
        geometry = described["geometry"]
        console.print(f"output size {geometry['output_size']}, crop {geometry['crop']}", soft_wrap=True)
    for note in question.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)
    table = Table(box=box.SIMPLE)
    for name in ("adapter", "version", "outcome", "profile", "budget", "detail"):
        table.add_column(name, overflow="fold")
    for outcome, versions in found:
        status = STATUSES[outcome.status]
        table.add_row(
            outcome.adapter,
            next(iter(versions.values()), ""),
            f"[{status.colour}]{status.symbol} {label(outcome.status, outcome.kind)}[/]",
            outcome.profile or "",
            "" if outcome.budget is None else f"{outcome.budget:.0%}",
            escape(outcome.detail[:300]),
        )
    console.print(table)
