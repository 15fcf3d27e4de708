"""``conformance run``: the suite under pytest, with its own options and output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conformance.cli.debug_options import in_process_option, log_options
from conformance.cli.options import (
    adapter_option,
    dask_option,
    device_option,
    expectations_option,
    machine_option,
    timeout_option,
)
from conformance.execution.prelaunch import close, launch_named

__all__ = ["command"]


@click.command(
    "run",
    epilog="Examples: conformance run --adapter torch --tier gate -n 2; on a cluster: conformance run "
    "--adapter torch --tier full --dask tcp://scheduler:8786",
)
@adapter_option
@machine_option
@device_option
@in_process_option
@log_options
@click.option(
    "--tier", metavar="TIER", help="smoke (default), gate, full, or corpus (the cases that users reported)."
)
@click.option("--case", "case_ids", multiple=True, metavar="ID", help="A single case; may be repeated.")
@click.option(
    "--where",
    metavar="EXPR",
    help="Run the cases that meet an SQL condition over their columns and over facts of the machine, such as "
    '"stride_h > 1" or fact_tensorflow_onednn.',
)
@click.option(
    "--shard", metavar="I/M", help="Run only the I-th of M parts; `conformance merge` merges their records."
)
@click.option("--durations-from", metavar="RESULTS", help="Balance the shards by the times of a recorded run.")
@click.option("--resume", is_flag=True, help="Resume the interrupted run in --out.")
@expectations_option
@click.option(
    "--baseline",
    metavar="RESULTS",
    help="The record of an earlier run: its discrepancies count as known, lost precision as new.",
)
@click.option("-n", "workers", default="0", metavar="N", help="Worker processes; 'auto': one per core.")
@dask_option
@click.option(
    "--out",
    default="conformance-out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    show_default=True,
    help="Folder for the record (results.sqlite) and the report.",
)
@timeout_option()
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(**options: Any) -> None:
    """Run the cases of a tier, or single cases, on adapters, and write a record and a report.

    Arguments after -- go to pytest, such as -- -k same --lf. Exit codes: 0 nothing new, 1 new
    discrepancies, 2 wrong usage or nothing compared, 3 the suite itself failed, 130 interrupted.
    """
    runs_here = options["dask"] is None and options["workers"] == "0" and not options["resume"]
    runs_here = runs_here and not options["in_process"]
    if runs_here and options["adapters"] and options["device"] == "cpu" and not options["machines"]:
        launch_named(options["adapters"][0])
    try:
        # Slow imports come after the launch: the framework loads at the same time.
        from conformance.cli.pytest_run import start

        code = start(**options)
    finally:
        close()
    raise click.exceptions.Exit(code)
