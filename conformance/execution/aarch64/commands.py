"""Programs that a build calls, and a one-line error if one is missing or fails."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from conformance.execution.aarch64.errors import BuildError

__all__ = ["emulator", "last_error", "run", "tool"]

# Debian 12 names the static build for itself; later releases have one build, which is static too.
_EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
_PACKAGE_OF = {"apt-get": "apt", "dpkg-deb": "dpkg"}
_SECONDS = 3600.0  # a download over a slow line


def emulator() -> str:
    """Path of QEMU's user-mode emulator for aarch64.

    Raises
    ------
    BuildError
        It is not installed.
    """
    for name in _EMULATORS:
        path = shutil.which(name)
        if path:
            return path
    raise BuildError(
        f"neither {' nor '.join(_EMULATORS)} is on PATH: install QEMU's user-mode emulation (Debian, Ubuntu: "
        "apt-get install qemu-user-static)"
    )


def tool(name: str) -> str:
    """Path of a program of Debian's package tools.

    Raises
    ------
    BuildError
        It is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise BuildError(
            f"{name} is not on PATH: the arm64 Python is unpacked from the packages of Debian or Ubuntu; "
            f"install {_PACKAGE_OF.get(name, name)}, or build on such a system"
        )
    return path


def run(command: Sequence[str], *, purpose: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return its standard output.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    purpose : str
        Start of the error message: what cannot be done if the command fails.
    environment : mapping, optional
        All environment variables of the program; this process's by default.

    Raises
    ------
    BuildError
        The program cannot be started, fails or takes too long.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=None if environment is None else dict(environment),
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"{purpose}: {command[0]} did not end within {_SECONDS:.0f} s") from None
    except OSError as error:
        raise BuildError(f"{purpose}: {command[0]} cannot be started: {error.strerror}") from None
    if done.returncode:
        raise BuildError(f"{purpose}: {last_error(done.stderr) or f'{command[0]} exited {done.returncode}'}")
    return done.stdout


def last_error(text: str) -> str:
    """The line that says what went wrong: the first one marked as an error, or else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(("E: ", "ERROR: "))]
    return (marked[:1] or lines[-1:] or [""])[0][:300]
