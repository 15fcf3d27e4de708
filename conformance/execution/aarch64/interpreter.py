"""A virtual environment whose interpreter is a script that starts an emulated Python."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

__all__ = ["command", "script", "write"]


def command(emulator: str, cpu: str, root: Path, name: Path) -> list[str]:
    """The command that starts the emulated Python.

    Parameters
    ----------
    emulator : str
        QEMU's program.
    cpu : str
        QEMU's name of the processor.
    root : Path
        Where the arm64 system is unpacked. A path that exists below it replaces the machine's own.
    name : Path
        The program name that Python sees. It becomes ``sys.executable`` and selects the virtual environment.
        QEMU does not emulate a program's children, but those that it starts by this name are emulated again.
    """
    return [emulator, "-cpu", cpu, "-L", str(root), "-0", str(name), str((root / "usr/bin/python3").resolve())]


def script(start: Sequence[str]) -> str:
    """Text of the interpreter: a shell script that runs QEMU in its place."""
    return f'#!/bin/sh\nexec {shlex.join(start)} "$@"\n'


def write(folder: Path, start: Sequence[str], root: Path, version: tuple[int, int]) -> Path:
    """Make the virtual environment and return the path of its interpreter.

    Parameters
    ----------
    folder : Path
        The virtual environment.
    start : sequence of str
        What `command` returned.
    root : Path
        Where the arm64 system is unpacked.
    version : tuple of int
        Major and minor version of its Python.
    """
    python = folder / "bin" / "python"
    dotted = ".".join(map(str, version))
    (folder / "lib" / f"python{dotted}" / "site-packages").mkdir(parents=True, exist_ok=True)
    settings = f"home = {root / 'usr/bin'}\ninclude-system-site-packages = false\nversion = {dotted}\n"
    (folder / "pyvenv.cfg").write_text(settings, encoding="utf-8")
    python.parent.mkdir(exist_ok=True)
    fresh = python.with_name("python.new")
    fresh.write_text(script(start), encoding="utf-8")
    fresh.chmod(0o755)
    os.replace(fresh, python)  # atomic: a run that starts processes at the same time never sees half a script
    return python
