"""Distribute work: pieces go to workers that can do them, and again to others if their worker is lost."""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from operator import length_hint
from typing import Any

from conformance.adapters.host.client import ProcessLimits
from conformance.adapters.registry import AdapterSpec
from conformance.cluster.identity import describe_spec
from conformance.cluster.members import Cluster, ClusterError, Finished, Member, Piece
from conformance.reports.gate.expectations import Expectation

__all__ = ["Result", "dispatch", "request"]

_LOOK_EVERY_SECONDS = 0.5
_PATIENCE_SECONDS = 60.0
# Workers are lost for many reasons. If several are lost with the same piece, alone, the piece is the reason.
_MOST_LOSSES = 3


@dataclass(frozen=True)
class Result:
    """The result of a piece of work.

    Attributes
    ----------
    adapter : str
        The adapter.
    parts : tuple
        The parts of the piece; empty for all parts that are left, if no worker can do them.
    reply : Any
        What the worker returned, None if nothing.
    trouble : str
        Why the worker returned nothing.
    """

    adapter: str
    parts: tuple[Any, ...]
    reply: Any = None
    trouble: str = ""


def dispatch(
    cluster: Cluster,
    function: str,
    requests: Mapping[str, Mapping[str, Any]],
    parts: Mapping[str, Iterable[Any]],
    *,
    most: int = 1,
) -> Iterator[Result]:
    """Distribute work, and yield the results as they come.

    Parameters
    ----------
    cluster : Cluster
        A cluster that is set up for the adapters.
    function : str
        A function of `conformance.cluster.worker`.
    requests : mapping
        The arguments of the function besides ``parts``, by adapter.
    parts : mapping
        The work, by adapter; the next part of an iterator is taken when a worker is free for it.
    most : int
        Maximum number of parts in one call.

    Yields
    ------
    Result
        Every part is in exactly one result, whatever happens to the workers.
    """
    yield from _Dispatch(cluster, function, requests, parts, most).results()


def request(
    run: str, spec: AdapterSpec, limits: ProcessLimits, expectations: Sequence[Expectation]
) -> dict[str, Any]:
    """The arguments of the functions of `conformance.cluster.worker`, besides ``parts``.

    They contain the expectations, so a worker does not need the files.
    """
    return {
        "run": run,
        "spec": describe_spec(spec),
        "limits": asdict(limits),
        "expectations": [entry.to_json() for entry in expectations],
    }


class _Dispatch:
    def __init__(
        self,
        cluster: Cluster,
        function: str,
        requests: Mapping[str, Mapping[str, Any]],
        parts: Mapping[str, Iterable[Any]],
        most: int,
    ) -> None:
        from dask import config
        from dask.utils import parse_timedelta

        self._cluster, self._function, self._requests, self._most = cluster, function, requests, most
        self._left = {adapter: iter(parts_of_one) for adapter, parts_of_one in parts.items()}
        self._suspects: dict[str, deque[Piece]] = defaultdict(deque)
        self._out: dict[str, Member] = {}
        self._able_at = dict.fromkeys(self._left, time.monotonic())
        configured = config.get("distributed.scheduler.no-workers-timeout", None)
        self._patience = float(parse_timedelta(configured or _PATIENCE_SECONDS))

    def results(self) -> Iterator[Result]:
        looked = time.monotonic()
        self._distribute()
        while self._out or self._left or any(self._suspects.values()):
            finished = self._cluster.next_finished(_LOOK_EVERY_SECONDS)
            if finished is not None and finished.key in self._out:
                yield from self._finish(finished)
            if time.monotonic() - looked > _LOOK_EVERY_SECONDS:
                looked = time.monotonic()
                try:
                    lost = self._cluster.look()
                except ClusterError as error:
                    yield from self._give_up(str(error))
                    return
                for member in lost:
                    yield from self._lose_all(member)
                yield from self._without_workers()
            self._distribute()

    def _distribute(self) -> None:
        """Keep every thread of every worker busy, with one piece waiting."""
        members = list(self._cluster.members.values())
        threads = sum(member.threads for member in members)
        while members:
            members = [member for member in members if self._give(member, threads)]

    def _give(self, member: Member, threads: int) -> bool:
        piece = self._next(member, threads)
        if piece is None:
            return False
        text = json.dumps({**self._requests[piece.adapter], "parts": piece.parts})
        key = self._cluster.submit(member, self._function, text)
        self._out[key], member.out[key], member.adapter = member, piece, piece.adapter
        return True

    def _next(self, member: Member, threads: int) -> Piece | None:
        """The next piece for a worker.

        A piece whose worker was lost goes to a worker that does nothing else. If that one is lost too, the piece
        is known to be the reason.
        """
        for adapter in sorted(member.able & self._suspects.keys()):
            if self._suspects[adapter]:
                return None if member.out else self._suspects[adapter].popleft()
        if len(member.out) > member.threads or any(piece.losses for piece in member.out.values()):
            return None
        for adapter in sorted(member.able & self._left.keys(), key=lambda name: self._preference(member, name)):
            left = self._left[adapter]
            # Smaller pieces towards the end, so that all workers finish at about the same time.
            count = max(1, min(self._most, length_hint(left) // (2 * threads)))
            if parts := tuple(islice(left, count)):
                return Piece(adapter, parts)
            del self._left[adapter]
        return None

    def _preference(self, member: Member, adapter: str) -> tuple[bool, int]:
        """Sort key: first the adapter whose framework a worker has loaded, then the one with fewest workers."""
        others = sum(other.adapter == adapter for other in self._cluster.members.values())
        return member.adapter != adapter, others

    def _finish(self, finished: Finished) -> Iterator[Result]:
        member = self._out.pop(finished.key)
        piece = member.out.pop(finished.key)
        if finished.text is not None:
            yield Result(piece.adapter, piece.parts, json.loads(finished.text))
        else:
            yield from self._lose(piece, f"worker {member.address}: {finished.trouble}")

    def _lose_all(self, member: Member) -> Iterator[Result]:
        self._cluster.forget(member.out)
        count = sum(len(piece.parts) for piece in member.out.values())
        self._cluster.tell(f"worker {member.address} was lost; other workers take over its work ({count})")
        for key, piece in member.out.items():
            del self._out[key]
            yield from self._lose(piece, f"worker {member.address} was lost with it")

    def _lose(self, piece: Piece, how: str) -> Iterator[Result]:
        losses = piece.losses + 1
        if losses >= _MOST_LOSSES:
            yield Result(piece.adapter, piece.parts, trouble=f"{losses} workers failed at it; the last: {how}")
            return
        self._suspects[piece.adapter].extend(Piece(piece.adapter, (part,), losses) for part in piece.parts)

    def _without_workers(self) -> Iterator[Result]:
        """Give up the work of adapters that no worker could run for too long."""
        now = time.monotonic()
        able = {adapter for member in self._cluster.members.values() for adapter in member.able}
        for adapter in list(self._able_at):
            if adapter in able:
                self._able_at[adapter] = now
            elif now - self._able_at[adapter] > self._patience:
                trouble = f"the cluster had no worker for {adapter} for {self._patience:g} s"
                yield from self._give_up(trouble, adapter)

    def _give_up(self, trouble: str, *adapters: str) -> Iterator[Result]:
        outstanding = {member.out[key].adapter for key, member in self._out.items()}
        waiting = self._left.keys() | outstanding | {name for name, pieces in self._suspects.items() if pieces}
        for adapter in adapters or sorted(waiting):
            if adapter in waiting:
                self._left.pop(adapter, None)
                self._suspects.pop(adapter, None)
                yield Result(adapter, (), trouble=trouble)
