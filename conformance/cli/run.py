"""``conformance run``: the suite under pytest, with friendly words around it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli.common import (
    adapter_option,
    dask_option,
    device_option,
    expectations_option,
    print_gate,
    resolve_adapters,
)
from conformance.exit_codes import INFRA, INTERRUPTED, USAGE, gate_exit_code
from conformance.runner.ahead import launch
from conformance.runner.plan import ShardError, read_shard
from conformance.selection import SelectionError, expectation_folders, select
from reports.expectations import ExpectationError, load_all
from reports.store import Results, ResultsError

if TYPE_CHECKING:
    from conformance.runner.console import ConsoleReporter

__all__ = ["command"]


@click.command(
    "run",
    epilog="Examples: conformance run --adapter torch --tier gate -n 2; on a cluster: conformance run "
    "--adapter torch --tier full --dask tcp://scheduler:8786",
)
@adapter_option
@device_option
@click.option("--tier", metavar="TIER", help="smoke (default), gate, full, or corpus: what users reported.")
@click.option("--case", "case_ids", multiple=True, metavar="ID", help="A single case; may be repeated.")
@click.option("--where", metavar="EXPR", help="SQL condition over the columns of a case.")
@click.option("--shard", metavar="I/M", help="Ask the I-th of M parts; `conformance merge` puts them together.")
@click.option("--durations-from", metavar="RESULTS", help="Balance the shards by the times of a recorded run.")
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in the folder.")
@expectations_option
@click.option(
    "--baseline", metavar="RESULTS", help="An earlier run: what it has is known, lost precision is news."
)
@click.option("-n", "workers", default="0", metavar="N", help="Worker processes; 'auto' for one a core.")
@dask_option
@click.option("--out", default="conformance-out", type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, help="Seconds for one answer.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(
    adapters: tuple[str, ...],
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
    pytest_args: tuple[str, ...],
) -> None:
    """Ask adapters the cases of a tier, or single cases, and write results and a report.

    Arguments after ``--`` go to pytest, such as ``-- -k same --lf``.
    """
    # Which adapters a name stands for depends on what is installed where they are asked.
    specs = [] if dask is not None else resolve_adapters(adapters, device)
    names = adapters if dask is not None else [spec.name for spec in specs]
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
    if specs and workers == "0" and not resume:
        launch(specs[0])
    # What takes its time to import comes after that.
    import pytest

    from conformance.plugin import SUITE
    from conformance.runner.console import ConsoleReporter

    given = {"tier": tier, "where": where, "shard": shard, "durations-from": durations_from, "baseline": baseline}
    arguments = [
        str(SUITE),
        *("-p", "conformance.plugin", "-p", "no:terminal"),
        # What other packages plug into pytest is for tests; it costs a second, and each item some of its time.
        *("--disable-plugin-autoload", "-p", "xdist", "-p", "no:logging", "--assert=plain", "--capture=no"),
        *("-c", str(SUITE.with_name("pytest.ini")), f"--rootdir={out}"),
        *(f"--adapter={name}" for name in names),
        *([f"--dask={dask}", f"--device={device}"] if dask is not None else []),
        *(f"--case={case_id}" for case_id in case_ids),
        *(f"--expectations={folder}" for folder in expectations),
        *(f"--{name}={value}" for name, value in given.items() if value is not None),
        *(["--resume"] if resume else []),
        *("-n", workers, f"--out={out}", f"--answer-timeout={timeout}"),
        *pytest_args,
    ]
    console = ConsoleReporter()
    status = pytest.main(arguments, plugins=[console])
    raise click.exceptions.Exit(_finish(out, console, int(status), sharded=shard is not None))


def _finish(out: Path, console: ConsoleReporter, pytest_status: int, *, sharded: bool) -> int:
    """Print the last lines and find the exit code."""
    import pytest

    recorder = console.recorder
    if recorder is None or recorder.gate is None or recorder.trouble:
        if recorder is not None and recorder.trouble:
            click.echo(f"conformance: {recorder.trouble}", err=True)
        return USAGE if pytest_status == pytest.ExitCode.USAGE_ERROR else INFRA
    if not recorder.gate.counts and not sharded:
        raise click.UsageError("the selection holds no case; nothing was tested")
    print_gate(recorder.gate, recorder.cases, summary=out / "summary.md")
    click.echo(f"report: {out / 'report' / 'index.html'}")
    click.echo(recorder.totals)
    if console.interrupted:
        return INTERRUPTED
    return INFRA if pytest_status == pytest.ExitCode.INTERNAL_ERROR else gate_exit_code(recorder.gate)
