"""What the workers of a run must have in common: the suite's code, files, versions, the processor."""

from __future__ import annotations

import functools
import hashlib
import sys
from pathlib import Path
from typing import Any

from conformance.adapters.devices import present
from conformance.adapters.environment import describe, versions
from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import AdapterSpec, load

__all__ = ["ability", "describe_spec", "fingerprint", "read_spec"]

_PACKAGE = Path(__file__).parents[1]
_CODE = ("*.py", "host.js")
_LINKS = ("adapters", "cases", "reports")
"""Folders of the package that are links in a checkout, which `Path.rglob` does not follow."""


@functools.cache
def fingerprint() -> str:
    """A hash of the suite's own code, which must be the same on every worker."""
    digest = hashlib.sha256()
    folders = [_PACKAGE, *(_PACKAGE / name for name in _LINKS)]
    for path in sorted({path for folder in folders for kind in _CODE for path in folder.rglob(kind)}):
        digest.update(str(path.relative_to(_PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def describe_spec(spec: AdapterSpec) -> dict[str, Any]:
    """An adapter as plain data; ``python`` is None if each worker uses its own interpreter."""
    path = spec.target.rpartition(":")[0]
    return {
        "name": spec.name,
        "target": spec.target,
        "python": spec.python if spec.foreign else None,
        "file": _hash(Path(path)) if path.endswith(".py") else None,
    }


def read_spec(data: dict[str, Any]) -> AdapterSpec:
    """The adapter that `describe_spec` described, in this environment."""
    return AdapterSpec(data["name"], data["target"], data["python"] or sys.executable)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ability(data: dict[str, Any]) -> dict[str, Any]:
    """The versions, Python and processor flags with which an adapter runs here; or why it cannot run.

    The record of a run has these once per adapter, so all workers of a run must share them.

    Parameters
    ----------
    data : dict
        The result of `describe_spec`.
    """
    try:
        spec = read_spec(data)
        path = Path(spec.target.rpartition(":")[0])
        if data["file"] and not path.is_file():
            return {"unable": f"file not found: {path}"}
        if data["file"] and _hash(path) != data["file"]:
            return {"unable": f"its file {path} differs"}
        if spec.foreign and not Path(spec.python).is_file():
            return {"unable": f"interpreter not found: {spec.python}"}
        kind = load(spec.target)
        if spec.foreign:
            with AdapterProcess(spec) as host:
                failed = host.start()
                return {"unable": failed.detail} if failed is not None else _same(host.environment)
        installed = versions(kind.packages)
        absent = [package for package in kind.packages if package not in installed]
        if absent:
            return {"unable": f"{', '.join(absent)} not installed"}
        if not present(kind.device):
            return {"unable": f"no {kind.device} device"}
        return _same(describe(kind.packages))
    except Exception as error:
        return {"unable": f"{type(error).__name__}: {error}"}


def _same(environment: dict[str, Any]) -> dict[str, Any]:
    """The part of an environment that all workers of a run must share."""
    return {key: environment[key] for key in ("versions", "python", "cpu_flags")}
