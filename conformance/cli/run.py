"""``conformance run``: the suite under pytest, with its own options and output."""

from __future__ import annotations

from typing import Any

import click

from conformance.cli.debug_options import log_options
from conformance.cli.options import run_options
from conformance.execution.prelaunch import close, launch_named
from conformance.runner.options import RunOptions, configured_names

__all__ = ["command"]


class _Run(click.Command):
    """Takes no words before ``--``; those after it are for pytest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        left = super().parse_args(ctx, args[:end])
        if words := ctx.params["pytest_args"]:
            raise click.UsageError(
                f"unexpected argument {words[0]!r}; adapters follow --adapter, and pytest's arguments --"
            )
        ctx.params["pytest_args"] = tuple(args[end + 1 :])
        return left


@click.command(
    "run",
    cls=_Run,
    epilog="Examples: conformance run --adapter torch --tier gate -n 2; on a cluster: conformance run "
    "--adapter torch --tier full --dask tcp://scheduler:8786. conformance.toml, or the table tool.conformance of "
    f"pyproject.toml, may set {', '.join(configured_names())}.",
)
@run_options
@log_options
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(pytest_args: tuple[str, ...], **values: Any) -> None:
    """Run the cases of a tier, or single cases, on adapters, and write a record and a report.

    Arguments after -- go to pytest, such as -- -k same --lf. Exit codes: 0 nothing new, 1 new
    discrepancies, 2 wrong usage or nothing compared, 3 the suite itself failed, 130 interrupted.
    """
    source = click.get_current_context().get_parameter_source("tier")
    if values["case_ids"] and source is click.core.ParameterSource.DEFAULT_MAP:
        values["tier"] = None  # cases that are named replace the tier of the project
    options = RunOptions(**values)
    runs_here = options.dask is None and options.workers == "0" and not options.resume and not options.in_process
    if runs_here and options.adapters and options.device == "cpu" and not options.machines:
        launch_named(options.adapters[0])
    try:
        # Slow imports come after the launch: the framework loads at the same time.
        from conformance.cli.pytest_run import start

        code = start(options, pytest_args)
    finally:
        close()
    raise click.exceptions.Exit(code)
