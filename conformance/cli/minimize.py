"""``conformance minimize``: the smallest case with the same diagnosis."""

from __future__ import annotations

import click

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.calls import Meaning
from conformance.cli.case_argument import case_options
from conformance.cli.common import resolve_adapter
from conformance.cli.options import adapter_option
from conformance.reports.gate.exit_codes import DISCREPANCY, INFRA
from conformance.reports.record.statuses import label
from conformance.triage.minimize import minimize

__all__ = ["command"]


@click.command("minimize", epilog="Example: conformance minimize 2d-c4x6-i5x7-k3-s2-same --adapter torch")
@case_options
@adapter_option
@click.option("--seconds", type=click.FloatRange(min=1), default=120.0, help="When to stop asking.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=20.0, help="Seconds for one answer.")
def command(meaning: Meaning, adapters: tuple[str, ...], seconds: float, timeout: float) -> None:
    """Shrink CASE, which fails on an adapter, as long as the diagnosis stays the same.

    Fewer axes come first, then input, kernel, batch and channels, then every parameter towards 0 and 1. The last
    line is the smallest case; the exit code is 1 as long as it fails, 0 if CASE does not fail.
    """
    if len(adapters) != 1:
        raise click.UsageError("give one --adapter; a case is small for one implementation at a time")
    spec = resolve_adapter(adapters[0])
    with AdapterProcess(spec, ProcessLimits(answer=timeout)) as host:
        found = minimize(meaning.case, host, seconds=seconds)
        if found is None:
            failed = host.start()
            if failed is not None:
                click.echo(f"{spec.name}: {failed.detail}", err=True)
                raise click.exceptions.Exit(INFRA)
    if found is None:
        click.echo(f"{spec.name} does not fail on {meaning.case}; there is nothing to minimize")
        return
    diagnosis = found.outcome.diagnosis or {}
    click.echo(
        f"{label(found.outcome.status, found.outcome.kind)}: {diagnosis.get('text') or found.outcome.detail}"
    )
    ending = "" if found.finished else "; the time is up, so a smaller one may exist"
    click.echo(f"asked {found.asked} cases{ending}")
    click.echo(str(found.case))
    raise click.exceptions.Exit(DISCREPANCY)
