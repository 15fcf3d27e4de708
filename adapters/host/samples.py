"""Large cases in the adapter's process: it makes the tensors itself, and sends some elements of the outputs."""

from __future__ import annotations

import os
import re
import resource
from typing import Any

import numpy as np

from conformance.adapters.base import Adapter
from conformance.adapters.host import protocol
from conformance.adapters.host.replies import MESSAGE_LIMIT, failed, not_run
from conformance.cases.case import Case
from conformance.cases.directions import IMAGES
from conformance.cases.large import cycles, large_tensors, memory_needed, positions_in

__all__ = ["memory_left", "sampled_reply"]

_NO_MEMORY = re.compile(r"bad_alloc|out of memory|allocate|RESOURCE_EXHAUSTED", re.IGNORECASE)
# A framework that runs out of this many times the memory that a case needs computes a wrong amount.
_AMPLE = 4


def sampled_reply(
    adapter: Adapter, case: Case, positions: dict[str, np.ndarray], *, beyond_limits: bool = False
) -> tuple[protocol.Message, dict[str, Any]]:
    """Run a large case once, and reply with its outputs at some positions.

    Without enough memory the case does not run, and the reply says how much it needs. The process serves no other
    case, as a framework may keep the memory of this one.
    """
    reply, arrays = _run(adapter, case, positions, beyond_limits)
    return reply | {"damaged": True}, arrays


def _run(
    adapter: Adapter, case: Case, positions: dict[str, np.ndarray], beyond_limits: bool
) -> tuple[protocol.Message, dict[str, Any]]:
    try:
        adapter.require_runnable(case, beyond_limits=beyond_limits)
        adapter.program_here(case)  # which may decline, too
    except Exception as error:
        return not_run(error), {}
    needed, left = memory_needed(case), memory_left()
    need = f"this case needs at least {_gib(needed)} of memory; {_gib(left)} is available to the process"
    if needed > left:
        return {"reply": "no_memory", "detail": need}, {}
    try:
        tensors = large_tensors(case)
        outputs = adapter.run(case, tensors, beyond_limits=beyond_limits, at=positions)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        if left < _AMPLE * needed and (isinstance(error, MemoryError) or _NO_MEMORY.search(message)):
            return {"reply": "no_memory", "detail": f"{need}; {message}"[:MESSAGE_LIMIT]}, {}
        return failed(adapter, case, error), {}
    reply = {
        "reply": "answer",
        "promise": adapter.promise(case),
        "overwritten": _overwritten(case, tensors),
        "dtypes": {name: tensor.dtype for name, tensor in outputs.items()},
    }
    return reply, {name: tensor.values for name, tensor in outputs.items()}


def _overwritten(case: Case, tensors: dict[str, np.ndarray]) -> list[str]:
    """Names of the inputs that the call changed, as far as their elements at some positions show it."""
    changed = []
    for name, cycle in cycles(case).items():
        moved = name in IMAGES and case.layout == "channels_last"
        index = tuple(positions_in(cycle.shape, cycle.numbers.itemsize, np.random.default_rng(case.seed)).T)
        image = np.moveaxis(tensors[name], -1, 1) if moved else tensors[name]
        if not np.array_equal(image[index], cycle.at(*index)):
            changed.append(name)
    return changed


def memory_left() -> int:
    """Bytes that the process may still allocate: what the machine has, within the limit of the process."""
    left = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        left = _kibibytes("/proc/meminfo", "MemAvailable")
        used = _kibibytes("/proc/self/status", "VmData")
    except (OSError, KeyError):  # not on Linux
        used = 0
    return left if limit == resource.RLIM_INFINITY else min(left, limit - used)


def _kibibytes(path: str, key: str) -> int:
    with open(path, encoding="ascii", errors="replace") as file:
        values = dict(line.split(":", 1) for line in file if ":" in line)
    return int(values[key].split()[0]) << 10


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
