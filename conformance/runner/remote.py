"""A run on a cluster: pytest's items, in the order in which the cluster finishes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.execution.case_runner import JudgedOutcome
from conformance.reports.gate.expectations import Expectation
from conformance.reports.record.outcome import Outcome
from conformance.runner.items import CaseItem
from conformance.runner.plan import first_of

if TYPE_CHECKING:  # the plugin connects to the cluster: a run without one does not load it
    from conformance.cluster.dispatch import Result
    from conformance.cluster.run import ClusterRun

__all__ = ["RemoteCaseRunner"]


def _sequence(case_id: str) -> str:
    return first_of(case_id)[0]


class RemoteCaseRunner:
    """Runs cases on the workers of a cluster; an item runs here when its outcome has arrived.

    Parameters
    ----------
    cluster : ClusterRun
        A cluster that is set up for the adapters of the run.
    limits : ProcessLimits
        How long to wait for an adapter.
    expectations : mapping
        Entries by adapter.
    every : bool
        Whether every case is computed twice.
    """

    def __init__(
        self,
        cluster: ClusterRun,
        limits: ProcessLimits,
        expectations: Mapping[str, Sequence[Expectation]],
        *,
        every: bool,
    ) -> None:
        self._cluster, self._limits, self._expectations = cluster, limits, expectations
        self._every = every
        self._arrived: dict[tuple[str, Case], JudgedOutcome] = {}

    def run(self, spec: AdapterSpec, case: Case, following: Sequence[Case] = ()) -> JudgedOutcome:
        """The outcome that has arrived."""
        return self._arrived.pop((spec.name, case))

    def close(self) -> None:
        """Disconnect from the cluster."""
        self._cluster.close()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every item as its outcome arrives."""
        waiting: dict[tuple[str, str], CaseItem] = {}
        case_ids: dict[str, list[str]] = {}
        specs: dict[str, AdapterSpec] = {}
        for item in session.items:
            if not isinstance(item, CaseItem):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                continue
            specs[item.spec.name] = item.spec
            case_ids.setdefault(item.spec.name, []).append(str(item.case))
            waiting[item.spec.name, str(item.case)] = item
        # The cases of a sequence are one part, as each runs after the others in one process.
        parts = {name: [list(part) for _, part in groupby(ids, _sequence)] for name, ids in case_ids.items()}
        for result in self._cluster.results(
            list(specs.values()), parts, limits=self._limits, expectations=self._expectations, every=self._every
        ):
            for case_id, judged in self._outcomes_of(result, waiting):
                item = waiting.pop((result.adapter, case_id))
                self._arrived[result.adapter, Case.parse(case_id)] = judged
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=next(iter(waiting.values()), None))
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
        return True

    def _outcomes_of(
        self, result: Result, waiting: Mapping[tuple[str, str], Any]
    ) -> list[tuple[str, JudgedOutcome]]:
        case_ids = [case_id for part in result.parts for case_id in part]
        if result.trouble:
            # A result without parts is about all cases of its adapter that are left.
            left = case_ids or [case_id for adapter, case_id in waiting if adapter == result.adapter]
            return [(c, JudgedOutcome(Outcome(c, result.adapter, "infra", detail=result.trouble))) for c in left]
        entries = {entry.finding: entry for entry in self._expectations[result.adapter]}
        environment: dict[str, Any] | None = result.reply["environment"]
        judged = []
        for case_id, data in zip(case_ids, result.reply["answers"], strict=True):
            outcome = Outcome.from_json(data["outcome"])
            judged.append((case_id, JudgedOutcome(outcome, entries.get(data["known"]), environment)))
            environment = None  # once per result is enough
        return judged
