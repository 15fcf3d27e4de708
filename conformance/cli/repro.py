"""``conformance repro``: a standalone script that reproduces an outcome, or the issue body around it."""

from __future__ import annotations

import click

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import load
from conformance.calls import Meaning
from conformance.cases import Case
from conformance.cases.large import is_large
from conformance.cli.case_argument import case_options, print_notes
from conformance.cli.common import resolve_adapter
from conformance.cli.options import after_option, quiet_option, timeout_option
from conformance.reports.gate.exit_codes import INFRA
from conformance.reports.record.statuses import label
from conformance.runner.activity import Activity
from conformance.triage.repro import build_script, gather, run_alone
from conformance.triage.repro.issue import build_issue

__all__ = ["command"]

_NO_CALL = ("unsupported", "inexpressible")


@click.command("repro", epilog="Example: conformance repro 2d-i5x7-k3-s2-same --adapter torch > repro.py")
@case_options
@click.option("--adapter", required=True, metavar="NAME", help="The adapter whose output to reproduce.")
@after_option
@click.option("--issue", is_flag=True, help="Print a complete issue body that contains the script.")
@timeout_option()
@quiet_option
def command(
    meaning: Meaning, adapter: str, after: tuple[Case, ...], issue: bool, timeout: float, quiet: bool
) -> None:
    """Print a script that runs CASE as one adapter does, with the framework and NumPy only.

    CASE is a case id, a framework call, or the path of an ONNX model. The script exits with 1 while the output is
    wrong and with 0 once it is right, so `git bisect run` can use it.
    """
    spec = resolve_adapter(adapter)
    print_notes(meaning)
    if is_large(meaning.case):
        raise click.UsageError(f"{meaning.case} is a large case, which has no script; see check --show-program")
    with Activity(f"running the case on {spec.name}", quiet=quiet):
        observation = gather(meaning.case, spec, ProcessLimits(answer=timeout), after)
    outcome = observation.outcome
    if outcome.status == "infra":
        click.echo(f"{spec.name}: {outcome.detail}", err=True)
        raise click.exceptions.Exit(INFRA)
    if outcome.status in _NO_CALL:
        raise click.UsageError(
            f"{adapter} makes no call for {meaning.case}: {label(outcome.status, outcome.kind)}, {outcome.detail}"
        )
    script, language = build_script(observation), load(spec.target).language
    with Activity("running the script by itself", quiet=quiet) as say:
        run = run_alone(script, spec.python, language)
        if not run.shows(observation):
            poisoned = build_script(observation, poison=True)
            again = run_alone(poisoned, spec.python, language)
            if again.shows(observation):
                script, run = poisoned, again
            else:
                click.echo("conformance: run by itself, this script does not reproduce the outcome", err=True)
        if issue:
            say("running the case on other adapters")
            script = build_issue(observation, script, run, timeout)
    click.echo(script, nl=False)
