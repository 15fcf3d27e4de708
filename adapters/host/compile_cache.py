"""Compiled programs kept from process to process, where the user wants it.

``CONFORMANCE_COMPILE_CACHE`` names a folder. Compilers that can keep their programs keep them there, in one folder
per build: its version, the size and time of its shared libraries, and the processor. Two builds of one version
never share a program, so that a run always tests the build that is installed. Where the variable is not set, or
the libraries of a build are not found, compilers keep their default behaviour.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Iterable
from pathlib import Path

from conformance.adapters.environment import describe
from conformance.adapters.machines import NATIVE

__all__ = ["VARIABLE", "settings"]

VARIABLE = "CONFORMANCE_COMPILE_CACHE"

# Per package: the distribution that compiles, and the variables that make it keep every program.
_CACHES = {
    "jax": (
        "jaxlib",
        {
            "JAX_COMPILATION_CACHE_DIR": "{folder}",
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        },
    ),
    "torch": ("torch", {"TORCHINDUCTOR_CACHE_DIR": "{folder}"}),
}


def settings(packages: Iterable[str], machine: str = NATIVE) -> dict[str, str]:
    """Environment variables for a process that imports these packages under a machine profile."""
    values: dict[str, str] = {}
    root = os.environ.get(VARIABLE)
    if not root:
        return values
    for distribution, variables in (_CACHES[package] for package in packages if package in _CACHES):
        build = _build(distribution, machine)
        if build:
            folder = Path(root).resolve() / f"{distribution}-{build}"
            folder.mkdir(parents=True, exist_ok=True)
            values |= {name: value.format(folder=folder) for name, value in variables.items()}
    return values


def _build(distribution: str, machine: str) -> str | None:
    """What distinguishes one build from another on this machine; None where nothing does."""
    try:
        files = importlib.metadata.files(distribution) or []
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
    libraries = [Path(str(file.locate())) for file in files if ".so" in file.suffixes]
    facts = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in libraries if path.exists()]
    if not facts:
        return None
    environment = describe([])
    identity = repr((sorted(facts), environment["cpu"], environment["cpu_flags"], machine))
    return f"{version}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
