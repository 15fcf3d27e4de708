"""The server of an adapter's process: runs cases that arrive on a socket.

It is started as ``python -m conformance.adapters.host.server TARGET FD MACHINE``.

It needs only the standard library, NumPy and the adapter's framework, so that any environment can run it. A crash
ends this process only; the runner starts another.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from conformance.adapters.base import Adapter, Tensor
from conformance.adapters.environment import describe
from conformance.adapters.facts import facts_for, flags_up_to
from conformance.adapters.host import compile_cache, protocol
from conformance.adapters.host.aliases import in_memory_of_first, in_memory_of_inputs
from conformance.adapters.host.loaded_files import loaded_files
from conformance.adapters.host.measuring import measure
from conformance.adapters.host.precompile import precompile_queued, threads
from conformance.adapters.host.repeats import Repeated, repeat
from conformance.adapters.host.replies import MESSAGE_LIMIT, failed, not_run, program_reply
from conformance.adapters.host.samples import sampled_reply
from conformance.adapters.host.sizes import shape_error, small
from conformance.adapters.machines import NATIVE, machine_named
from conformance.adapters.registry import load
from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS
from conformance.cases.errors import DomainError
from conformance.cases.policy import policies

__all__ = ["load_adapter", "main", "reply_to"]

# A second run costs little where the first was fast.
_REPEAT_WITHIN_SECONDS = 0.5
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_PERTURB = -1, -3, -6  # mallopt(3)
_POISONS = (0xA5, 0x5B)
_KEPT_BYTES = 32 << 20  # the largest M_MMAP_THRESHOLD that glibc takes
# No case that must be computed comes near it; a program on its way to a terabyte reaches it first.
_MIN_MEMORY = 8 << 30

_LIBC = ctypes.CDLL(None)


def _poison(byte: int) -> None:
    """Fill fresh and freed heap memory with a byte, so that unwritten memory does not look like zero.

    Two runs under two bytes differ where they depend on memory that nothing wrote. glibc only, which also checks
    its heap each time and ends a process that has damaged it.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_PERTURB, byte)


def _run(
    adapter: Adapter, case: Case, tensors: dict[str, np.ndarray], beyond_limits: bool
) -> tuple[dict[str, Tensor], dict[str, np.ndarray]]:
    """The outputs, and the copies of the tensors that the call was given, as it left them."""
    junk = [np.full(size, np.nan) for size in (8, 64)]  # NumPy reuses small blocks itself, past malloc
    del junk
    given = _copies(tensors)
    return adapter.run(case, given, beyond_limits=beyond_limits), given


def _keep_freed_memory() -> None:
    """Let the heap keep freed memory, which would otherwise be poisoned only to go back to the system."""
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, 4 * _KEPT_BYTES)


def _changing(first: dict[str, Tensor], second: dict[str, Tensor]) -> list[str]:
    """Names of the tensors that differ between two runs of a case."""
    return [
        name
        for name in {**first, **second}
        if name not in first or name not in second or not _same(first[name], second[name])
    ]


def _same(first: Tensor, second: Tensor) -> bool:
    return (
        first.dtype == second.dtype
        and first.values.shape == second.values.shape
        and np.array_equal(first.values, second.values, equal_nan=first.values.dtype.kind in "fc")
    )


def _run_case(
    adapter: Adapter,
    case: Case,
    tensors: dict[str, np.ndarray],
    *,
    beyond_limits: bool,
    twice: bool,
    calls: int = 1,
    at_once: int = 1,
) -> tuple[protocol.Message, dict[str, Any]]:
    started = time.perf_counter()
    try:
        outputs, given = _run(adapter, case, tensors, beyond_limits)
        seconds = time.perf_counter() - started
        wrong = shape_error(case, outputs)
        if wrong is not None:
            return {"reply": "misshapen", "detail": wrong}, {}
        aliased = in_memory_of_inputs(outputs, given)
        changing: list[str] = []
        many = Repeated(1, [])
        if calls > 1:
            _poison(_POISONS[1])
            many = repeat(
                outputs, lambda: _run(adapter, case, tensors, beyond_limits)[0], calls=calls, at_once=at_once
            )
            if many.error is not None:
                reply = failed(adapter, case, many.error)
                return reply | {"detail": f"one of {many.calls} calls: {reply['detail']}"}, {}
            # From several threads at once a call may get fewer of the framework's own, and add in another order.
            if at_once == 1 and adapter.repeatable:
                changing = sorted({name for other, _ in many.others for name in _changing(outputs, other)})
        elif twice and seconds < _REPEAT_WITHIN_SECONDS:
            _poison(_POISONS[1])
            first = {name: Tensor(tensor.values.copy(), tensor.dtype) for name, tensor in outputs.items()}
            repeated, _ = _run(adapter, case, tensors, beyond_limits)
            aliased += in_memory_of_first(repeated, outputs)
            outputs = first
            if adapter.repeatable or DATA_KINDS[case.data].exact:
                changing = _changing(outputs, repeated) if shape_error(case, repeated) is None else list(outputs)
    except MemoryError as error:
        # Where R12 allows a refusal, running out of memory is one. A small case needs little memory, so that there
        # running out is the framework's failure. Elsewhere it is a failure of the suite.
        kind = "raised" if _may_refuse(case) or small(case) else "broken"
        return {"reply": kind, "detail": f"out of memory: {error}"[:MESSAGE_LIMIT]}, {}
    except Exception as error:
        return failed(adapter, case, error), {}
    message: protocol.Message = {
        "reply": "answer",
        "promise": adapter.promise(case),
        "changing": changing,
        "overwritten": [name for name in tensors if given[name].tobytes() != tensors[name].tobytes()],
        "aliased": aliased,
        "dtypes": {name: tensor.dtype for name, tensor in outputs.items()},
    }
    return message | many.message(), {name: tensor.values for name, tensor in outputs.items()} | many.arrays()


def _compile(adapter: Adapter, request: tuple[protocol.Message, dict[str, np.ndarray]]) -> None:
    """Make the framework compile what a case needs, by running the case once.

    Only for cases that must be computed; a case that may exhaust memory runs alone.
    """
    message, tensors = request
    if message["ask"] == "answer" and not _may_refuse(case := Case.parse(message["case"])):
        with suppress(Exception):  # the request itself reports it
            adapter.run(case, _copies(tensors), beyond_limits=bool(message.get("beyond_limits")))


def _messages(read: Callable[[int], bytes]) -> Iterator[tuple[protocol.Message, dict[str, np.ndarray]]]:
    """Every message until the socket closes."""
    with suppress(EOFError):
        while True:
            yield protocol.unpack(read)


def _may_refuse(case: Case) -> bool:
    """Whether an implementation may refuse a case (R11, R12)."""
    try:
        return bool(policies(case))
    except DomainError:
        return True


def _copies(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in tensors.items()}


def _model(
    adapter: Adapter, case: Case, tensors: dict[str, np.ndarray]
) -> tuple[protocol.Message, dict[str, Any]]:
    try:
        suffix, content = adapter.save_model(case, _copies(tensors))
    except Exception as error:
        return not_run(error), {}
    return {"reply": "model", "suffix": suffix}, {"content": np.frombuffer(content, np.uint8)}


def _product(
    adapter: Adapter, case: Case, tensors: dict[str, np.ndarray], stage: int
) -> tuple[protocol.Message, dict[str, Any]]:
    try:
        product = adapter.product(case, _copies(tensors), stage)
    except Exception as error:
        return failed(adapter, case, error), {}
    files = {name: np.frombuffer(content, np.uint8) for name, content in product.files.items()}
    return {"reply": "product", "name": product.name, "layer": str(product.layer)}, files


def reply_to(adapter: Adapter, message: protocol.Message, tensors: dict[str, np.ndarray]) -> bytes:
    """The packed reply to a message."""
    number = {"id": message["id"]}
    if message["ask"] == "files":
        return protocol.pack({"reply": "files", "files": loaded_files(adapter.settings_files)} | number)
    case = Case.parse(message["case"])
    if message["ask"] == "program":
        return protocol.pack(program_reply(adapter, case) | number)
    if message["ask"] == "model":
        reply, arrays = _model(adapter, case, tensors)
        return protocol.pack(reply | number, arrays)
    if message["ask"] == "product":
        reply, arrays = _product(adapter, case, tensors, message["stage"])
        return protocol.pack(reply | number, arrays)
    beyond_limits = bool(message.get("beyond_limits"))
    if message["ask"] == "samples":
        reply, arrays = sampled_reply(adapter, case, tensors, beyond_limits=beyond_limits)
        return protocol.pack(reply | number, arrays)
    reply, arrays = _run_case(
        adapter, case, tensors, beyond_limits=beyond_limits, twice=bool(message.get("twice", True)),
        calls=int(message.get("calls", 1)), at_once=int(message.get("at_once", 1)),
    )  # fmt: skip
    _poison(_POISONS[0])  # now: if this case damaged the heap, the check fails here, not in the next case
    if reply["reply"] == "answer" and adapter.damages_process(case):
        reply["damaged"] = True
    try:
        return protocol.pack(reply | number, arrays)
    except protocol.WireError as error:
        return protocol.pack({"reply": "broken", "detail": str(error)} | number)


def load_adapter(target: str, machine: str) -> tuple[Adapter | None, protocol.Message]:
    """The adapter, or None, and the message that it is ready or why it is not."""
    gc.disable()  # nearly all that an import allocates stays; PyTorch's takes 6 % less processor time so
    try:
        kind = load(target)
        os.environ.update({**compile_cache.settings(kind.packages, machine), **kind.environment})
        adapter = kind()
        adapter.run_under(machine_named(machine))
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"[:MESSAGE_LIMIT]
        return None, {"reply": "broken", "detail": detail}
    finally:
        gc.freeze()
        gc.enable()
    stages = (adapter.layer_name, *adapter.stages) if adapter.stages else ()
    return adapter, {"reply": "ready", "environment": _environment(adapter), "stages": stages}


def _environment(adapter: Adapter) -> dict[str, Any]:
    """The environment of the process, with the facts."""
    facts = measure(facts_for(adapter.packages, adapter.facts))
    environment = describe(adapter.packages)
    flags = flags_up_to(environment["cpu_flags"], facts["cpu.isa"])
    if flags != environment["cpu_flags"]:
        # /proc/cpuinfo is the host's where an emulator runs the process.
        environment |= {"cpu": f"{environment['cpu']} (emulating another processor)", "cpu_flags": flags}
    return environment | {"facts": facts}


def _end_with(connection: socket.socket) -> None:
    """End this process when the runner goes away, even in the middle of a case that never ends."""

    def watch() -> None:
        hung_up = select.poll()
        hung_up.register(connection, 0)
        hung_up.poll()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _limit_memory() -> None:
    """Let allocations fail beyond half of the machine's memory, so that no case can exhaust the machine.

    What counts is private writable memory (RLIMIT_DATA): address space that compilers and drivers only reserve
    does not count.
    """
    limit = max(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2, _MIN_MEMORY)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or hard > limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _replace_process(command: tuple[str, ...], descriptor: int, environment: dict[str, Any]) -> protocol.Message:
    """Let a program of another language take this process over; returns only where it does not start."""
    try:
        os.set_inheritable(descriptor, True)
        os.execvp(command[0], [*command, str(descriptor), json.dumps(environment)])
    except OSError as error:
        return {"reply": "broken", "detail": f"{command[0]}: {error.strerror}"}


def main(target: str, descriptor: int, machine: str = NATIVE) -> None:
    """Serve one adapter until the socket closes."""
    _limit_memory()
    _keep_freed_memory()
    connection = socket.socket(fileno=descriptor)
    _end_with(connection)
    stream = connection.makefile("rb")
    # What a framework prints must not get into the protocol.
    os.dup2(2, 1)

    def read(count: int) -> bytes:
        data = stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def send(data: bytes) -> None:
        os.write(2, protocol.STDERR_MARKER)  # first, as the client may send the next case as soon as it reads this
        connection.sendall(data)

    own = os.getpid()
    adapter, hello = load_adapter(target, machine)
    if adapter is not None and (command := adapter.host_command()):
        adapter, hello = None, _replace_process(command, descriptor, hello["environment"])
    count = threads() if adapter is not None and adapter.compiles_in_threads else 0
    send(protocol.pack(hello | {"ahead": count > 0}))
    if adapter is not None:
        _poison(_POISONS[0])
        for message, tensors in precompile_queued(_messages(read), partial(_compile, adapter), count):
            reply = reply_to(adapter, message, tensors)
            if os.getpid() != own:
                os._exit(0)  # a child that the program forked and let return: only one process may reply
            send(reply)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
