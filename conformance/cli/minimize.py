"""``conformance minimize``: the smallest case with the same diagnosis."""

from __future__ import annotations

import click

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.calls import Meaning
from conformance.cases.large import is_large
from conformance.cli.case_argument import case_options, print_notes
from conformance.cli.common import resolve_adapter
from conformance.cli.next_step import say_next
from conformance.cli.options import search_options
from conformance.reports.gate.exit_codes import DISCREPANCY, INFRA
from conformance.reports.record.statuses import label
from conformance.runner.activity import Activity
from conformance.triage.minimize import minimize

__all__ = ["command"]


@click.command("minimize", epilog="Example: conformance minimize 2d-c4x6-i5x7-k3-s2-same --adapter torch")
@case_options
@click.option("--adapter", "adapters", multiple=True, metavar="NAME", help="The adapter on which CASE fails.")
@search_options("seconds", least=1, default=120.0)
def command(meaning: Meaning, adapters: tuple[str, ...], seconds: float, timeout: float, quiet: bool) -> None:
    """Find the smallest case that fails on an adapter with the same diagnosis as CASE.

    CASE is a case id, a framework call, or the path of an ONNX model. The search removes axes first, then shrinks
    input, kernel, batch and channels, then moves every parameter towards 0 or 1. The last line is the smallest
    case. The exit code is 1, or 0 if CASE does not fail.
    """
    if len(adapters) != 1:
        raise click.UsageError("give one --adapter; a case is minimized for one adapter at a time")
    spec = resolve_adapter(adapters[0])
    if is_large(meaning.case):
        raise click.UsageError(
            f"{meaning.case} is a large case, whose smaller cases take minutes; run one by check"
        )
    with AdapterProcess(spec, ProcessLimits(answer=timeout)) as host:
        print_notes(meaning)
        with Activity(f"running smaller cases on {spec.name}, for {seconds:g} s at most", quiet=quiet):
            minimized = minimize(meaning.case, host, seconds=seconds)
        if minimized is None:
            failed = host.start()
            if failed is not None:
                click.echo(f"{spec.name}: {failed.detail}", err=True)
                raise click.exceptions.Exit(INFRA)
    if minimized is None:
        click.echo(f"{spec.name} does not fail on {meaning.case}; there is nothing to minimize")
        return
    outcome = minimized.outcome
    click.echo(f"{label(outcome.status, outcome.kind)}: {outcome.explanation or outcome.detail}")
    ending = "" if minimized.finished else "; the time is up, so a smaller one may exist"
    if not quiet:
        click.echo(f"ran {minimized.runs} cases{ending}")
    say_next("conformance", "repro", str(minimized.case), "--adapter", spec.name, quiet=quiet, data=True)
    click.echo(str(minimized.case))
    raise click.exceptions.Exit(DISCREPANCY)
