"""The workers of a cluster: which there are, which adapters each can run, and calls to each."""

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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from conformance.adapters.registry import AdapterSpec, resolve
from conformance.adapters.selection import expand
from conformance.cluster.identity import Environment, Unable, describe_spec, fingerprint, read_ability

__all__ = ["Cluster", "ClusterError", "Finished", "Member", "Piece"]

_CONNECT_SECONDS = 5.0
_PROBE_SECONDS = 60.0
_FETCH_SECONDS = 5.0
_ADDRESS = re.compile(r"[a-z]+://\S+:[0-9]+")
_WORKER = "conformance.cluster.worker"


_Reply = dict[str, Any]
"""JSON of a function of `conformance.cluster.worker`."""
_Future = Any
"""A Dask future; Dask has no types."""


class ClusterError(Exception):
    """The cluster cannot be used; the message is one line."""


@dataclass(frozen=True)
class Piece:
    """A piece of work for a worker.

    Attributes
    ----------
    adapter : str
        The adapter that the worker runs.
    parts : tuple
        What the function of `conformance.cluster.worker` takes as ``parts``.
    losses : int
        How many workers were lost with it.
    """

    adapter: str
    parts: tuple[Any, ...]
    losses: int = 0


@dataclass
class Member:
    """A worker.

    Attributes
    ----------
    address : str
        Also its name: a worker that is started again has a new address.
    threads : int
        How many calls it runs at a time.
    module : Future
        The suite's code on it.
    able : set of str
        The adapters that it can run.
    adapter : str or None
        The adapter of the last call to it.
    out : dict
        The work that it has and has not finished, by key of the call.
    """

    address: str
    threads: int
    module: Any
    able: set[str] = field(default_factory=set)
    adapter: str | None = None
    out: dict[str, Piece] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """One call that has ended: the text it returned, or why there is none."""

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
        Called with one line about workers that join, are lost, or cannot be used.

    Raises
    ------
    ClusterError
        Dask is not installed, or no scheduler responds at the address.
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
        # `tell` reports what happens to workers in one line each; Dask's own messages are many.
        for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.address, self.tell = address, tell
        self.members: dict[str, Member] = {}
        self._finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._futures: dict[str, _Future] = {}
        self._probes: dict[str, Member] = {}
        self._probe_request = ""
        self._shared: dict[str, Environment] = {}
        try:
            self._client = client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, ImportError) as error:
            raise ClusterError(f"no Dask scheduler responds at {address}: {error}") from None
        try:
            self._wait_for_workers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect from the cluster; calls that have not started there are dropped."""
        self._client.close(timeout=_FETCH_SECONDS)

    def _wait_for_workers(self) -> None:
        deadline = time.monotonic() + _CONNECT_SECONDS
        self.look()
        while not self.members and time.monotonic() < deadline:
            time.sleep(0.2)
            self.look()
        if not self.members:
            raise ClusterError(f"the cluster at {self.address} has no worker")

    def look(self) -> list[Member]:
        """Update the workers; returns those that were lost.

        Raises
        ------
        ClusterError
            The scheduler does not respond.
        """
        try:
            threads = self._client.nthreads()
        except Exception as error:
            raise ClusterError(f"the Dask scheduler at {self.address} was lost") from error
        lost = [self.members.pop(address) for address in list(self.members) if address not in threads]
        for address in threads.keys() - self.members.keys():
            key = f"conformance-{uuid.uuid4().hex}"
            module = self._client.submit(importlib.import_module, _WORKER, workers=[address], key=key)
            self.members[address] = Member(address, threads[address], module)
            if self._probe_request:
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
        """Ignore the results of these calls."""
        for key in keys:
            self._futures.pop(key, None)

    def next_finished(self, seconds: float) -> Finished | None:
        """The next call that ends, None if none does in time."""
        try:
            future = self._finished.get(timeout=seconds)
        except queue.Empty:
            return None
        if future.key not in self._futures:
            return None
        try:
            finished = Finished(future.key, future.result(timeout=_FETCH_SECONDS))
        except TimeoutError:  # its worker was lost, or sends slowly
            self._finished.put(future)
            return None
        except Exception as error:
            finished = Finished(future.key, None, f"{type(error).__name__}: {error}")
        del self._futures[future.key]
        if future.key in self._probes:
            self._finish_probe(self._probes.pop(future.key), finished)
            return None
        return finished

    def _call_all(self, function: str, text: str) -> dict[str, _Reply | Unable]:
        """Call a function on every worker; what each returned, or why it returned nothing, by address."""
        keys = {self.submit(member, function, text): member.address for member in self.members.values()}
        deadline = time.monotonic() + _PROBE_SECONDS
        replies: dict[str, _Reply | Unable] = {}
        while len(replies) < len(keys) and time.monotonic() < deadline:
            finished = self.next_finished(1.0)
            if finished is not None and finished.key in keys:
                replies[keys[finished.key]] = _read(finished)
            for member in self.look():
                replies[member.address] = Unable("it was lost")
        return replies

    def engage(self, names: Sequence[str], device: str = "cpu") -> list[AdapterSpec]:
        """Find out which workers can run which adapters; workers that join later are probed as well.

        If workers differ in versions or processor, the run uses the environment that most threads share.

        Parameters
        ----------
        names : sequence of str
            As on the command line; patterns and the default depend on what is installed on the workers.
        device : str
            Where to compute.

        Returns
        -------
        list of AdapterSpec
            The adapters of the run.

        Raises
        ------
        UnknownAdapter
            A name is not an adapter, or a pattern matches nothing.
        ClusterError
            No worker can run one of the adapters.
        """
        specs = [resolve(name) for name in expand(names, device, self._offered)]
        request = json.dumps([describe_spec(spec) for spec in specs])
        replies = self._call_all("probe", request)
        for spec in specs:
            self._shared[spec.name] = self._most_common(spec.name, replies)
        if not specs:
            raise ClusterError(f"no worker of {self.address} has a framework for {device}")
        self._probe_request = request
        for address, member in self.members.items():
            if address in replies:
                self._enlist(member, replies[address])
            else:
                self._probe(member)
        return specs

    def _offered(self, device: str) -> list[str]:
        """The adapters of a device that are installed on at least one worker."""
        replies = self._call_all("offer", "")
        offers = [reply for reply in replies.values() if not isinstance(reply, Unable)]
        if not offers:
            unusable = [reply for reply in replies.values() if isinstance(reply, Unable)]
            raise ClusterError(f"no worker of {self.address} can be used: {_reasons(unusable)}")
        return list(dict.fromkeys(name for offer in offers for name in offer["available"].get(device, [])))

    def _most_common(self, adapter: str, replies: Mapping[str, _Reply | Unable]) -> Environment:
        """The environment of an adapter that most threads share."""
        abilities = {address: _ability(reply, adapter) for address, reply in replies.items()}
        threads = {
            address: self.members[address].threads
            for address, able in abilities.items()
            if isinstance(able, Environment) and address in self.members
        }
        environments = [able for able in abilities.values() if isinstance(able, Environment)]
        if not threads:
            unable = [able if isinstance(able, Unable) else Unable("it was lost") for able in abilities.values()]
            raise ClusterError(f"no worker of {self.address} can run {adapter}: {_reasons(unable)}")
        return max(environments, key=lambda one: sum(threads[at] for at in threads if abilities[at] == one))

    def versions(self, spec: AdapterSpec) -> dict[str, str]:
        """Versions of the packages in which an adapter runs."""
        return dict(self._shared[spec.name].versions)

    def _probe(self, member: Member) -> None:
        self._probes[self.submit(member, "probe", self._probe_request)] = member

    def _finish_probe(self, member: Member, finished: Finished) -> None:
        self._enlist(member, _read(finished))
        if member.able:
            self.tell(f"worker {member.address} joined")

    def _enlist(self, member: Member, reply: _Reply | Unable) -> None:
        """Remember which adapters a worker can run, and report why it is not used for one."""
        if isinstance(reply, Unable):
            self.tell(f"worker {member.address} is not used: {reply.reason}")
        for name, shared in self._shared.items():
            able = _ability(reply, name)
            if able == shared:
                member.able.add(name)
            elif isinstance(able, Environment):
                self.tell(f"worker {member.address} is not used for {name}: it has {_difference(able, shared)}")


def _ability(reply: _Reply | Unable, adapter: str) -> Environment | Unable:
    """The environment in which a worker would run an adapter, or why it cannot."""
    return reply if isinstance(reply, Unable) else read_ability(reply["adapters"][adapter])


def _read(finished: Finished) -> _Reply | Unable:
    """The reply of a worker, or why it cannot be used."""
    if finished.text is None:
        return Unable(finished.trouble)
    reply: _Reply = json.loads(finished.text)
    if reply["code"] != fingerprint():
        return Unable(f"it has a different version of the suite (code {reply['code']}, here {fingerprint()})")
    return reply


def _difference(able: Environment, shared: Environment) -> str:
    pairs = [(field.name, getattr(able, field.name), getattr(shared, field.name)) for field in fields(shared)]
    return "; ".join(f"{name} {here} instead of {there}" for name, here, there in pairs if here != there)


def _reasons(unable: Iterable[Unable]) -> str:
    counted = Counter(each.reason for each in unable)
    return "; ".join(f"{reason} ({count} worker{'s' * (count > 1)})" for reason, count in counted.items())
