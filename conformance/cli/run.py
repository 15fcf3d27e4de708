"""``conformance run``: the suite under pytest, with friendly words around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conformance.cli.debug_options import in_process_option, log_options
from conformance.cli.options import adapter_option, dask_option, device_option, expectations_option, machine_option
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
@click.option("--tier", metavar="TIER", help="smoke (default), gate, full, or corpus: what users reported.")
@click.option("--case", "case_ids", multiple=True, metavar="ID", help="A single case; may be repeated.")
@click.option(
    "--where",
    metavar="EXPR",
    help="SQL condition over the columns of a case, and facts such as fact_tensorflow_onednn.",
)
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
def command(**options: Any) -> None:
    """Ask adapters the cases of a tier, or single cases, and write results and a report.

    Arguments after ``--`` go to pytest, such as ``-- -k same --lf``.
    """
    asks_here = options["dask"] is None and options["workers"] == "0" and not options["resume"]
    asks_here = asks_here and not options["in_process"]
    if asks_here and options["adapters"] and options["device"] == "cpu" and not options["machines"]:
        launch_named(options["adapters"][0])
    try:
        # What takes its time to import comes after that.
        from conformance.cli.pytest_run import start

        code = start(**options)
    finally:
        close()
    raise click.exceptions.Exit(code)
