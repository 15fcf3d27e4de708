"""Starting the process of an adapter; light to import, so that a framework can load before the suite does."""

from __future__ import annotations

import atexit
import functools
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from conformance.adapters.machines import NATIVE
from conformance.adapters.registry import AdapterSpec, load

__all__ = ["Process", "Spawned", "spawn"]

_SERVER = "conformance.adapters.host.server"
# Not resolved: in a checkout the folders of the package are links to those beside it.
_PACKAGE = Path(__file__).parents[2]


class Process(Protocol):
    """What the suite does with an adapter's process, whether or not it is a child of this one."""

    pid: int
    stderr: IO[bytes] | None

    def kill(self) -> None:
        """End it."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended."""


class Spawned(NamedTuple):
    """A process and this process's end of its socket.

    ``hello`` is what the process sent when it was ready, where that has been read already.
    """

    process: Process
    socket: socket.socket
    hello: dict[str, Any] | None = None


@functools.cache
def _code_alone() -> str:
    """A folder with the code that an adapter's process needs and nothing else.

    Where the suite is installed, its folder holds this environment's frameworks too; on the path of another
    interpreter they would shadow that interpreter's own.
    """
    import shutil  # for a few adapters only
    import tempfile

    folder = tempfile.mkdtemp(prefix="conformance-host-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    package = Path(folder) / _PACKAGE.name
    package.mkdir()
    for part in ("__init__.py", "adapters", "cases"):
        os.symlink(_PACKAGE / part, package / part)
    return folder


def spawn(spec: AdapterSpec) -> Spawned:
    """Start the process of an adapter, which imports its framework and then sends ``ready``.

    Raises
    ------
    OSError
        Its interpreter cannot be started.
    """
    ours, theirs = socket.socketpair()
    environment = dict(os.environ)
    root = str(_PACKAGE.parent)
    others = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", root)]
    environment["PYTHONPATH"] = os.pathsep.join([_code_alone() if spec.foreign else root, *others])
    environment.setdefault("PYTHONFAULTHANDLER", "1")
    # How OpenMP's threads wait changes no output. Where they spin, PyTorch's gate tier takes four times as long on
    # two busy processors.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    profile = spec.profile
    if profile.name != NATIVE:
        environment |= profile.variables_for(load(spec.target).packages)
    command = [spec.python, "-m", _SERVER, spec.target, str(theirs.fileno()), profile.name]
    with theirs, _one_processor() if profile.one_processor else nullcontext():
        process = subprocess.Popen(
            [*profile.emulator, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            env=environment,
        )
    return Spawned(process, ours)


@contextmanager
def _one_processor() -> Iterator[None]:
    """Bind what this thread starts to one processor: a child has the processors of the thread that starts it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
