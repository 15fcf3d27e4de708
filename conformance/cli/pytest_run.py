"""A run from its options to its exit code: start pytest with the suite's plugin, and print the last lines."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from conformance.cli.common import (
    named_under_machines,
    print_gate,
    require_startable,
    resolve_adapters,
    say_next_of,
)
from conformance.cli.debug_options import require_in_process
from conformance.cli.where_facts import resolve_facts
from conformance.reports.formats.gate_lines import shell_lines, terminal_lines
from conformance.reports.gate.exit_codes import INFRA, INTERRUPTED, USAGE, gate_exit_code
from conformance.reports.gate.expectations import ExpectationError, load_all
from conformance.reports.gate.text import headline, lines
from conformance.reports.record.fact_columns import fact_columns_in
from conformance.reports.record.store import Results, ResultsError
from conformance.runner.console import ConsoleReporter
from conformance.runner.options import RunOptions
from conformance.runner.plan import ShardError, read_shard
from conformance.runner.run_folder import BASE, FolderError, to_resume
from conformance.runner.selection import SelectionError, expectation_folders, select
from conformance.suite import SUITE

if TYPE_CHECKING:
    from conformance.runner.recorder import Recorder  # imported while a framework loads

__all__ = ["start"]

_UNUSED = ("logging", "unraisableexception", "threadexception")
"""Plugins of pytest itself that inspect every item for effects that only the code under a test could have."""


def start(options: RunOptions, pytest_args: Sequence[str] = ()) -> int:
    """Run the suite with the options of ``conformance run`` and return the exit code.

    Parameters
    ----------
    options : RunOptions
        What to run.
    pytest_args : sequence of str
        Further arguments of pytest.

    Raises
    ------
    click.UsageError
        The options are wrong, or they select nothing.
    """
    given, options = options, _resolved(options)
    _check(options)
    arguments = [
        str(SUITE),
        *("-p", "conformance.plugin", "-p", "no:terminal"),
        # The pytest plugins of other packages are for tests. With them a smoke run takes 1.06 of the time.
        *("--disable-plugin-autoload", "-p", "xdist", "--assert=plain", "--capture=no"),
        *(argument for plugin in _UNUSED for argument in ("-p", f"no:{plugin}")),
        *("-c", str(SUITE.with_name("pytest.ini")), f"--rootdir={options.out or BASE}"),
        *("-n", options.workers),
        *replace(options, unselected=not set(pytest_args) - {"--no-report"}).pytest_arguments(),
        *pytest_args,
    ]
    console = ConsoleReporter(quiet=options.quiet)
    try:
        status = pytest.main(arguments, plugins=[console])
    except KeyboardInterrupt:  # while the report is written
        status, console.interrupted = pytest.ExitCode.INTERRUPTED, True
    if console.interrupted and console.recorder is not None and not console.recorder.trouble:
        return _interrupted(given, console.recorder, pytest_args)
    return _finish(options, console, int(status))


def _resolved(options: RunOptions) -> RunOptions:
    """The options with the names of the adapters that run, and with a condition that names no facts."""
    if options.in_process and (options.dask is not None or options.workers != "0"):
        raise click.UsageError("--in-process needs -n 0, and no --dask")
    # Which adapters a name matches depends on what is installed where they run.
    if options.dask is not None:
        if fact_columns_in(options.where or ""):
            raise click.UsageError("--where with facts does not work on a cluster; drop --dask")
        return replace(options, adapters=tuple(named_under_machines(options.adapters, options.machines)))
    specs = resolve_adapters(options.adapters, options.device, options.machines, quiet=options.quiet)
    require_startable(specs)
    try:
        where, specs = resolve_facts(options.where, specs, partial(select, options.tier, options.case_ids))
    except SelectionError as error:
        raise click.UsageError(str(error)) from None
    if options.in_process:
        require_in_process(specs)
    # The names are those of adapters on the device.
    return replace(options, adapters=tuple(spec.name for spec in specs), device="cpu", where=where)


def _check(options: RunOptions) -> None:
    """Raise UsageError for what would end the run before its first case."""
    if not (options.workers == "auto" or options.workers.isdecimal()):
        raise click.UsageError(f"-n {options.workers!r}: give a number of worker processes, or auto")
    try:
        select(options.tier, options.case_ids, options.where)
        read_shard(options.shard)
        load_all(options.adapters, expectation_folders(options.expectations))
        for name in (options.durations_from, options.baseline):
            if name is not None:
                Results.open(Path(name)).close()
        out = options.out or BASE
        if options.resume:
            to_resume(options.out)
        else:
            out.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=out).close()
    except (SelectionError, ShardError, ExpectationError, ResultsError, FolderError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write into {out}: {error}") from None


def _interrupted(options: RunOptions, recorder: Recorder, pytest_args: Sequence[str]) -> int:
    """Say how far the run got, how to resume it, and what it has found."""
    done, planned = recorder.progress
    if not planned:
        click.echo("Interrupted before the first case.")
        return INTERRUPTED
    resumed = replace(options, out=recorder.folder.path, resume=True, overwrite=False)
    rest = ["--", *pytest_args] if pytest_args else []
    click.echo(f"Interrupted after {done} of {planned} cases. To resume:")
    click.echo("\n".join(shell_lines(["conformance", "run", *resumed.command_arguments(), *rest])))
    if recorder.gate is not None:
        for line in lines(recorder.gate, recorder.cases):
            if line.summary is not None and line.fails:
                click.echo("\n".join(terminal_lines(line)))
        click.echo(recorder.totals)
    return INTERRUPTED


def _finish(options: RunOptions, console: ConsoleReporter, pytest_status: int) -> int:
    """Print the last lines and return the exit code."""
    sharded = options.shard is not None
    recorder = console.recorder
    if pytest_status == pytest.ExitCode.NO_TESTS_COLLECTED and recorder is not None and recorder.gate is None:
        raise click.UsageError("no case is selected, so nothing was run; check the arguments after --")
    if recorder is None or recorder.gate is None or recorder.trouble:
        if recorder is not None and recorder.trouble:
            click.echo(f"conformance: {recorder.trouble}", err=True)
        return USAGE if pytest_status == pytest.ExitCode.USAGE_ERROR else INFRA
    out = recorder.folder.path
    if not recorder.gate.counts and not sharded:
        raise click.UsageError(
            "no case is selected, so nothing was run; check --where, --shard and the arguments after --"
        )
    if not recorder.gate.compared and not recorder.gate.fails and not sharded:
        print_gate(recorder.gate, recorder.cases, summary=out / "summary.md", quiet=options.quiet)
        click.echo(recorder.totals)
        click.echo(f"conformance: {headline(recorder.gate)[0].lower()}{headline(recorder.gate)[1:]}", err=True)
        return USAGE
    print_gate(recorder.gate, recorder.cases, summary=out / "summary.md", quiet=options.quiet)
    if not options.quiet:
        if recorder.earlier is not None:
            click.echo(f"the earlier record is {recorder.earlier}")
        times = ", ".join(f"{adapter} {seconds:.1f} s" for adapter, seconds in console.seconds.items())
        click.echo(f"time in cases: {times}")
        click.echo(f"report: {out / 'report' / 'index.html'}")
        baseline = ("conformance", "run", "--baseline", str(out / "results.sqlite"))
        say_next_of(recorder.gate, recorder.cases, otherwise=baseline)
    click.echo(recorder.totals)
    return INFRA if pytest_status == pytest.ExitCode.INTERNAL_ERROR else gate_exit_code(recorder.gate)
