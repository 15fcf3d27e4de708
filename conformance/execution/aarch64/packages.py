"""The packages that pip installs for aarch64: those of the suite's own extras, in the versions installed here.

pip itself runs emulated, so that it chooses wheels and evaluates conditions for the emulated machine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from conformance.execution.aarch64 import commands
from conformance.execution.aarch64.errors import BuildError

__all__ = ["DISTRIBUTION", "EXTRAS", "install", "requirements"]

DISTRIBUTION = "conv-transpose-conformance"
# These have wheels for aarch64 that run under QEMU; docs/aarch64.md has the results of the others.
EXTRAS = ("onnx", "litert")


def requirements(extras: Iterable[str], *, declared: Iterable[str] | None = None) -> list[str]:
    """The requirements of some extras of the suite.

    Packages that are installed here are required in the same version, so that only the architecture differs.

    Parameters
    ----------
    extras : iterable of str
        Names of the suite's extras.
    declared : iterable of str, optional
        Requirements to choose from; those of the installed suite by default.

    Raises
    ------
    BuildError
        An extra does not exist.
    """
    all_declared = list(map(Requirement, metadata.requires(DISTRIBUTION) or [] if declared is None else declared))
    pinned: dict[str, str] = {}
    for extra in extras:
        chosen = [item for item in all_declared if item.marker and item.marker.evaluate({"extra": extra})]
        if not chosen:
            raise BuildError(f"{DISTRIBUTION} has no extra {extra!r}")
        pinned |= {item.name: _pin(item) for item in chosen}
    return [pinned[name] for name in sorted(pinned)]


def _pin(requirement: Requirement) -> str:
    try:
        # The local part of a version (+cpu) differs between processors.
        version = metadata.version(requirement.name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return f"{requirement.name}{requirement.specifier}"
    return f"{requirement.name}=={version}"


def install(python: Path, required: Iterable[str]) -> None:
    """Install packages into the environment of an interpreter that has no pip of its own.

    Raises
    ------
    BuildError
        pip is not installed here, or it cannot install a package.
    """
    try:
        import pip
    except ImportError:
        raise BuildError("pip is not installed here: python -m ensurepip") from None
    with tempfile.TemporaryDirectory() as folder:
        # Link pip alone: its folder also holds the packages of this environment, for a different processor.
        os.symlink(Path(pip.__file__).parent, Path(folder) / "pip")
        commands.run(
            [str(python), "-m", "pip", "install", "--quiet", "--only-binary=:all:", *required],
            purpose=f"pip cannot install {' '.join(required)} for aarch64",
            environment={**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
        )
