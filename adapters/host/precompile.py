"""Precompile queued requests on threads while the current one is served."""

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
_MOST_THREADS = 4  # the interpreter's lock keeps more of them from doing anything

T = TypeVar("T")


def threads() -> int:
    """How many threads precompile: one for each processor that this process has to itself, none for a single one.

    ``CONFORMANCE_COMPILE_THREADS`` overrides it. The workers of pytest-xdist share the processors.
    """
    setting = os.environ.get(THREADS, "")
    if setting.isdecimal():
        return int(setting)
    share = processors() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return min(share, _MOST_THREADS) if share > 1 else 0


def precompile_queued(items: Iterable[T], precompile: Callable[[T], None], count: int) -> Iterator[T]:
    """Yield items in order; those that had to wait in the queue are precompiled.

    Parameters
    ----------
    items : iterable
        The items; it may block until the next one arrives.
    precompile : callable
        Called on a thread with an item that waits; it must not raise.
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
                queue.put((item, pool.submit(precompile, item) if waits else None))
        finally:
            queue.put(None)

    threading.Thread(target=receive, daemon=True).start()
    while (taken := queue.get()) is not None:
        busy.set()
        item, future = taken
        # Cancelled if it has not started; otherwise its compilation is awaited rather than done twice.
        if future is not None and not future.cancel():
            future.result()
        yield item
        if queue.empty():
            busy.clear()
    pool.shutdown(wait=False, cancel_futures=True)
