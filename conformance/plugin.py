"""The pytest plugin: one item per case and adapter.

Only the options are here, so that the plugin loads quickly; the rest is imported when pytest collects the suite.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from conformance.runner.entry_point import add_adapter_option
from conformance.suite import SUITE


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of the suite."""
    add_adapter_option(parser)
    group = parser.getgroup("conformance", "conformance suite for transposed convolutions")
    group.addoption("--device", default="cpu", metavar="DEVICE", help="where to compute: cpu or cuda")
    group.addoption("--dask", default=None, metavar="ADDRESS", help="Dask scheduler whose workers run the cases")
    group.addoption("--tier", default=None, metavar="TIER", help="named case set: smoke, gate or full")
    group.addoption("--case", action="append", default=[], metavar="ID", help="single case; repeatable")
    group.addoption("--where", default=None, metavar="EXPR", help="SQL condition over the columns of a case")
    group.addoption("--out", default="conformance-out", metavar="DIR", help="folder for results and report")
    group.addoption("--shard", default=None, metavar="I/M", help="run only the I-th of M parts of the selection")
    group.addoption("--durations-from", default=None, metavar="FILE", help="results file that balances the shards")
    group.addoption("--resume", action="store_true", help="resume the interrupted run in --out")
    group.addoption(
        "--expectations", action="append", default=[], metavar="DIR", help="folder of expectations; repeatable"
    )
    group.addoption(
        "--baseline", default=None, metavar="FILE", help="results file of an earlier run to compare with"
    )
    group.addoption(
        "--answer-timeout",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds to wait for the output of one case",
    )
    group.addoption(
        "--unselected", action="store_true", help="internal: no -k/-m filter is active, create items lazily"
    )
    group.addoption("--in-process", action="store_true", help="run the adapter in this process")
    group.addoption("--no-report", action="store_true", help="write the record only")


def _collects_suite(config: pytest.Config) -> bool:
    arguments = [str(argument).partition("::")[0] for argument in config.args]
    return any(
        argument == "conformance.suite" or Path(argument).resolve() == SUITE.resolve() for argument in arguments
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load the runner if this run collects the suite."""
    if not _collects_suite(config):
        return
    from conformance.runner.registration import register

    if config.option.dask is None:
        register(config)
        return
    import click

    from conformance.cluster.members import ClusterError
    from conformance.cluster.run import ClusterRun

    try:
        register(config, partial(ClusterRun, tell=partial(click.echo, err=True)))
    except ClusterError as error:
        raise pytest.UsageError(str(error)) from None
