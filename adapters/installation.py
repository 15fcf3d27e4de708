"""Whether the packages of an adapter are installed where it runs, and how to install them."""

from __future__ import annotations

import subprocess
from contextlib import suppress

from conformance.adapters.node import npm
from conformance.adapters.registry import AdapterSpec, UnknownAdapter, installed, load

__all__ = ["install_command", "missing_packages", "missing_text"]

_PROJECT = "conv-transpose-conformance"
_PATIENCE = 60  # seconds; an emulated interpreter starts slowly

# For the interpreter of the adapter, which may have no packages but its own.
_PRINT_MISSING = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        print(name)
"""


def missing_packages(spec: AdapterSpec) -> list[str] | None:
    """Packages of an adapter that its interpreter does not list as installed; None if that runs no Python.

    Such a package may still be importable: a framework built from source may have no metadata.
    """
    packages: tuple[str, ...] = ()
    # A file that imports its framework can be loaded only where that is installed.
    with suppress(UnknownAdapter, ImportError):
        packages = load(spec.target).packages
    if not spec.foreign:
        return [name for name in packages if name not in (installed(spec) or {})]
    of_node = [name for name in packages if name.startswith(npm.PREFIX)]
    of_python = [name for name in packages if name not in of_node]
    command = [*spec.profile.emulator, spec.python, "-c", _PRINT_MISSING, "numpy", *of_python]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.split() + [name for name in of_node if npm.version(name, spec.python) is None]


def missing_text(spec: AdapterSpec) -> str:
    """The packages that an adapter lacks, and the command that installs them; empty if it lacks none."""
    missing = missing_packages(spec)
    if missing is None:
        return f"{spec.python} runs no Python code"
    return f"{', '.join(missing)} not installed: {install_command(spec, missing)}" if missing else ""


def install_command(spec: AdapterSpec, missing: list[str]) -> str:
    """The command that installs what an adapter needs."""
    of_node = [name for name in missing if name.startswith(npm.PREFIX)]
    if of_node:
        others = [name for name in missing if name not in of_node]
        first = f"{install_command(spec, others)}, then " if others else ""
        return first + npm.install_command(of_node, spec.python)
    if spec.foreign:
        return f"{spec.python} -m pip install {' '.join(missing)}"
    extra = load(spec.target).extra
    return f"pip install '{_PROJECT}[{extra}]'" if extra else f"pip install {' '.join(missing)}"
