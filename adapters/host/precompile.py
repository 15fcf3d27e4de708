"""Working ahead in threads: what is behind in a queue is made ready while what is in front of it is dealt with."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from conformance.adapters.environment import processors

__all__ = ["THREADS", "precompile_queued", "threads"]

THREADS = "CONFORMANCE_COMPILE_THREADS"
_MOST_THREADS = 4  # as the interpreter's lock lets no more of them do anything

T = TypeVar("T")


def threads() -> int:
    """How many threads work ahead: one for each processor that this process has to itself, none for a single one.

    ``CONFORMANCE_COMPILE_THREADS`` says otherwise. The workers of pytest-xdist share the processors.
    """
    told = os.environ.get(THREADS, "")
    if told.isdecimal():
        return int(told)
    share = processors() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return min(share, _MOST_THREADS) if share > 1 else 0


def precompile_queued(items: Iterable[T], make_ready: Callable[[T], None], count: int) -> Iterator[T]:
    """Go through items in order, each made ready where it had to wait.

    Parameters
    ----------
    items : iterable
        What to go through; it may wait for more.
    make_ready : callable
        Called in one of the threads with an item that has to wait, until then; it raises nothing.
    count : int
        The number of threads; 0 for none.

    Yields
    ------
    object
        The item.
    """
    if not count:
        yield from items
        return
    queue: SimpleQueue[tuple[T, Future[None] | None] | None] = SimpleQueue()
    busy = threading.Event()
    pool = ThreadPoolExecutor(count)

    def receive() -> None:
        try:
            for item in items:
                waits = busy.is_set() or not queue.empty()
                queue.put((item, pool.submit(make_ready, item) if waits else None))
        finally:
            queue.put(None)

    threading.Thread(target=receive, daemon=True).start()
    while (taken := queue.get()) is not None:
        busy.set()
        item, future = taken
        if future is not None and not future.cancel():
            future.result()
        yield item
        if queue.empty():
            busy.clear()
    pool.shutdown(wait=False, cancel_futures=True)
