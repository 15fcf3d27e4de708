"""``conformance bisect``: the first version of a package whose output differs."""

from __future__ import annotations

from pathlib import Path

import click
from packaging.specifiers import Specifier
from packaging.utils import canonicalize_name
from packaging.version import Version

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import load, resolve
from conformance.calls import Meaning
from conformance.cases import Case
from conformance.cli.case_argument import case_options, print_notes
from conformance.cli.common import resolve_adapter
from conformance.cli.next_step import say_next
from conformance.cli.options import quiet_option, timeout_option
from conformance.execution.check import run_case
from conformance.oracle.expected_output import input_tensors
from conformance.reports.record.statuses import label
from conformance.triage.bisect import (
    Bisection,
    EnvironmentFailure,
    Environments,
    Probe,
    between,
    bisect,
    listed_versions,
)
from conformance.triage.bisect.environments import default_cache
from conformance.triage.bisect.versions import VersionError

__all__ = ["command"]

_SHOWN = 24


@click.command(
    "bisect",
    epilog="Example: conformance bisect 2d-i5x7-k3-s2-same --adapter keras-torch --package keras "
    "--good 3.10.0 --bad 3.15.1",
)
@case_options
@click.option("--adapter", required=True, metavar="NAME", help="The adapter that runs CASE.")
@click.option("--package", required=True, metavar="NAME", help="The package to bisect, such as keras.")
@click.option("--good", required=True, metavar="VERSION", help="A version with the good output.")
@click.option(
    "--bad", required=True, metavar="VERSION", help="A version with the bad output; may be older than --good."
)
@click.option(
    "--with",
    "pins",
    multiple=True,
    metavar="REQUIREMENT",
    help="Install this as well, such as numpy<2; may be repeated.",
)
@click.option(
    "--cache", type=click.Path(file_okay=False, path_type=Path), help="Folder that keeps the environments."
)
@timeout_option()
@quiet_option
def command(
    meaning: Meaning,
    adapter: str,
    package: str,
    good: str,
    bad: str,
    pins: tuple[str, ...],
    cache: Path | None,
    timeout: float,
    quiet: bool,
) -> None:
    """Find the first version of a package whose output for CASE differs, by bisection.

    CASE is a case id, a framework call, or the path of an ONNX model. Each version that is tried gets a virtual
    environment, made with venv and pip and kept for the next time. Versions that cannot be installed or imported
    are skipped and listed.
    """
    spec = resolve_adapter(adapter)
    if load(spec.target).language != "python":
        raise click.UsageError(f"bisect installs packages of Python; {spec.name} runs in another program")
    adapter = spec.name
    if "@" in adapter:
        raise click.UsageError("bisect makes its own environments; give --adapter without @/path/to/python")
    try:
        versions = between(listed_versions(package), good, bad)
    except VersionError as error:
        raise click.UsageError(str(error)) from None
    print_notes(meaning)
    environments = Environments(package, pins, cache or default_cache())
    if not quiet:
        click.echo(f"{len(versions)} versions of {package} from {good} to {bad}")

    def probe(version: Version) -> Probe:
        probed = _probe(environments, version, meaning.case, adapter, ProcessLimits(answer=timeout))
        if not quiet:
            click.echo(f"  {version}: {probed.output.partition(chr(10))[0] or f'skipped: {probed.skipped}'}")
        return probed

    result = bisect(versions, probe)
    if isinstance(result, str):
        raise click.UsageError(result)
    _print(package, result, len(environments.made))
    say_next("conformance", "repro", str(meaning.case), "--adapter", adapter, "--issue", quiet=quiet, data=True)


def _probe(environments: Environments, version: Version, case: Case, adapter: str, limits: ProcessLimits) -> Probe:
    try:
        python = environments.python(version)
    except EnvironmentFailure as error:
        return Probe(version=version, outcome=None, skipped=f"cannot be installed: {error}")
    with AdapterProcess(resolve(f"{adapter}@{python}"), limits) as host:
        outcome = run_case(case, host)
        if outcome.status == "infra":
            return Probe(
                version=version, outcome=None, skipped=f"cannot run: {outcome.detail.splitlines()[0][:300]}"
            )
        versions = {canonicalize_name(name): text for name, text in host.environment["versions"].items()}
        installed = versions.get(canonicalize_name(environments.package))
        # A specifier, as 2.13.0+cpu is a build of 2.13.0.
        if installed is not None and not Specifier(f"=={version}").contains(installed, prereleases=True):
            return Probe(version=version, outcome=None, skipped=f"version {installed} is imported in its place")
        reply = host.run(case, input_tensors(case))
    described = label(outcome.status, outcome.kind)
    if outcome.diagnosis:
        described += f", {outcome.diagnosis.text}"
    elif outcome.status != "pass" and outcome.detail:
        described += f", {outcome.detail.splitlines()[0][:200]}"
    numbers = []
    for name, tensor in reply.tensors.items():
        flat = " ".join(f"{value:.9g}" for value in tensor.values.ravel()[:_SHOWN])
        numbers.append(f"{name} {tensor.values.shape} {flat}{' ...' if tensor.values.size > _SHOWN else ''}")
    return Probe(
        version=version,
        outcome=outcome,
        skipped="",
        output="\n    ".join([described, *numbers]) if numbers else described,
    )


def _print(package: str, result: Bisection, made: int) -> None:
    for probe in (result.last_same, result.first_different):
        click.echo(f"{package} {probe.version}\n    {probe.output}")
    click.echo(f"{result.tried} versions tried, {made} environments made")
    if result.skipped:
        skipped = ", ".join(f"{probe.version} ({probe.skipped})" for probe in result.skipped)
        click.echo(f"skipped: {skipped}")
    if result.between:
        versions = ", ".join(map(str, result.between))
        click.echo(f"the output may have changed earlier, in a version that could not run: {versions}")
    click.echo(_conclusion(package, result))


def _conclusion(package: str, result: Bisection) -> str:
    """The last line: since which version the output is right, wrong or another, whichever end came first."""
    older, newer = sorted((result.last_same, result.first_different), key=lambda probe: probe.version)
    match (older.right, newer.right):
        case (False, True):
            return f"{package}: mended in {newer.version}; {older.version} is the last that is wrong"
        case (True, False):
            return f"{package}: broken since {newer.version}; {older.version} is the last that is right"
    judged = "right" if newer.right else "wrong"
    return f"{package}: another output since {newer.version}; it is {judged} before and after"
