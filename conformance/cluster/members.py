"""The workers of a cluster: who is there, what each can be asked, and the way to each."""

from __future__ import annotations

import importlib
import json
import logging
import operator
import queue
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.adapters.registry import AdapterSpec, expand, resolve
from conformance.cluster.identity import describe_spec, fingerprint

__all__ = ["Cluster", "ClusterError", "Finished", "Member"]

_CONNECT_SECONDS = 5.0
_PROBE_SECONDS = 60.0
_FETCH_SECONDS = 5.0
_ADDRESS = re.compile(r"[a-z]+://\S+:[0-9]+")
_WORKER = "conformance.cluster.worker"


class ClusterError(Exception):
    """A cluster that cannot be used; the message is one line."""


@dataclass
class Member:
    """A worker.

    Attributes
    ----------
    address : str
        Also its name: a worker that was started again has another.
    threads : int
        How many pieces of work it does at a time.
    module : Future
        The suite's code on it.
    able : set of str
        The adapters it can be asked.
    adapter : str or None
        The one it was given work for last.
    out : dict
        What it was given and has not finished, by key of the call.
    """

    address: str
    threads: int
    module: Any
    able: set[str] = field(default_factory=set)
    adapter: str | None = None
    out: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """One call that came to its end: the text it returned, or why there is none."""

    key: str
    text: str | None
    trouble: str = ""


class Cluster:
    """A connection to the scheduler of a Dask cluster.

    Parameters
    ----------
    address : str
        Such as ``tcp://scheduler:8786``.
    tell : callable
        Called with one line about workers that come, go, or cannot be used.

    Raises
    ------
    ClusterError
        Dask is not installed, or nobody answers there.
    """

    def __init__(self, address: str, tell: Callable[[str], None]) -> None:
        if not _ADDRESS.fullmatch(address):
            raise ClusterError(f"--dask {address!r}: write the scheduler's address, such as tcp://scheduler:8786")
        try:
            import distributed

            client: Any = distributed.Client
        except ImportError:
            raise ClusterError(
                "--dask needs Dask distributed: pip install 'conv-transpose-conformance[dask]'"
            ) from None
        # What happens to workers is said by `tell`; Dask's own words for it are many.
        for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.address, self.tell = address, tell
        self.members: dict[str, Member] = {}
        self._finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._futures: dict[str, Any] = {}
        self._probes: dict[str, Member] = {}
        self._question = ""
        self._same: dict[str, dict[str, Any]] = {}
        try:
            self._client = client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, ImportError) as error:
            raise ClusterError(f"no Dask scheduler answers at {address}: {error}") from None
        try:
            self._first_look()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the cluster; what has not begun there is not done any more."""
        self._client.close(timeout=_FETCH_SECONDS)

    def _first_look(self) -> None:
        deadline = time.monotonic() + _CONNECT_SECONDS
        self.look()
        while not self.members and time.monotonic() < deadline:
            time.sleep(0.2)
            self.look()
        if not self.members:
            raise ClusterError(f"the cluster at {self.address} has no worker")

    def look(self) -> list[Member]:
        """Take note of who is there now; returns those that went away.

        Raises
        ------
        ClusterError
            The scheduler does not answer.
        """
        try:
            threads = self._client.nthreads()
        except Exception as error:
            raise ClusterError(f"the Dask scheduler at {self.address} went away") from error
        lost = [self.members.pop(address) for address in list(self.members) if address not in threads]
        for address in threads.keys() - self.members.keys():
            key = f"conformance-{uuid.uuid4().hex}"
            module = self._client.submit(importlib.import_module, _WORKER, workers=[address], key=key)
            self.members[address] = Member(address, threads[address], module)
            if self._question:
                self._probe(self.members[address])
        return lost

    def submit(self, member: Member, function: str, text: str) -> str:
        """Call a function of `conformance.cluster.worker` on one worker; returns the key of the call."""
        key = f"conformance-{function}-{uuid.uuid4().hex}"
        call = operator.methodcaller(function, text)
        self._futures[key] = self._client.submit(call, member.module, workers=[member.address], key=key)
        self._futures[key].add_done_callback(self._finished.put)
        return key

    def forget(self, keys: Iterable[str]) -> None:
        """Take no result of these calls any more."""
        for key in keys:
            self._futures.pop(key, None)

    def next_finished(self, seconds: float) -> Finished | None:
        """The next call that came to its end, None if none did in time."""
        try:
            future = self._finished.get(timeout=seconds)
        except queue.Empty:
            return None
        if future.key not in self._futures:
            return None
        try:
            finished = Finished(future.key, future.result(timeout=_FETCH_SECONDS))
        except TimeoutError:  # its worker went away, or is slow to send
            self._finished.put(future)
            return None
        except Exception as error:
            finished = Finished(future.key, None, f"{type(error).__name__}: {error}")
        del self._futures[future.key]
        if future.key in self._probes:
            self._learn(self._probes.pop(future.key), finished)
            return None
        return finished

    def _call_all(self, function: str, text: str) -> dict[str, Any]:
        """Call a function on every worker; what each returned, and in words why one did not."""
        keys = {self.submit(member, function, text): member.address for member in self.members.values()}
        deadline = time.monotonic() + _PROBE_SECONDS
        found: dict[str, Any] = {}
        while len(found) < len(keys) and time.monotonic() < deadline:
            finished = self.next_finished(1.0)
            if finished is not None and finished.key in keys:
                found[keys[finished.key]] = _read(finished)
            for member in self.look():
                found[member.address] = "it went away"
        return found

    def engage(self, names: Sequence[str], device: str = "cpu") -> list[AdapterSpec]:
        """Find who can be asked what; workers that join later are asked about it too.

        Where workers differ in versions or processor, the environment that most threads share is the run's.

        Parameters
        ----------
        names : sequence of str
            As on the command line; patterns and the default go by what is installed on the workers.
        device : str
            Where to compute.

        Returns
        -------
        list of AdapterSpec
            The adapters that will be asked.

        Raises
        ------
        UnknownAdapter
            A name that is no adapter, or a pattern that matches nothing.
        ClusterError
            An adapter that no worker can be asked.
        """
        specs = [resolve(name) for name in expand(names, device, self._offered)]
        question = json.dumps([describe_spec(spec) for spec in specs])
        found = self._call_all("probe", question)
        for spec in specs:
            self._same[spec.name] = self._most_common(spec.name, found)
        if not specs:
            raise ClusterError(f"no worker of {self.address} has a framework for {device}")
        self._question = question
        for address, member in self.members.items():
            if address in found:
                self._enlist(member, found[address])
            else:
                self._probe(member)
        return specs

    def _offered(self, device: str) -> list[str]:
        """The adapters of a device that are installed on one worker or another."""
        found = self._call_all("offer", "")
        offers = [offer for offer in found.values() if not isinstance(offer, str)]
        if not offers:
            raise ClusterError(f"no worker of {self.address} can be asked: {_reasons(found.values())}")
        return list(dict.fromkeys(name for offer in offers for name in offer["available"].get(device, [])))

    def _most_common(self, adapter: str, found: dict[str, Any]) -> dict[str, Any]:
        """The environment of an adapter that most threads share."""
        rows = {address: _row(answer, adapter) for address, answer in found.items()}
        shared: Counter[str] = Counter()
        for address, row in rows.items():
            if "unable" not in row and address in self.members:
                shared[json.dumps(row)] += self.members[address].threads
        if not shared:
            reasons = _reasons(row.get("unable", "it went away") for row in rows.values())
            raise ClusterError(f"no worker of {self.address} can be asked {adapter}: {reasons}")
        same: dict[str, Any] = json.loads(shared.most_common(1)[0][0])
        return same

    def versions(self, spec: AdapterSpec) -> dict[str, str]:
        """Versions of the packages an adapter is asked in."""
        found: dict[str, str] = self._same[spec.name]["versions"]
        return found

    def _probe(self, member: Member) -> None:
        self._probes[self.submit(member, "probe", self._question)] = member

    def _learn(self, member: Member, finished: Finished) -> None:
        self._enlist(member, _read(finished))
        if member.able:
            self.tell(f"worker {member.address} joined")

    def _enlist(self, member: Member, answer: Any) -> None:
        """Take note of what a worker can be asked, and say what is odd about it."""
        if isinstance(answer, str):
            self.tell(f"worker {member.address} is asked nothing: {answer}")
        for name, same in self._same.items():
            row = _row(answer, name)
            if row == same:
                member.able.add(name)
            elif "unable" not in row:
                self.tell(f"worker {member.address} is not asked {name}: it has {_difference(row, same)}")


def _row(answer: Any, adapter: str) -> dict[str, Any]:
    """How a worker would ask an adapter, or why it cannot."""
    row: dict[str, Any] = {"unable": answer} if isinstance(answer, str) else answer["adapters"][adapter]
    return row


def _read(finished: Finished) -> Any:
    """What a worker says about itself, or in words why that is of no use."""
    if finished.text is None:
        return finished.trouble
    answer = json.loads(finished.text)
    if answer["code"] != fingerprint():
        return f"another version of the suite is there (code {answer['code']}, here {fingerprint()})"
    return answer


def _difference(row: dict[str, Any], same: dict[str, Any]) -> str:
    return "; ".join(f"{key} {row[key]} instead of {same[key]}" for key in same if row[key] != same[key])


def _reasons(reasons: Iterable[str]) -> str:
    counted = Counter(reasons)
    return "; ".join(f"{reason} ({count} worker{'s' * (count > 1)})" for reason, count in counted.items())
