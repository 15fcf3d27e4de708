"""``conformance bisect``: the first version of a package whose answer differs."""

from __future__ import annotations

from pathlib import Path

import click
from packaging.specifiers import Specifier
from packaging.utils import canonicalize_name
from packaging.version import Version

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import resolve
from conformance.calls import Meaning
from conformance.cases import Case
from conformance.cli.case_argument import case_options
from conformance.cli.common import resolve_adapter
from conformance.execution.check import run_case
from conformance.oracle.expected_output import input_tensors as data_of
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
@click.option("--adapter", required=True, metavar="NAME", help="The adapter to ask.")
@click.option("--package", required=True, help="The package whose version differs, such as keras.")
@click.option("--good", required=True, metavar="VERSION", help="A version with the one answer.")
@click.option("--bad", required=True, metavar="VERSION", help="A version with another; may be the older one.")
@click.option("--with", "pins", multiple=True, metavar="REQUIREMENT", help="Also install, such as numpy<2.")
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Where environments are kept.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, help="Seconds for one answer.")
def command(
    meaning: Meaning,
    adapter: str,
    package: str,
    good: str,
    bad: str,
    pins: tuple[str, ...],
    cache: Path | None,
    timeout: float,
) -> None:
    """Find the first version of a package whose answer to CASE differs, in throwaway environments.

    Environments are made by venv and pip, a logarithmic number of them, and kept for the next time. Versions that
    do not install or import are skipped and named.
    """
    adapter = resolve_adapter(adapter).name
    if "@" in adapter:
        raise click.UsageError("--adapter runs in environments made here; give its name alone")
    try:
        versions = between(listed_versions(package), good, bad)
    except VersionError as error:
        raise click.UsageError(str(error)) from None
    environments = Environments(package, pins, cache or default_cache())
    click.echo(f"{len(versions)} versions of {package} from {good} to {bad}")

    def probe(version: Version) -> Probe:
        found = _probe(environments, version, meaning.case, adapter, ProcessLimits(answer=timeout))
        click.echo(f"  {version}: {found.answer.partition(chr(10))[0] or f'skipped: {found.skipped}'}")
        return found

    result = bisect(versions, probe)
    if isinstance(result, str):
        raise click.UsageError(result)
    _print(package, result, len(environments.made))


def _probe(environments: Environments, version: Version, case: Case, adapter: str, limits: ProcessLimits) -> Probe:
    try:
        python = environments.python(version)
    except EnvironmentFailure as error:
        return Probe(version, None, f"does not install: {error}")
    with AdapterProcess(resolve(f"{adapter}@{python}"), limits) as host:
        outcome = run_case(case, host)
        if outcome.status == "infra":
            return Probe(version, None, f"cannot be asked: {outcome.detail.splitlines()[0][:300]}")
        versions = {canonicalize_name(name): text for name, text in host.environment["versions"].items()}
        installed = versions.get(canonicalize_name(environments.package))
        # A specifier, as 2.13.0+cpu is a build of 2.13.0.
        if installed is not None and not Specifier(f"=={version}").contains(installed, prereleases=True):
            return Probe(version, None, f"another version, {installed}, is imported in its place")
        reply = host.run(case, data_of(case))
    words = label(outcome.status, outcome.kind)
    if outcome.diagnosis:
        words += f", {outcome.diagnosis['text']}"
    elif outcome.status != "pass" and outcome.detail:
        words += f", {outcome.detail.splitlines()[0][:200]}"
    numbers = []
    for name, tensor in reply.tensors.items():
        flat = " ".join(f"{value:.9g}" for value in tensor.values.ravel()[:_SHOWN])
        numbers.append(f"{name} {tensor.values.shape} {flat}{' ...' if tensor.values.size > _SHOWN else ''}")
    return Probe(version, outcome, "", "\n    ".join([words, *numbers]) if numbers else words)


def _print(package: str, result: Bisection, made: int) -> None:
    for probe in (result.last_same, result.first_different):
        click.echo(f"{package} {probe.version}\n    {probe.answer}")
    click.echo(f"{result.tried} versions tried, {made} environments made")
    if result.skipped:
        named = ", ".join(f"{probe.version} ({probe.skipped})" for probe in result.skipped)
        click.echo(f"skipped: {named}")
    if result.between:
        listed = ", ".join(map(str, result.between))
        click.echo(f"the change may have come earlier, with a version that could not be asked: {listed}")
    click.echo(_conclusion(package, result.last_same.version, result.first_different.version))


def _conclusion(package: str, good: Version, bad: Version) -> str:
    """The last line: since when it is wrong, or since when it is mended where the good version is the newer."""
    if good > bad:
        return f"mended in {package} {good}; last version whose answer differs: {bad}"
    return f"first version whose answer differs: {package} {bad}"
