"""Running a user's command with the hooks in every Python process that it starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from conformance.calls.capturing.events import Recorded, read_events

__all__ = ["Ran", "run_program"]

_START = Path(__file__).parent / "start"
_PYTHONS = ("python", "python3")


@dataclass(frozen=True)
class Ran:
    """A program that has ended.

    Attributes
    ----------
    exit_code : int
        The program's own; 128 and the signal's number, as in a shell, where a signal ended it.
    recorded : Recorded
        What the hooks wrote.
    """

    exit_code: int
    recorded: Recorded


def run_program(command: Sequence[str], *, python: str | None = None, stdout: IO[Any] | None = None) -> Ran:
    """Run a command and record its transposed convolutions.

    Parameters
    ----------
    command : sequence of str
        Such as ``python script.py --epochs 1``. ``python`` is the interpreter of `python`, by default that of the
        active virtual environment, else the one that runs this.
    python : str, optional
        Path of an interpreter.
    stdout : file, optional
        Where the program's standard output goes. Default: where this process's goes.

    Raises
    ------
    OSError
        The command cannot be started.
    """
    command = _with_interpreter(list(command), python)
    with tempfile.TemporaryDirectory(prefix="conformance-capture-") as folder:
        events = Path(folder) / "events.jsonl"
        events.touch()
        environment = dict(os.environ, CONFORMANCE_CAPTURE=str(events))
        others = [environment["PYTHONPATH"]] if environment.get("PYTHONPATH") else []
        environment["PYTHONPATH"] = os.pathsep.join([str(_START), *others])
        with subprocess.Popen(command, env=environment, stdout=stdout) as process:
            while process.returncode is None:
                with suppress(KeyboardInterrupt):  # the terminal sends it to the program too, which decides
                    process.wait()
        code = process.returncode
        with events.open(encoding="utf-8") as lines:
            recorded = read_events(lines, died=code < 0 or code > 128)  # a shell that started it says 128 and more
    return Ran(128 - code if code < 0 else code, recorded)


def _with_interpreter(command: list[str], python: str | None) -> list[str]:
    """The command with the path of its interpreter; a script alone gets one."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    default = (shutil.which("python") if active else None) or sys.executable
    if command[0] in _PYTHONS:
        return [python or default, *command[1:]]
    return [python or default, *command] if command[0].endswith(".py") else command
