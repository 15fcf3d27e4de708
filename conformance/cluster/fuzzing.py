"""The search for new findings on a cluster: batches of random cases, and shrinks, on any free worker."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cases import Case
from conformance.cluster.dispatch import Result, dispatch, request
from conformance.cluster.members import Cluster
from conformance.reports.gate.expectations import Expectation
from conformance.reports.record.findings import cause
from conformance.reports.record.outcome import Outcome
from conformance.triage.fuzz import AdapterUnavailable, Discovery

__all__ = ["fuzz"]


class _Search:
    """The search on one adapter."""

    def __init__(self, seed: int, deadline: float) -> None:
        self._seed, self._deadline = seed, deadline
        self._found: deque[tuple[Case, Outcome]] = deque()
        self._seen: set[tuple[str, ...]] = set()

    def parts(self) -> Iterator[dict[str, Any]]:
        """The next pieces of work: shrink what was found, otherwise run the next batch until the time is up."""
        for batch in itertools.count():
            while self._found:
                case, outcome = self._found.popleft()
                yield {"shrink": str(case), "outcome": outcome.to_json()}
            seconds = self._deadline - time.monotonic()
            if seconds <= 0:
                return
            yield {"batch": batch, "seed": self._seed, "seconds": seconds}

    @property
    def unfinished(self) -> bool:
        """Whether something is left to be shrunk."""
        return bool(self._found)

    def take(self, result: Result) -> Iterator[Discovery]:
        """Process a result: failures of a batch are shrunk next, a shrunk failure may be a discovery."""
        (part,) = result.parts
        pairs = [(Case.parse(case_id), Outcome.from_json(outcome)) for case_id, outcome in result.reply["found"]]
        if "shrink" in part:
            first = Outcome.from_json(part["outcome"])
            for smallest, outcome in pairs:
                if cause(outcome) not in self._seen - {cause(first)}:
                    self._seen.add(cause(outcome))
                    yield Discovery(Case.parse(part["shrink"]), smallest, outcome)
            return
        for case, outcome in pairs:
            if cause(outcome) not in self._seen:
                self._seen.add(cause(outcome))
                self._found.append((case, outcome))


def fuzz(
    cluster: Cluster,
    specs: Sequence[AdapterSpec],
    *,
    seconds: float,
    seed: int = 0,
    limits: ProcessLimits,
    expectations: Mapping[str, Sequence[Expectation]],
) -> Iterator[Discovery]:
    """Run random cases on several adapters at once until the time is up.

    Parameters
    ----------
    cluster : Cluster
        A cluster that is set up for the adapters.
    specs : sequence of AdapterSpec
        The adapters.
    seconds : float
        How long to search, for all adapters together; shrinks may end later.
    seed : int
        The same seed generates the same cases for each adapter, as many as there is time for.
    limits : ProcessLimits
        How long to wait for an adapter.
    expectations : mapping
        Failures that are known, by adapter.

    Yields
    ------
    Discovery
        One per cause, as `conformance.triage.fuzz.fuzz` yields them.

    Raises
    ------
    AdapterUnavailable
        No worker can start the adapter's process, or no worker is left.
    """
    deadline, run = time.monotonic() + seconds, uuid.uuid4().hex
    searches = {spec.name: _Search(seed, deadline) for spec in specs}
    requests = {spec.name: request(run, spec, limits, expectations[spec.name]) for spec in specs}
    while True:
        parts = {name: search.parts() for name, search in searches.items()}
        for result in dispatch(cluster, "search", requests, parts):
            if not result.parts:
                raise AdapterUnavailable(f"{result.adapter}: {result.trouble}")
            if result.trouble:
                cluster.tell(f"{result.adapter}: {result.trouble}; skipped: {json.dumps(result.parts[0])[:200]}")
            elif "unavailable" in result.reply:
                raise AdapterUnavailable(f"{result.adapter}: {result.reply['unavailable']}")
            else:
                yield from searches[result.adapter].take(result)
        if not any(search.unfinished for search in searches.values()):
            return
