"""The command as its users run it, in a new process, and the names of the adapters of tests/support/adapters."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from conformance.cases import Case
from tests.support.adapters import (
    converting,
    crashing,
    javascript,
    protocol_breaking,
    refusing,
    right,
    standalone,
    stateful,
    wrong,
)

__all__ = ["FAULTY", "HEALTHY", "ROOT", "conformance", "errors", "known", "one_line", "start", "toy", "wait_for"]

ROOT = Path(__file__).parents[2]

# An adapter whose fault shows where the first kernel axis is 2 passes the first three and fails the last.
HEALTHY = [str(Case.parse(text)) for text in ("1d-i5-k3", "1d-i4-k1-s2", "2d-c2x2-i3-k3")]
FAULTY = str(Case.parse("1d-i6-k2-s3"))
_MODULES = (right, wrong, refusing, crashing, protocol_breaking, stateful, standalone, javascript, converting)


@cache
def _files() -> dict[str, str]:
    """The file of each adapter class."""
    files: dict[str, str] = {}
    for module in _MODULES:
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        assert not files.keys() & set(own), "a class name is there twice"
        files |= dict.fromkeys(own, str(module.__file__))
    return files


def toy(name: str) -> str:
    """What ``--adapter`` takes for a class of tests/support/adapters."""
    return f"{_files()[name]}:{name}"


def conformance(
    *arguments: str, cwd: Path = ROOT, env: dict[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run ``conformance`` with ``env`` added to the environment and ``given`` as its input."""
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=cwd, env={**os.environ, **(env or {})}, input=given,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def known(folder: Path, **kinds: str) -> list[str]:
    """Options of a run that expects how adapters fail: to confirm when something new happens takes seconds."""
    folder.mkdir()
    for name, kind in kinds.items():
        entry = f'finding = "planted"\nwhere = "rank > 0"\nkind = "{kind}"\nreason = "planted"\n'
        (folder / f"{name}.toml").write_text(f"[[expectation]]\n{entry}")
    return ["--expectations", str(folder)]


def start(*arguments: str, env: dict[str, str] | None = None, inside: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start ``conformance`` in a new process group, and do not wait for it."""
    return subprocess.Popen(
        [*inside, sys.executable, "-m", "conformance", *arguments],
        cwd=ROOT, env={**os.environ, **(env or {})}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of standard error, without those that say what a slow command does."""
    return [line for line in done.stderr.strip().splitlines() if not line.endswith(" …")]


def one_line(done: subprocess.CompletedProcess[str], text: str) -> None:
    """Check that a command printed one line of error with a text in it."""
    assert text in done.stderr, done.stderr
    assert len(errors(done)) == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def wait_for(met: Callable[[], object], seconds: float = 60) -> None:
    """Wait until a condition is met."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
