"""The functions that a worker of a cluster runs, called by name, with JSON text for argument and result.

Only text is sent, so the scheduler needs neither the suite nor this version of Python, and the results are plain
data.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from conformance.adapters.devices import DEVICES, present
from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.host.precompile import THREADS
from conformance.adapters.registry import available
from conformance.cases.case import Case
from conformance.cluster.identity import ability, fingerprint, read_spec, write_ability
from conformance.execution.case_runner import CaseRunner, repeat_always, repeat_sampled
from conformance.reports.gate.expectations import Expectation
from conformance.reports.record.outcome import Outcome
from conformance.triage.fuzz import AdapterUnavailable, run_batch, shrink

__all__ = ["offer", "probe", "run_cases", "search"]

# How long an adapter's process waits for the next piece of work, which usually comes at once.
_IDLE_SECONDS = 30.0


def offer(_: str) -> str:
    """The code of this worker, and its installed adapters by device."""
    adapters = {device: available(device) for device in DEVICES if present(device)}
    return json.dumps({"code": fingerprint(), "available": adapters})


def probe(text: str) -> str:
    """The versions and processor with which this worker would run each adapter, or why it cannot."""
    rows = {data["name"]: write_ability(ability(data)) for data in json.loads(text)}
    return json.dumps({"code": fingerprint(), "adapters": rows})


class _ThreadCache:
    """The object with an adapter's process that a thread keeps from one piece of work to the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: Any = None
        self._value: Any = None
        self._timer = threading.Timer(0, self._close)

    @contextmanager
    def use(self, key: Any, make: Callable[[], Any]) -> Iterator[Any]:
        """The object of a key, made now if the thread has a different one or none."""
        self._timer.cancel()
        with self._lock:
            if self._key != key:
                self._close()
                self._key, self._value = key, make()
            yield self._value
        self._timer = threading.Timer(_IDLE_SECONDS, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._value is not None:
            self._value.close()
        self._key = self._value = None


_THREAD = threading.local()


def _thread_cache() -> _ThreadCache:
    if not hasattr(_THREAD, "cache"):
        _THREAD.cache = _ThreadCache()
    cache: _ThreadCache = _THREAD.cache
    return cache


def _expectations(request: dict[str, Any]) -> list[Expectation]:
    return [Expectation.from_json(data) for data in request["expectations"]]


class _ReportingRunner:
    """A `CaseRunner` for one adapter that remembers the environment, for every piece of work to report."""

    def __init__(self, request: dict[str, Any]) -> None:
        # A cluster has a worker per processor, so an adapter's process uses no further threads to compile.
        os.environ.setdefault(THREADS, "0")
        self._spec = read_spec(request["spec"])
        entries = {self._spec.name: _expectations(request)}
        twice = repeat_always if request["every"] else repeat_sampled
        self._case_runner = CaseRunner(ProcessLimits(**request["limits"]), entries, twice)
        self.environment: dict[str, Any] | None = None
        self.close = self._case_runner.close

    def run(self, case: Case, following: Sequence[Case]) -> dict[str, Any]:
        judged = self._case_runner.run(self._spec, case, following)
        self.environment = judged.environment or self.environment
        finding = judged.expectation.finding if judged.expectation is not None else None
        return {"outcome": judged.outcome.to_json(), "known": finding}


def run_cases(text: str) -> str:
    """Run a few cases of a run on an adapter and judge the outputs.

    Parameters
    ----------
    text : str
        JSON: ``run``, ``spec``, ``limits``, ``expectations``, ``every`` (whether each case is computed twice) and
        ``parts``, lists of case ids.

    Returns
    -------
    str
        JSON: for each case its ``outcome`` and the name of the finding that explains it, ``known``; and the
        ``environment`` in which the cases ran.
    """
    request = json.loads(text)
    with _thread_cache().use(
        ("run_cases", request["run"], request["spec"]["name"]), lambda: _ReportingRunner(request)
    ) as runner:
        cases = [Case.parse(case_id) for part in request["parts"] for case_id in part]
        outcomes = [runner.run(case, cases[number:]) for number, case in enumerate(cases, 1)]
        return json.dumps({"answers": outcomes, "environment": runner.environment})


def search(text: str) -> str:
    """Run a batch of random cases on an adapter, or shrink a case that failed.

    Parameters
    ----------
    text : str
        JSON as for `run_cases`. ``parts`` has one element: either a ``batch`` (its number) with its ``seed`` and
        the ``seconds`` left, or a case to ``shrink`` with its ``outcome``.

    Returns
    -------
    str
        JSON: ``found``, pairs of case and outcome, as they failed or after the shrink; or ``unavailable``, why the
        adapter cannot run.
    """
    request = json.loads(text)
    spec, (part,) = read_spec(request["spec"]), request["parts"]
    failures: list[tuple[Case, Outcome]]
    with _thread_cache().use(
        ("search", request["run"], spec.name), lambda: AdapterProcess(spec, ProcessLimits(**request["limits"]))
    ) as host:
        try:
            if "shrink" in part:
                discovery = shrink(Case.parse(part["shrink"]), Outcome.from_json(part["outcome"]), host)
                failures = [(discovery.smallest, discovery.outcome)]
            else:
                failures = list(
                    run_batch(
                        host, part["batch"], seed=part["seed"], seen=set(), expectations=_expectations(request),
                        deadline=time.monotonic() + part["seconds"],
                    )
                )  # fmt: skip
        except AdapterUnavailable as error:
            return json.dumps({"unavailable": str(error)})
    return json.dumps({"found": [[str(case), outcome.to_json()] for case, outcome in failures]})
