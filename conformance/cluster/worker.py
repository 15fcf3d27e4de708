"""What a worker of a cluster does, called by name, with JSON text for argument and result.

Only text is sent, so the scheduler needs neither the suite nor this version of Python, and what comes back is
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
from conformance.cluster.identity import ability, fingerprint, read_spec
from conformance.execution.case_runner import CaseRunner, repeat_always, repeat_sampled
from conformance.reports.gate.expectations import Expectation
from conformance.reports.record.outcome import Outcome
from conformance.triage.fuzz import AdapterUnavailable, run_batch, shrink

__all__ = ["offer", "probe", "run_cases", "search"]

# An adapter's process outlives the run by this much: the next piece of work wants it again.
_IDLE_SECONDS = 30.0


def offer(_: str) -> str:
    """What this worker has: its code, and the installed adapters by device."""
    found = {device: available(device) for device in DEVICES if present(device)}
    return json.dumps({"code": fingerprint(), "available": found})


def probe(text: str) -> str:
    """How this worker would ask the adapters of a run: each one's versions and processor, or why it cannot."""
    rows = {data["name"]: ability(data) for data in json.loads(text)}
    return json.dumps({"code": fingerprint(), "adapters": rows})


class _Kept:
    """What a thread keeps from one piece of work to the next: whatever holds an adapter's process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: Any = None
        self._held: Any = None
        self._timer = threading.Timer(0, self._close)

    @contextmanager
    def use(self, key: Any, make: Callable[[], Any]) -> Iterator[Any]:
        """What was made under a key, made now if it is not there."""
        self._timer.cancel()
        with self._lock:
            if self._key != key:
                self._close()
                self._key, self._held = key, make()
            yield self._held
        self._timer = threading.Timer(_IDLE_SECONDS, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._held is not None:
            self._held.close()
        self._key = self._held = None


_THREAD = threading.local()


def _kept() -> _Kept:
    if not hasattr(_THREAD, "kept"):
        _THREAD.kept = _Kept()
    kept: _Kept = _THREAD.kept
    return kept


def _expectations(request: dict[str, Any]) -> list[Expectation]:
    return [Expectation.from_json(data) for data in request["expectations"]]


class _ReportingRunner:
    """An `CaseRunner` that says in what environment it asked as often as it is asked."""

    def __init__(self, request: dict[str, Any]) -> None:
        # A cluster fills its processors with workers; an adapter's process has one of them.
        os.environ.setdefault(THREADS, "0")
        self._spec = read_spec(request["spec"])
        known, twice = (
            {self._spec.name: _expectations(request)},
            repeat_always if request["every"] else repeat_sampled,
        )
        self._case_runner = CaseRunner(ProcessLimits(**request["limits"]), known, twice)
        self.environment: dict[str, Any] | None = None
        self.close = self._case_runner.close

    def run(self, case: Case, following: Sequence[Case]) -> dict[str, Any]:
        answer = self._case_runner.run(self._spec, case, following)
        self.environment = answer.environment or self.environment
        known = answer.known.finding if answer.known is not None else None
        return {"outcome": answer.outcome.to_json(), "known": known}


def run_cases(text: str) -> str:
    """Ask an adapter a few questions of a run and judge the answers.

    Parameters
    ----------
    text : str
        JSON: ``run``, ``spec``, ``limits``, ``expectations``, ``every`` (whether each is answered twice) and
        ``parts``, lists of case ids.

    Returns
    -------
    str
        JSON: for each case its ``outcome`` and the name of the finding that explains it, ``known``; and the
        ``environment`` they were answered in.
    """
    request = json.loads(text)
    with _kept().use(
        ("run_cases", request["run"], request["spec"]["name"]), lambda: _ReportingRunner(request)
    ) as asking:
        cases = [Case.parse(case_id) for part in request["parts"] for case_id in part]
        answers = [asking.run(case, cases[number:]) for number, case in enumerate(cases, 1)]
        return json.dumps({"answers": answers, "environment": asking.environment})


def search(text: str) -> str:
    """Ask an adapter a batch of random questions, or shrink what failed.

    Parameters
    ----------
    text : str
        JSON as for `run_cases`. ``parts`` has one element: either a ``batch`` (its number) with its ``seed`` and
        the ``seconds`` left, or a case to ``shrink`` with its ``outcome``.

    Returns
    -------
    str
        JSON: pairs of case and outcome, as they failed or after the shrink; or why the adapter cannot be asked,
        ``unavailable``.
    """
    request = json.loads(text)
    spec, (part,) = read_spec(request["spec"]), request["parts"]
    found: list[tuple[Case, Outcome]]
    with _kept().use(
        ("search", request["run"], spec.name), lambda: AdapterProcess(spec, ProcessLimits(**request["limits"]))
    ) as host:
        try:
            if "shrink" in part:
                discovery = shrink(Case.parse(part["shrink"]), Outcome.from_json(part["outcome"]), host)
                found = [(discovery.smallest, discovery.outcome)]
            else:
                found = list(
                    run_batch(
                        host, part["batch"], seed=part["seed"], seen=set(), expectations=_expectations(request),
                        deadline=time.monotonic() + part["seconds"],
                    )
                )  # fmt: skip
        except AdapterUnavailable as error:
            return json.dumps({"unavailable": str(error)})
    return json.dumps({"found": [[str(case), outcome.to_json()] for case, outcome in found]})
