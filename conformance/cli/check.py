"""``conformance check``: one case on every adapter."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from conformance.adapters.base import Adapter
from conformance.adapters.host.client import AdapterProcess, Model, ProcessLimits
from conformance.adapters.registry import AdapterSpec, load
from conformance.calls import Meaning
from conformance.cases import Case, DomainError
from conformance.cli.case_argument import case_options
from conformance.cli.common import resolve_adapters
from conformance.cli.debug_options import log_options, program_text, require_in_process, show_program_option
from conformance.cli.next_step import say_next
from conformance.cli.options import (
    adapter_option,
    after_option,
    device_option,
    in_process_option,
    machine_option,
    quiet_option,
    timeout_option,
)
from conformance.execution.check import run_after
from conformance.oracle.expected_output import input_tensors
from conformance.reports.formats.terminal import console_for_tables
from conformance.reports.gate.assess import matching_expectation
from conformance.reports.gate.exit_codes import exit_code
from conformance.reports.gate.expectations import Expectation
from conformance.reports.gate.expectations import load as load_expectations
from conformance.reports.record.crash_text import without_stacks
from conformance.reports.record.cut_text import cut
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import STATUSES, label
from conformance.runner.notes import notes

__all__ = ["command"]

_MOST_CHARACTERS = 400


@click.command(
    "check",
    epilog="Examples: conformance check 2d-i5x7-k3-s2-same --adapter torch --json; "
    'conformance check "torch.nn.ConvTranspose2d(16, 33, 3, stride=2)" --input 20x16x50x100; '
    "conformance check model.onnx --node NAME",
)
@case_options
@adapter_option
@machine_option
@device_option
@after_option
@in_process_option
@show_program_option
@quiet_option
@log_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--strict", is_flag=True, help="Exit with 1 for known discrepancies as well.")
@timeout_option()
@click.option(
    "--save-model",
    "models",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the model files that runtimes such as ONNX Runtime load for the case.",
)
def command(
    meaning: Meaning,
    adapters: tuple[str, ...],
    machines: tuple[str, ...],
    device: str,
    after: tuple[Case, ...],
    in_process: bool,
    show_program: bool,
    quiet: bool,
    as_json: bool,
    strict: bool,
    timeout: float,
    models: Path | None,
) -> None:
    """Run CASE on every adapter: a case id, a framework call, or the path of an ONNX model.

    A discrepancy that matches one of the suite's expectations is shown with its reason, and does not fail.
    """
    case = meaning.case
    specs = resolve_adapters(adapters, device, machines, quiet=quiet)
    check_one = partial(_check, case, timeout=timeout, after=after, show_program=show_program)
    if in_process:
        require_in_process(specs)
        # A debugger needs the main thread.
        checked = [check_one(specs[0], in_process=True)]
    else:
        # Most of the time goes into importing frameworks, each in its own process.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            checked = list(pool.map(check_one, specs))
    if models is not None:
        _save_models(case, specs, models, say=notes(quiet=quiet))
    if as_json:
        click.echo(json.dumps(_as_json(meaning, checked), indent=2))
    else:
        _print(meaning, checked)
        for one in checked:
            if one.program is not None:
                click.echo(f"\n{one.outcome.adapter} runs\n\n{one.program}")
        new = next((one.outcome for one in checked if one.expectation is None and one.outcome.gates), None)
        if new is not None:
            say_next("conformance", "repro", str(case), "--adapter", new.adapter, quiet=quiet)
    raise click.exceptions.Exit(exit_code(one.outcome for one in checked if strict or one.expectation is None))


class _Checked(NamedTuple):
    """The outcome on one adapter, with its versions and facts, and the expectation that explains it."""

    outcome: Outcome
    versions: dict[str, str]
    facts: dict[str, Any]
    expectation: Expectation | None
    program: str | None


def _check(
    case: Case,
    spec: AdapterSpec,
    *,
    timeout: float,
    after: Sequence[Case],
    show_program: bool,
    in_process: bool = False,
) -> _Checked:
    with AdapterProcess(spec, ProcessLimits(answer=timeout), in_process=in_process) as host:
        outcome = run_after(case, host, after)
        entry = matching_expectation(case, outcome, load_expectations(spec.name), host.environment)
        program = program_text(case, host) if show_program else None
        about = host.environment
        return _Checked(outcome, about["versions"], about.get("facts", {}), entry, program)


def _save_models(case: Case, specs: list[AdapterSpec], folder: Path, say: Callable[[str], None]) -> None:
    """Write the models of the runtimes among the adapters, and say where they are."""
    saved = 0
    for spec in specs:
        # Only a runtime has a model; the other frameworks would be started for nothing.
        if load(spec.target).save_model is Adapter.save_model:
            continue
        with AdapterProcess(spec) as host:
            model = host.model(case, input_tensors(case))
        if isinstance(model, Model):
            path = folder / f"{case}.{Path(spec.name.partition('@')[0]).name.replace(':', '.')}{model.suffix}"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(model.content)
            except OSError as error:
                raise click.UsageError(f"cannot write {path}: {error}") from None
            say(f"saved {path}")
            saved += 1
    if not saved:
        raise click.UsageError("--save-model: none of the adapters runs this case from a model file")


def _geometry(case: Case) -> dict[str, Any]:
    try:
        geometry = case.geometry()
    except DomainError as error:
        return {"geometry": None, "invalid": str(error)}
    crop = [list(pair) for pair in geometry.crop]
    return {"geometry": {"output_size": list(geometry.output_size), "crop": crop}}


def _as_json(meaning: Meaning, checked: list[_Checked]) -> dict[str, Any]:
    case = meaning.case
    keys = ("status", "kind", "profile", "budget", "max_abs_error", "detail", "diagnosis", "after")
    outcomes = []
    for outcome, versions, facts, entry, program in checked:
        plain = outcome.to_json()
        values = {key: _finite(plain[key]) for key in keys}
        known = None if entry is None else {"finding": entry.finding, "reason": entry.reason}
        about = {"adapter": outcome.adapter, "versions": versions, "facts": facts}
        shown = {} if program is None else {"program": program}
        outcomes.append({**about, **values, "known": known, **shown})
    return {"case": str(case), **_geometry(case), "notes": list(meaning.notes), "outcomes": outcomes}


def _finite(value: Any) -> Any:
    # JSON has no infinity; an infinite error says no more than an unknown one.
    return None if isinstance(value, float) and value in (float("inf"), float("-inf")) else value


def _print(meaning: Meaning, checked: list[_Checked]) -> None:
    console = console_for_tables()
    case = meaning.case
    console.print(str(case), style="bold", soft_wrap=True)
    described = _geometry(case)
    if described["geometry"] is None:
        console.print(f"invalid case: {escape(described['invalid'])}", soft_wrap=True)
    else:
        geometry = described["geometry"]
        console.print(f"output size {geometry['output_size']}, crop {geometry['crop']}", soft_wrap=True)
    for note in meaning.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)
    table = Table(box=box.SIMPLE)
    for name in ("adapter", "version", "outcome", "profile", "bound used"):
        table.add_column(name, overflow="fold")
    adapters_by_text: dict[str, list[str]] = {}
    for outcome, versions, _, entry, _ in checked:
        status = STATUSES[outcome.status]
        table.add_row(
            outcome.adapter,
            next(iter(versions.values()), ""),
            f"[{status.colour}]{status.symbol} {label(outcome.status, outcome.kind)}[/]",
            outcome.profile or "",
            "" if outcome.budget is None else f"{outcome.budget:.0%}",
        )
        texts = [outcome.diagnosis.text] if outcome.diagnosis else []
        message = without_stacks(outcome.detail) if outcome.status == "crash" else outcome.detail
        texts += [cut(message, _MOST_CHARACTERS)] if message else []
        texts += [f"known as {entry.finding}: {entry.reason} {entry.upstream}".rstrip()] if entry else []
        if texts:
            adapters_by_text.setdefault("; ".join(texts), []).append(outcome.adapter)
    console.print(table)
    for text, names in adapters_by_text.items():
        console.print(f"[bold]{escape(', '.join(names))}[/]: {escape(text)}", soft_wrap=True)
