"""A cluster for one run: which adapters its workers have, and their outcomes as they come."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cluster.dispatch import Result, dispatch, request
from conformance.cluster.members import Cluster
from conformance.reports.gate.expectations import Expectation

__all__ = ["ClusterRun"]

_PARTS_IN_A_PIECE = 16


class ClusterRun:
    """A connection to a cluster for one run.

    Parameters
    ----------
    address : str
        The address of the scheduler.
    tell : callable
        Called with one line about workers that join, are lost, or cannot be used.

    Raises
    ------
    ClusterError
        The cluster cannot be used.
    """

    def __init__(self, address: str, tell: Callable[[str], None]) -> None:
        self._cluster = Cluster(address, tell)
        self.engage = self._cluster.engage
        self.versions = self._cluster.versions
        self.close = self._cluster.close

    def results(
        self,
        specs: Sequence[AdapterSpec],
        cases: Mapping[str, Sequence[Sequence[str]]],
        *,
        limits: ProcessLimits,
        expectations: Mapping[str, Sequence[Expectation]],
        every: bool,
    ) -> Iterator[Result]:
        """Run cases on the workers, as `conformance.runner.remote_run.RemoteRun` documents it."""
        run = uuid.uuid4().hex
        requests: dict[str, dict[str, Any]] = {
            spec.name: {**request(run, spec, limits, expectations[spec.name]), "every": every} for spec in specs
        }
        yield from dispatch(self._cluster, "run_cases", requests, cases, most=_PARTS_IN_A_PIECE)
