"""``conformance fuzz``: search for new findings with random cases."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec, UnknownAdapter
from conformance.cases.corpus.found import FOUND, promote
from conformance.cli.common import named_under_machines, resolve_adapters
from conformance.cli.next_step import say_next
from conformance.cli.options import (
    adapter_option,
    dask_option,
    expectations_option,
    machine_option,
    search_options,
)
from conformance.cluster.fuzzing import fuzz as fuzz_on_cluster
from conformance.cluster.members import Cluster, ClusterError
from conformance.reports.gate.exit_codes import DISCREPANCY, INFRA
from conformance.reports.gate.expectations import ExpectationError, load_all
from conformance.reports.record.statuses import label
from conformance.runner.notes import notes
from conformance.runner.selection import expectation_folders
from conformance.triage.fuzz import AdapterUnavailable, Discovery, fuzz

__all__ = ["command"]


@click.command(
    "fuzz", epilog="Example: conformance fuzz --adapter torch --minutes 5 [--dask tcp://scheduler:8786]"
)
@adapter_option
@machine_option
@search_options("minutes", least=0.01, default=5.0, about=": per adapter, or with --dask in total")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="The same seed generates the same cases.",
)
@click.option("--promote", "keep", is_flag=True, help=f"Add the smallest cases to {FOUND.name} in the corpus.")
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
    quiet: bool,
) -> None:
    """Run random cases, and shrink each unknown failure to the smallest case that fails in the same way.

    Prints each finding: the smallest case, the adapter and how it fails. The exit code is 1 if there is any.
    """
    discoveries: list[Discovery] = []
    try:
        folders = expectation_folders(expectations)
        how: dict[str, Any] = {"seconds": minutes * 60, "seed": seed, "limits": ProcessLimits(answer=timeout)}
        how["say"] = say = notes(quiet=quiet)
        search = (
            _on_cluster(dask, named_under_machines(adapters, machines), folders, **how)
            if dask
            else _here(resolve_adapters(adapters, machines=machines, quiet=quiet), folders, **how)
        )
        for discovery in search:
            discoveries.append(discovery)
            click.echo(_line(discovery))
    except (ExpectationError, UnknownAdapter, ClusterError) as error:
        raise click.UsageError(str(error)) from None
    except AdapterUnavailable as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(INFRA) from None
    if keep and discoveries:
        try:
            added = promote([(discovery.smallest, _remark(discovery)) for discovery in discoveries])
        except OSError as error:
            raise click.UsageError(f"cannot write {FOUND}: {error}") from None
        say(f"{added} new in {FOUND}; python -m conformance.cases.design.generate adds them to the gate tier")
    if discoveries:
        worst = discoveries[0].outcome
        say_next("conformance", "explain", worst.case_id, "--adapter", worst.adapter, "--when", quiet=quiet)
        raise click.exceptions.Exit(DISCREPANCY)


def _here(
    specs: Sequence[AdapterSpec],
    folders: Sequence[Path],
    *,
    seconds: float,
    seed: int,
    limits: ProcessLimits,
    say: Callable[[str], None],
) -> Iterator[Discovery]:
    """Search one adapter after the other."""
    expectations = load_all([spec.name for spec in specs], folders)
    for spec in specs:
        with AdapterProcess(spec, limits) as host:
            try:
                yield from fuzz(
                    host,
                    seconds=seconds,
                    seed=seed,
                    expectations=expectations[spec.name],
                    tick=_tick(spec.name, say),
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
    say: Callable[[str], None],
) -> Iterator[Discovery]:
    """Search all adapters at once."""
    with closing(Cluster(address, say)) as cluster:
        specs = cluster.engage(adapters)
        expectations = load_all([spec.name for spec in specs], folders)
        yield from fuzz_on_cluster(
            cluster, specs, seconds=seconds, seed=seed, limits=limits, expectations=expectations
        )


def _tick(name: str, say: Callable[[str], None]) -> Callable[[int], None]:
    def tick(count: int) -> None:
        if count % 200 == 0 and sys.stderr.isatty():
            say(f"{name}: {count} cases run")

    return tick


def _remark(discovery: Discovery) -> str:
    outcome = discovery.outcome
    text = outcome.explanation or outcome.detail
    return f"{outcome.adapter}, {label(outcome.status, outcome.kind)}: {' '.join(text.split())[:150]}"


def _line(discovery: Discovery) -> str:
    return f"{discovery.smallest}\n  {_remark(discovery)}"
