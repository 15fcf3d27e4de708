"""The build, step by step; a step whose result exists already is skipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from conformance.execution.aarch64 import commands, debian, interpreter, machine, packages
from conformance.execution.aarch64.errors import BuildError

__all__ = ["CPU", "build"]

# The processor of hosted ARM runners (Ampere Altra, Graviton 2): 128-bit NEON, float16, no SVE and no bfloat16.
CPU = "neoverse-n1"
_OLDEST = (3, 11)


def build(
    folder: Path,
    *,
    requirements: Sequence[str],
    cpu: str = CPU,
    sources: Path | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Build the environment, or its missing parts, and return the path of its interpreter.

    Parameters
    ----------
    folder : Path
        Where to build.
    requirements : sequence of str
        Requirements for pip.
    cpu : str
        QEMU's name of the processor to emulate.
    sources : Path, optional
        A sources file for apt in place of the system's.
    say : callable
        Called with one line about each step.

    Raises
    ------
    BuildError
        One line: what is missing, and what helps.
    """
    folder = folder.resolve()
    emulator, root = commands.emulator(), folder / "root"
    if not root.is_dir():
        say("unpacking an arm64 Python from the distribution's packages")
        debian.unpack(root, folder / "apt", None if sources is None else sources.resolve())
    start = interpreter.command(emulator, cpu, root, folder / "bin" / "python")
    emulated = machine.measure(start, cpu)
    if emulated.python < _OLDEST:
        raise BuildError(
            "the distribution's Python is {}.{}, and the suite needs {}.{}".format(*emulated.python, *_OLDEST)
        )
    machine.write(root, emulated)
    python = interpreter.write(folder, start, root, emulated.python)
    installed = folder / "requirements.txt"  # written once all requirements are installed
    text = "".join(f"{item}\n" for item in requirements)
    if not installed.is_file() or installed.read_text(encoding="utf-8") != text:
        say(f"installing for aarch64, by an emulated pip, which takes minutes: {' '.join(requirements)}")
        installed.unlink(missing_ok=True)
        packages.install(python, requirements)
        installed.write_text(text, encoding="utf-8")
    shutil.rmtree(folder / "apt", ignore_errors=True)
    return python
