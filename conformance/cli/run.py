"""``conformance run``: the suite under pytest, with friendly words around it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import pytest

from conformance.cli.common import adapter_option, resolve_adapters
from conformance.exit_codes import INFRA, exit_code
from conformance.plugin import SUITE
from conformance.selection import SelectionError, select
from reports.store import Results
from reports.summary import totals_line

__all__ = ["command"]


@click.command(
    "run",
    epilog="Example: conformance run --adapter torch --tier gate -n 2",
)
@adapter_option
@click.option("--tier", metavar="TIER", help="smoke (default), gate or full.")
@click.option("--case", "case_ids", multiple=True, metavar="ID", help="A single case; may be repeated.")
@click.option("--where", metavar="EXPR", help="SQL condition over the columns of a case.")
@click.option("-n", "workers", default="0", metavar="N", help="Worker processes; 'auto' for one a core.")
@click.option("--out", default="conformance-out", type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, help="Seconds for one answer.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(
    adapters: tuple[str, ...],
    tier: str | None,
    case_ids: tuple[str, ...],
    where: str | None,
    workers: str,
    out: Path,
    timeout: float,
    pytest_args: tuple[str, ...],
) -> None:
    """Ask adapters the cases of a tier, or single cases, and write results and a report.

    Arguments after ``--`` go to pytest, such as ``-- -k same --lf``.
    """
    specs = resolve_adapters(adapters)
    if not (workers == "auto" or workers.isdecimal()):
        raise click.UsageError(f"-n {workers!r}: give a number of worker processes, or auto")
    try:
        select(tier, case_ids, where)
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except SelectionError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot write into {out}: {error}") from None
    arguments = [
        str(SUITE),
        *("-p", "conformance.plugin", "-p", "no:terminal"),
        *("-c", str(SUITE.with_name("pytest.ini")), f"--rootdir={out}"),
        *(f"--adapter={spec.name}" for spec in specs),
        *(f"--case={case_id}" for case_id in case_ids),
        *([f"--tier={tier}"] if tier else []),
        *([f"--where={where}"] if where else []),
        *("-n", workers, f"--out={out}", f"--answer-timeout={timeout}"),
        f"--junitxml={out / 'junit.xml'}",
        *pytest_args,
    ]
    from conformance.runner.console import ConsoleReporter

    status = pytest.main(arguments, plugins=[ConsoleReporter()])
    raise click.exceptions.Exit(_finish(out, int(status)))


def _finish(out: Path, pytest_status: int) -> int:
    """Print the last lines and find the exit code."""
    if pytest_status in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        return INFRA if pytest_status == pytest.ExitCode.INTERNAL_ERROR else 2
    with Results.open(out / "results.sqlite") as results:
        if not results.count():
            raise click.UsageError("the selection holds no case; nothing was tested")
        code = exit_code(results.outcomes())
        click.echo(f"report: {out / 'report' / 'index.html'}")
        click.echo(totals_line(results))
    return code
