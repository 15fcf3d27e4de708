"""A run from its options to its exit code: start pytest with the suite's plugin, and print the last lines."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import click
import pytest

from conformance.cli.common import named_under_machines, print_gate, resolve_adapters
from conformance.cli.debug_options import require_in_process
from conformance.cli.where_facts import resolve_facts
from conformance.reports.gate.exit_codes import INFRA, INTERRUPTED, USAGE, gate_exit_code
from conformance.reports.gate.expectations import ExpectationError, load_all
from conformance.reports.gate.text import headline
from conformance.reports.record.fact_columns import fact_columns_in
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.console import ConsoleReporter
from conformance.runner.plan import ShardError, read_shard
from conformance.runner.selection import SelectionError, expectation_folders, select
from conformance.suite import SUITE

__all__ = ["start"]

_UNUSED = ("logging", "unraisableexception", "threadexception")
"""Plugins of pytest itself that inspect every item for effects that only the code under a test could have."""


def start(
    adapters: tuple[str, ...],
    machines: tuple[str, ...],
    device: str,
    tier: str | None,
    case_ids: tuple[str, ...],
    where: str | None,
    shard: str | None,
    durations_from: str | None,
    resume: bool,
    expectations: tuple[str, ...],
    baseline: str | None,
    workers: str,
    dask: str | None,
    out: Path,
    timeout: float,
    in_process: bool,
    pytest_args: tuple[str, ...],
) -> int:
    """Run the suite with the options of ``conformance run`` and return the exit code.

    Raises
    ------
    click.UsageError
        The options are wrong, or they select nothing.
    """
    # Which adapters a name matches depends on what is installed where they run.
    try:
        if dask is not None:
            if fact_columns_in(where or ""):
                raise click.UsageError("--where with facts does not work on a cluster; drop --dask")
            names = named_under_machines(adapters, machines)
        else:
            specs = resolve_adapters(adapters, device, machines)
            where, specs = resolve_facts(where, specs, partial(select, tier, case_ids))
            names = [spec.name for spec in specs]
    except SelectionError as error:
        raise click.UsageError(str(error)) from None
    if in_process:
        if dask is not None or workers != "0":
            raise click.UsageError("--in-process needs -n 0, and no --dask")
        require_in_process(specs)
    if not (workers == "auto" or workers.isdecimal()):
        raise click.UsageError(f"-n {workers!r}: give a number of worker processes, or auto")
    try:
        select(tier, case_ids, where)
        read_shard(shard)
        load_all(names, expectation_folders(expectations))
        for name in (durations_from, baseline):
            if name is not None:
                Results.open(Path(name)).close()
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except (SelectionError, ShardError, ExpectationError, ResultsError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write into {out}: {error}") from None
    values = {"tier": tier, "where": where, "shard": shard, "durations-from": durations_from, "baseline": baseline}
    arguments = [
        str(SUITE),
        *("-p", "conformance.plugin", "-p", "no:terminal"),
        # The pytest plugins of other packages are for tests. They take about a second to load, and time per item.
        *("--disable-plugin-autoload", "-p", "xdist", "--assert=plain", "--capture=no"),
        *(argument for plugin in _UNUSED for argument in ("-p", f"no:{plugin}")),
        *("-c", str(SUITE.with_name("pytest.ini")), f"--rootdir={out}"),
        *(f"--adapter={name}" for name in names),
        *([f"--dask={dask}", f"--device={device}"] if dask is not None else []),
        *(f"--case={case_id}" for case_id in case_ids),
        *(f"--expectations={folder}" for folder in expectations),
        *(f"--{name}={value}" for name, value in values.items() if value is not None),
        *(["--resume"] if resume else []),
        *(["--in-process"] if in_process else []),
        *([] if set(pytest_args) - {"--no-report"} else ["--unselected"]),
        *("-n", workers, f"--out={out}", f"--answer-timeout={timeout}"),
        *pytest_args,
    ]
    console = ConsoleReporter()
    status = pytest.main(arguments, plugins=[console])
    return _finish(out, console, int(status), sharded=shard is not None)


def _finish(out: Path, console: ConsoleReporter, pytest_status: int, *, sharded: bool) -> int:
    """Print the last lines and return the exit code."""
    recorder = console.recorder
    if recorder is None or recorder.gate is None or recorder.trouble:
        if recorder is not None and recorder.trouble:
            click.echo(f"conformance: {recorder.trouble}", err=True)
        return USAGE if pytest_status == pytest.ExitCode.USAGE_ERROR else INFRA
    if not recorder.gate.counts and not sharded:
        raise click.UsageError(
            "no case is selected, so nothing was run; check --where, --shard and the arguments after --"
        )
    if not recorder.gate.compared and not recorder.gate.fails and not sharded and not console.interrupted:
        print_gate(recorder.gate, recorder.cases, summary=out / "summary.md")
        click.echo(recorder.totals)
        click.echo(f"conformance: {headline(recorder.gate)[0].lower()}{headline(recorder.gate)[1:]}", err=True)
        return USAGE
    print_gate(recorder.gate, recorder.cases, summary=out / "summary.md")
    click.echo(f"report: {out / 'report' / 'index.html'}")
    click.echo(recorder.totals)
    if console.interrupted:
        return INTERRUPTED
    return INFRA if pytest_status == pytest.ExitCode.INTERNAL_ERROR else gate_exit_code(recorder.gate)
