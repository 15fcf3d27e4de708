"""The pytest plugin: one item per case and adapter.

It gives pytest the options, and loads quickly; the rest is imported when pytest collects the suite.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from conformance.runner.options import RunOptions, add_to_pytest
from conformance.suite import SUITE


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of the suite."""
    add_to_pytest(parser)


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

    options = RunOptions.of(config)
    if options.dask is None:
        register(config)
        return
    from conformance.cluster.members import ClusterError
    from conformance.cluster.run import ClusterRun
    from conformance.runner.notes import notes

    try:
        register(config, partial(ClusterRun, options.dask, notes(quiet=options.quiet)))
    except ClusterError as error:
        raise pytest.UsageError(str(error)) from None
