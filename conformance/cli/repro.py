"""``conformance repro``: a standalone script of one outcome, or the issue body around it."""

from __future__ import annotations

import click

from conformance.adapters.host.client import ProcessLimits
from conformance.calls import Meaning
from conformance.cases import Case
from conformance.cli.case_argument import case_options
from conformance.cli.common import resolve_adapter
from conformance.cli.options import after_option
from conformance.reports.gate.exit_codes import INFRA
from conformance.reports.record.statuses import label
from conformance.triage.repro import build_script, gather, run_alone
from conformance.triage.repro.issue import build_issue

__all__ = ["command"]

_NO_CALL = ("unsupported", "inexpressible")


@click.command("repro", epilog="Example: conformance repro 2d-i5x7-k3-s2-same --adapter torch > repro.py")
@case_options
@click.option("--adapter", required=True, metavar="NAME", help="The adapter whose answer to reproduce.")
@after_option
@click.option("--issue", is_flag=True, help="Print the whole body of an issue.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, help="Seconds for one answer.")
def command(meaning: Meaning, adapter: str, after: tuple[Case, ...], issue: bool, timeout: float) -> None:
    """Print a script that shows how one adapter answers CASE, with the framework and NumPy only.

    The script exits 1 while the answer is wrong and 0 once it is right, so that it serves git bisect run.
    """
    spec = resolve_adapter(adapter)
    asked = gather(meaning.case, spec, ProcessLimits(answer=timeout), after)
    outcome = asked.outcome
    if outcome.status == "infra":
        click.echo(f"{spec.name}: {outcome.detail}", err=True)
        raise click.exceptions.Exit(INFRA)
    if outcome.status in _NO_CALL:
        raise click.UsageError(
            f"{adapter} makes no call for {meaning.case}: {label(outcome.status, outcome.kind)}, {outcome.detail}"
        )
    script = build_script(asked)
    run = run_alone(script, spec.python)
    if not run.shows(asked):
        poisoned = build_script(asked, poison=True)
        again = run_alone(poisoned, spec.python)
        if again.shows(asked):
            script, run = poisoned, again
        else:
            click.echo("conformance: run by itself, this script does not show the outcome", err=True)
    click.echo(build_issue(asked, script, run, timeout) if issue else script, nl=False)
