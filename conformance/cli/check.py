"""``conformance check``: one case on every adapter."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.calls import Meaning
from conformance.cases import Case
from conformance.cases.large import is_large
from conformance.cli.case_argument import case_options
from conformance.cli.common import resolve_adapters
from conformance.cli.debug_options import log_options, require_in_process, show_program_option
from conformance.cli.next_step import say_next
from conformance.cli.options import (
    adapter_option,
    after_option,
    at_once_option,
    device_option,
    in_process_option,
    machine_option,
    quiet_option,
    repeat_option,
    timeout_option,
)
from conformance.execution.lanes import import_seconds, in_lanes
from conformance.execution.warm.client import WarmProcesses
from conformance.reports.gate.exit_codes import exit_code
from conformance.runner.notes import notes

if TYPE_CHECKING:
    from conformance.execution.checked import Checked

__all__ = ["command"]


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
@repeat_option
@at_once_option
@in_process_option
@show_program_option
@quiet_option
@log_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--server/--no-server",
    default=True,
    help="Keep the adapters' processes for a minute, so that the next check is quick. CONFORMANCE_SERVER=0 does "
    "the same as --no-server.",
)
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
    calls: int,
    at_once: int,
    in_process: bool,
    show_program: bool,
    quiet: bool,
    as_json: bool,
    server: bool,
    strict: bool,
    timeout: float,
    models: Path | None,
) -> None:
    """Run CASE on every adapter: a case id, a framework call, or the path of an ONNX model.

    A discrepancy that matches one of the suite's expectations is shown with its reason, and does not fail.
    """
    case = meaning.case
    specs = resolve_adapters(adapters, device, machines, quiet=quiet)
    limits = ProcessLimits(answer=timeout, calls=calls, at_once=at_once)
    if in_process:
        require_in_process(specs)
    # A case that runs after others needs a process that has run nothing else.
    warm = WarmProcesses(wanted=server and not after and not in_process)

    def check_one(spec: AdapterSpec) -> Checked:
        borrowed = warm.borrow(spec, limits, in_process=in_process)
        borrowed.host.start()
        # Slow to import, and not needed before the first process is ready.
        from conformance.cli.check_adapter import check_adapter

        checked = check_adapter(case, borrowed, after=after, show_program=show_program)
        warm.give_back(borrowed)
        return checked

    rows: Iterable[tuple[AdapterSpec, Checked]]
    if in_process:  # a debugger needs the main thread
        rows = [(specs[0], check_one(specs[0]))]
    else:
        rows = in_lanes(sorted(specs, key=import_seconds), check_one)
    from conformance.cli.check_output import CheckTable, print_json  # while the first processes start

    table = None if as_json else CheckTable(meaning, [spec.name for spec in specs])
    by_spec = {}
    for spec, one in rows:
        by_spec[spec] = one
        if table is not None:
            table.add(one)
    checked = [by_spec[spec] for spec in specs]
    if models is not None:
        from conformance.cli.saved_models import save_models

        save_models(case, specs, models, say=notes(quiet=quiet))
    if table is None:
        print_json(meaning, checked)
    else:
        table.finish(checked)
        new = next((one.outcome for one in checked if one.expectation is None and one.outcome.gates), None)
        if new is not None and not is_large(case):
            say_next("conformance", "repro", str(case), "--adapter", new.adapter, quiet=quiet)
    raise click.exceptions.Exit(exit_code(one.outcome for one in checked if strict or one.expectation is None))
