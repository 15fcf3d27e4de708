"""A run on a cluster: pytest's items, in the order in which the cluster answers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import pytest

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.execution.case_runner import JudgedOutcome
from conformance.reports.gate.expectations import Expectation
from conformance.reports.record.outcome import Outcome
from conformance.runner.items import CaseItem
from conformance.runner.plan import first_of
from conformance.runner.remote_run import RemoteResult, RemoteRun

__all__ = ["RemoteCaseRunner"]


def _sequence(case_id: str) -> str:
    return first_of(case_id)[0]


class RemoteCaseRunner:
    """Asks the workers of a cluster; the items run one after the other here, each when its answer is there.

    Parameters
    ----------
    cluster : RemoteRun
        Engaged for the adapters of the run.
    limits : ProcessLimits
        How long to wait for an adapter.
    expectations : mapping
        Entries by adapter.
    every : bool
        Whether every question is answered twice.
    """

    def __init__(
        self,
        cluster: RemoteRun,
        limits: ProcessLimits,
        expectations: Mapping[str, Sequence[Expectation]],
        *,
        every: bool,
    ) -> None:
        self._cluster, self._limits, self._expectations = cluster, limits, expectations
        self._every = every
        self._answers: dict[tuple[str, Case], JudgedOutcome] = {}

    def run(self, spec: AdapterSpec, case: Case, following: Sequence[Case] = ()) -> JudgedOutcome:
        """The answer that is there."""
        return self._answers.pop((spec.name, case))

    def close(self) -> None:
        """Let go of the cluster."""
        self._cluster.close()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every item as its answer comes."""
        waiting: dict[tuple[str, str], CaseItem] = {}
        parts: dict[str, list[str]] = {}
        specs: dict[str, AdapterSpec] = {}
        for item in session.items:
            if not isinstance(item, CaseItem):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                continue
            specs[item.spec.name] = item.spec
            parts.setdefault(item.spec.name, []).append(str(item.case))
            waiting[item.spec.name, str(item.case)] = item
        # The cases of a sequence are one part, as each runs behind the others in one process.
        wholes = {name: [list(some) for _, some in groupby(ids, _sequence)] for name, ids in parts.items()}
        how: dict[str, Any] = {"limits": self._limits, "expectations": self._expectations, "every": self._every}
        for result in self._cluster.results(list(specs.values()), wholes, **how):
            for case_id, answer in self._outcomes_of(result, waiting):
                item = waiting.pop((result.adapter, case_id))
                self._answers[result.adapter, Case.parse(case_id)] = answer
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=next(iter(waiting.values()), None))
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
        return True

    def _outcomes_of(
        self, result: RemoteResult, waiting: Mapping[tuple[str, str], Any]
    ) -> list[tuple[str, JudgedOutcome]]:
        asked = [case_id for part in result.parts for case_id in part]
        if result.trouble:
            left = asked or [case_id for adapter, case_id in waiting if adapter == result.adapter]
            return [(c, JudgedOutcome(Outcome(c, result.adapter, "infra", detail=result.trouble))) for c in left]
        environment = result.answer["environment"]
        known = {entry.finding: entry for entry in self._expectations[result.adapter]}
        return [
            (
                case_id,
                JudgedOutcome(
                    Outcome.from_json(found["outcome"]), known.get(found["known"]), None if number else environment
                ),
            )
            for number, (case_id, found) in enumerate(zip(asked, result.answer["answers"], strict=True))
        ]
