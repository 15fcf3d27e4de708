"""The adapters of one case side by side: quick imports first, so that a first outcome comes soon."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from conformance.adapters.environment import processors
from conformance.adapters.registry import AdapterSpec, load

__all__ = ["import_seconds", "in_lanes"]

T = TypeVar("T")
R = TypeVar("R")

# Roughly, from processor times of `import`; only their order matters.
_IMPORT_SECONDS = {
    "onnxruntime": 0.3, "openvino": 0.4, "equinox": 0.4, "dm-haiku": 0.4, "flax": 0.5, "jax": 1.0, "keras": 1.0,
    "torch": 2.4, "tensorflow": 5.0,
}  # fmt: skip
_FOREIGN_SECONDS = 2.0


def import_seconds(spec: AdapterSpec) -> float:
    """About how long the process of an adapter takes to start."""
    if spec.foreign:
        return _FOREIGN_SECONDS  # its code may import what this environment does not have
    return sum(_IMPORT_SECONDS.get(package, 0.0) for package in load(spec.target).packages)


def in_lanes(items: Sequence[T], work: Callable[[T], R], lanes: int | None = None) -> Iterator[tuple[T, R]]:
    """Each item with the result of its work, as soon as it is there.

    Parameters
    ----------
    items : sequence
        From quick to slow.
    work : callable
        Runs in threads; what it raises is raised here.
    lanes : int, optional
        The number of threads; by default one per processor.

    Notes
    -----
    The first thread takes the quickest item that is left, the others the slowest one: results come from the start,
    and no slow item is left for the end, when the other threads have nothing to do.
    """
    left, results = deque(items), queue.SimpleQueue[tuple[T, R | None, BaseException | None]]()

    def run(take: Callable[[], T]) -> None:
        while left:
            try:
                item = take()
            except IndexError:
                return  # another thread took it
            try:
                results.put((item, work(item), None))
            except BaseException as error:
                results.put((item, None, error))

    for lane in range(min(lanes or processors(), len(items))):
        # A command that is interrupted does not wait for these.
        threading.Thread(target=run, args=(left.pop if lane else left.popleft,), daemon=True).start()
    try:
        for _ in items:
            item, result, error = results.get()
            if error is not None:
                raise error
            yield item, result  # type: ignore[misc]  # it is what `work` returned
    finally:
        left.clear()
