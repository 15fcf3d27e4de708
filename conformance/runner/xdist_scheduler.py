"""A scheduler for pytest-xdist that gives each worker the cases of an adapter of its own, as far as possible."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from functools import cached_property
from itertools import groupby
from typing import Any

from xdist.scheduler import LoadScheduling
from xdist.workermanage import WorkerController

from conformance.runner.plan import first_of

__all__ = ["ByAdapter"]

_MOST_KEPT, _LEAST_KEPT = 16, 2  # items queued for a worker; with fewer than two it does not run
_SLOW_SECONDS = 0.1  # an item that takes so long outweighs a round trip to the worker
_JOINING_SECONDS = 4.0  # what an additional process takes to import a framework


class ByAdapter(LoadScheduling):  # type: ignore[misc]  # xdist has no types for what it exports
    """Distribute items a few at a time, those of one adapter to one worker as far as possible.

    So few workers load each framework, and all workers finish at about the same time. A worker without an adapter
    takes the next one that has no worker. If there is none, it helps with the adapter that has the most work left
    per worker; if that work takes no longer than loading the framework, the worker shuts down.
    """

    def __init__(self, config: Any, log: Any) -> None:
        super().__init__(config, log)
        self.maxschedchunk = _MOST_KEPT
        self._left = 0
        self._block_of: dict[WorkerController, range] = {}
        self._seconds: defaultdict[range, float] = defaultdict(float)
        self._done: Counter[range] = Counter()

    @cached_property
    def _blocks(self) -> list[range]:
        """The numbers of the items of each adapter."""
        numbered = enumerate(nodeid.partition("::")[0] for nodeid in self.collection)
        blocks = [[number for number, _ in block] for _, block in groupby(numbered, lambda pair: pair[1])]
        return [range(block[0], block[-1] + 1) for block in blocks]

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Count an item that is done, and distribute the next ones."""
        block = self._blocks[bisect_right(self._blocks, item_index, key=lambda block: block.start) - 1]
        self._seconds[block] += duration
        self._done[block] += 1
        super().mark_test_complete(node, item_index, duration)

    def schedule(self) -> None:
        """Start, even with fewer items per adapter than workers."""
        super().schedule()
        if self.collection is not None:
            for node in self.nodes:
                self.check_schedule(node)

    def check_schedule(self, node: WorkerController, duration: float = 0) -> None:
        """Send items to a worker that has few, and shut it down if there are none for it."""
        if node.shutting_down:
            return
        if len(self.pending) > self._left:
            self.pending.sort()  # a worker was lost, and its items are pending again
        waiting = self.node2pending[node]
        enough = _LEAST_KEPT if duration >= _SLOW_SECONDS else _MOST_KEPT
        if len(waiting) > enough // 2:
            return
        while len(waiting) < enough:
            before = len(waiting)
            self._send_tests(node, enough - before)
            if len(waiting) == before:
                node.shutdown()
                return

    def _send_tests(self, node: WorkerController, num: int) -> None:
        block = self._choose(node)
        if block is not None:
            self._block_of[node] = block
            first, end = self._span(block)
            sent = self.pending[first : self._end_of_sequence(min(first + num, end), end)]
            del self.pending[first : first + len(sent)]
            self.node2pending[node].extend(sent)
            node.send_runtest_some(sent)
        self._left = len(self.pending)

    def _end_of_sequence(self, stop: int, end: int) -> int:
        """Where to stop so that the cases of a sequence, which run in order, stay on one worker."""
        while stop < end and self._sequence(self.pending[stop]) == self._sequence(self.pending[stop - 1]):
            stop += 1
        return stop

    def _sequence(self, number: int) -> str:
        return first_of(self.collection[number].rpartition("::")[2])[0]

    def _choose(self, node: WorkerController) -> range | None:
        """The block of the adapter whose items a worker gets next."""
        own = self._block_of.get(node)
        if own is not None and self._has_pending(own):
            return own
        others = (other for other in self.nodes if other is not node and not other.shutting_down)
        workers = Counter(self._block_of.get(other) for other in others)
        unfinished = [block for block in self._blocks if self._has_pending(block)]
        free = next((block for block in unfinished if not workers[block]), None)
        if free is not None or not unfinished:
            return free
        left = {block: self._seconds_left(block) / workers[block] for block in unfinished}
        longest = max(unfinished, key=lambda block: (left[block], -workers[block]))
        return longest if left[longest] >= _JOINING_SECONDS else None

    def _span(self, block: range) -> tuple[int, int]:
        """The slice of a block in the pending items."""
        return bisect_left(self.pending, block.start), bisect_left(self.pending, block.stop)

    def _has_pending(self, block: range) -> bool:
        first, end = self._span(block)
        return end > first

    def _seconds_left(self, block: range) -> float:
        first, end = self._span(block)
        return (end - first) * self._seconds[block] / self._done[block] if self._done[block] else math.inf
