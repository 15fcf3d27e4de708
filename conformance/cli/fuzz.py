"""``conformance fuzz``: search for new findings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import click

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec, UnknownAdapter
from conformance.cases.corpus.found import FOUND, promote
from conformance.cli.common import named_under_machines, resolve_adapters
from conformance.cli.options import adapter_option, dask_option, expectations_option, machine_option
from conformance.cluster.fuzzing import fuzz as fuzz_on_cluster
from conformance.cluster.members import Cluster, ClusterError
from conformance.reports.gate.exit_codes import DISCREPANCY, INFRA
from conformance.reports.gate.expectations import ExpectationError, load_all
from conformance.reports.record.statuses import label
from conformance.runner.selection import expectation_folders
from conformance.triage.fuzz import AdapterUnavailable, Discovery, fuzz

__all__ = ["command"]


@click.command(
    "fuzz", epilog="Example: conformance fuzz --adapter torch --minutes 5 [--dask tcp://scheduler:8786]"
)
@adapter_option
@machine_option
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.01),
    default=5.0,
    help="How long to search, an adapter; on --dask, all.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="The same seed asks the same questions.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=20.0, help="Seconds for one answer.")
@click.option("--promote", "keep", is_flag=True, help=f"Write the smallest cases to {FOUND.name} in the corpus.")
@expectations_option
@dask_option
def command(
    adapters: tuple[str, ...],
    machines: tuple[str, ...],
    minutes: float,
    seed: int,
    timeout: float,
    keep: bool,
    expectations: Sequence[str],
    dask: str | None,
) -> None:
    """Ask random questions, and shrink each failure that is not known to the smallest case that fails alike.

    Prints one line a finding: adapter, how it fails, the smallest case. The exit code is 1 where there is one.
    """
    discoveries: list[Discovery] = []
    try:
        folders = expectation_folders(expectations)
        how: dict[str, Any] = {"seconds": minutes * 60, "seed": seed, "limits": ProcessLimits(answer=timeout)}
        found_here = (
            _on_cluster(dask, named_under_machines(adapters, machines), folders, **how)
            if dask
            else _here(resolve_adapters(adapters, machines=machines), folders, **how)
        )
        for found in found_here:
            discoveries.append(found)
            click.echo(_line(found))
    except (ExpectationError, UnknownAdapter, ClusterError) as error:
        raise click.UsageError(str(error)) from None
    except AdapterUnavailable as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(INFRA) from None
    if keep and discoveries:
        try:
            added = promote([(found.smallest, _remark(found)) for found in discoveries])
        except OSError as error:
            raise click.UsageError(f"cannot write {FOUND}: {error}") from None
        click.echo(
            f"{added} new in {FOUND}; python -m conformance.cases.design.generate puts them into the gate tier",
            err=True,
        )
    if discoveries:
        raise click.exceptions.Exit(DISCREPANCY)


def _here(
    specs: Sequence[AdapterSpec], folders: Sequence[Path], *, seconds: float, seed: int, limits: ProcessLimits
) -> Iterator[Discovery]:
    """Search one adapter after the other."""
    known = load_all([spec.name for spec in specs], folders)
    for spec in specs:
        with AdapterProcess(spec, limits) as host:
            try:
                yield from fuzz(
                    host, seconds=seconds, seed=seed, expectations=known[spec.name], tick=_tick(spec.name)
                )
            except AdapterUnavailable as error:
                raise AdapterUnavailable(f"{spec.name}: {error}") from None


def _on_cluster(
    address: str,
    adapters: Sequence[str],
    folders: Sequence[Path],
    *,
    seconds: float,
    seed: int,
    limits: ProcessLimits,
) -> Iterator[Discovery]:
    """Search all adapters at once."""
    with closing(Cluster(address, partial(click.echo, err=True))) as cluster:
        specs = cluster.engage(adapters)
        known = load_all([spec.name for spec in specs], folders)
        yield from fuzz_on_cluster(cluster, specs, seconds=seconds, seed=seed, limits=limits, expectations=known)


def _tick(name: str) -> Callable[[int], None]:
    def tick(asked: int) -> None:
        if asked % 200 == 0 and sys.stderr.isatty():
            click.echo(f"{name}: {asked} asked", err=True)

    return tick


def _remark(found: Discovery) -> str:
    outcome = found.outcome
    text = (outcome.diagnosis or {}).get("text") or outcome.detail
    return f"{outcome.adapter}, {label(outcome.status, outcome.kind)}: {' '.join(text.split())[:150]}"


def _line(found: Discovery) -> str:
    return f"{found.smallest}\n  {_remark(found)}"
