"""A real Dask cluster for tests: a scheduler and workers, each a process that a test starts, kills and stops."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.command import ROOT, wait_for

__all__ = ["DaskCluster", "DaskProcess"]


class DaskProcess:
    """One process of a cluster, in a process group of its own, and what it says."""

    def __init__(
        self, log: Path, words: Sequence[str], inside: Sequence[str], environment: dict[str, str]
    ) -> None:
        self.log = log
        path = os.pathsep.join(filter(None, [environment.pop("PYTHONPATH", ""), str(ROOT)]))
        with log.open("w") as file:
            self._process = subprocess.Popen(
                [*inside, sys.executable, "-m", "dask", *words],
                cwd=log.parent, stdout=file, stderr=file, start_new_session=True,
                env={**os.environ, **environment, "PYTHONPATH": path},
            )  # fmt: skip

    def said(self, pattern: str) -> str:
        """What it says after some words, once it does."""

        def found() -> list[str]:
            assert self._process.poll() is None, self.log.read_text()
            return re.findall(pattern, self.log.read_text())

        wait_for(found)
        return found()[0]

    def ready(self) -> DaskProcess:
        """The process, once it belongs to the cluster."""
        self.said(r"Registered to:\s+(tcp://\S+)")
        return self

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class DaskCluster:
    """A scheduler, and the workers that were started for it."""

    def __init__(self, folder: Path, *options: str, inside: Sequence[str] = (), **environment: str) -> None:
        self._folder, self._environment, self._logs = folder, environment, itertools.count()
        self._workers: list[DaskProcess] = []
        words = ("scheduler", *(options or ("--host", "127.0.0.1")), "--port", "0", "--no-dashboard")
        self.scheduler = self._start(*words, inside=inside)
        self.address = self.scheduler.said(r"Scheduler at:\s+(tcp://\S+)")

    def worker(self, *options: str, inside: Sequence[str] = (), **environment: str) -> DaskProcess:
        """Start a worker of one thread; without options there is no nanny, so that its process is the worker."""
        words = ("worker", self.address, "--nthreads", "1", "--no-dashboard", *(options or ("--no-nanny",)))
        self._workers.append(self._start(*words, inside=inside, **environment))
        return self._workers[-1]

    def _start(self, *words: str, inside: Sequence[str], **environment: str) -> DaskProcess:
        log = self._folder / f"dask-{next(self._logs)}.log"
        return DaskProcess(log, words, inside, {**self._environment, **environment})

    def stop_workers(self) -> None:
        """Stop what was started beside the scheduler."""
        while self._workers:
            self._workers.pop().kill()

    def stop(self) -> None:
        """Stop everything."""
        self.stop_workers()
        self.scheduler.kill()
