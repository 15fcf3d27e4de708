"""A cluster for one run: which adapters its workers have, and their outcomes as they come."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cluster.dispatch import Result, dispatch, request
from conformance.cluster.members import Cluster
from conformance.reports.gate.expectations import Expectation

__all__ = ["ClusterRun"]

_PARTS_IN_A_PIECE = 16


class ClusterRun(Cluster):
    """A connection to a cluster for one run."""

    def results(
        self,
        specs: Sequence[AdapterSpec],
        cases: Mapping[str, Sequence[Sequence[str]]],
        *,
        limits: ProcessLimits,
        expectations: Mapping[str, Sequence[Expectation]],
        every: bool,
    ) -> Iterator[Result]:
        """Run cases on the workers; every case is in exactly one result.

        Parameters
        ----------
        specs : sequence of AdapterSpec
            The adapters, from `engage`.
        cases : mapping
            Sequences of case ids by adapter; the cases of a sequence run in one process.
        limits : ProcessLimits
            How long to wait for an adapter.
        expectations : mapping
            Entries by adapter.
        every : bool
            Whether every case is computed twice.
        """
        run = uuid.uuid4().hex
        requests: dict[str, dict[str, Any]] = {
            spec.name: {**request(run, spec, limits, expectations[spec.name]), "every": every} for spec in specs
        }
        yield from dispatch(self, "run_cases", requests, cases, most=_PARTS_IN_A_PIECE)
