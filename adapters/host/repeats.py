"""Many calls of one case in a process, from one thread or from several at once, and the different outputs."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.adapters.base import Tensor

__all__ = ["Repeated", "repeat"]

Outputs = dict[str, Tensor]

_MOST_KEPT = 4
_MOST_SECONDS = 30.0


@dataclass
class Repeated:
    """What many calls returned.

    Attributes
    ----------
    calls : int
        The number of calls that were made: fewer than wanted where they take long.
    others : list of (Outputs, int)
        Outputs whose bits differ from the first ones, and the number of calls that returned them; at most a few.
    error : Exception or None
        What a call raised.
    """

    calls: int
    others: list[tuple[Outputs, int]]
    error: Exception | None = None

    def message(self) -> dict[str, Any]:
        """The part of a reply that is about the calls."""
        others = [
            {"count": count, "dtypes": {name: tensor.dtype for name, tensor in outputs.items()}}
            for outputs, count in self.others
        ]
        return {"calls": self.calls, "others": others} if self.calls > 1 else {}

    def arrays(self) -> dict[str, np.ndarray]:
        """The other outputs, under their number and name."""
        return {
            f"{number}.{name}": tensor.values
            for number, (outputs, _) in enumerate(self.others)
            for name, tensor in outputs.items()
        }


def repeat(first: Outputs, run: Callable[[], Outputs], *, calls: int, at_once: int) -> Repeated:
    """Make ``calls - 1`` further calls and compare their outputs with the first ones bit by bit.

    Parameters
    ----------
    first : dict of Tensor
        The outputs of the first call.
    run : callable
        Makes one call; it runs in ``at_once`` threads.
    calls, at_once : int
        The number of calls in all, and of threads that make them.
    """
    kept: dict[bytes, tuple[Outputs, int]] = {_bits(first): (first, 1)}
    errors: list[Exception] = []
    left = calls - 1
    deadline = time.monotonic() + _MOST_SECONDS
    lock, start = threading.Lock(), threading.Barrier(at_once)

    def make_calls() -> None:
        nonlocal left
        start.wait()
        while True:
            with lock:
                if left <= 0 or errors or time.monotonic() > deadline:
                    return
                left -= 1
            try:
                outputs = run()
            except Exception as error:
                with lock:
                    errors.append(error)
                return
            bits = _bits(outputs)
            with lock:
                known, count = kept.get(bits, (outputs, 0))
                if count or len(kept) <= _MOST_KEPT:
                    kept[bits] = (known, count + 1)

    threads = [threading.Thread(target=make_calls) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    del kept[_bits(first)]
    return Repeated(calls - left, list(kept.values()), errors[0] if errors else None)


def _bits(outputs: Outputs) -> bytes:
    digest = hashlib.sha256()
    for name, tensor in sorted(outputs.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.values.shape} ".encode())
        digest.update(np.ascontiguousarray(tensor.values).tobytes())
    return digest.digest()
