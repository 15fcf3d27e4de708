"""What the workers of a run must have in common: the suite's code, files, versions, the processor."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conformance.adapters.devices import present
from conformance.adapters.environment import describe, versions
from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import AdapterSpec, load

__all__ = [
    "Environment",
    "Unable",
    "ability",
    "describe_spec",
    "fingerprint",
    "read_ability",
    "read_spec",
    "write_ability",
]

_PACKAGE = Path(__file__).parents[1]
_CODE = ("*.py", "host.js")
_LINKS = ("adapters", "cases", "reports")
"""Folders of the package that are links in a checkout, which `Path.rglob` does not follow."""


@dataclass(frozen=True)
class Environment:
    """What an adapter runs in, as far as all workers of a run must share it: the record has it once per adapter.

    Attributes
    ----------
    versions : mapping of str to str
        Versions of the packages.
    python : str
        Version of Python.
    cpu_flags : tuple of str
        Instruction sets of the processor.
    """

    versions: Mapping[str, str]
    python: str
    cpu_flags: tuple[str, ...]


@dataclass(frozen=True)
class Unable:
    """Why a worker cannot run an adapter."""

    reason: str


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


def read_spec(data: Mapping[str, Any]) -> AdapterSpec:
    """The adapter that `describe_spec` described, in this environment."""
    return AdapterSpec(data["name"], data["target"], data["python"] or sys.executable)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ability(data: Mapping[str, Any]) -> Environment | Unable:
    """The environment in which an adapter runs here, or why it cannot run.

    Parameters
    ----------
    data : mapping
        The result of `describe_spec`.
    """
    try:
        spec = read_spec(data)
        path = Path(spec.target.rpartition(":")[0])
        if data["file"] and not path.is_file():
            return Unable(f"file not found: {path}")
        if data["file"] and _hash(path) != data["file"]:
            return Unable(f"its file {path} differs")
        if spec.foreign and not Path(spec.python).is_file():
            return Unable(f"interpreter not found: {spec.python}")
        kind = load(spec.target)
        if spec.foreign:
            with AdapterProcess(spec) as host:
                failed = host.start()
                return Unable(failed.detail) if failed is not None else _environment(host.environment)
        installed = versions(kind.packages)
        absent = [package for package in kind.packages if package not in installed]
        if absent:
            return Unable(f"{', '.join(absent)} not installed")
        if not present(kind.device):
            return Unable(f"no {kind.device} device")
        return _environment(describe(kind.packages))
    except Exception as error:
        return Unable(f"{type(error).__name__}: {error}")


def _environment(data: Mapping[str, Any]) -> Environment:
    return Environment(data["versions"], data["python"], tuple(data["cpu_flags"]))


def write_ability(able: Environment | Unable) -> dict[str, Any]:
    """An ability as JSON for `read_ability`."""
    return {"unable": able.reason} if isinstance(able, Unable) else asdict(able)


def read_ability(data: Mapping[str, Any]) -> Environment | Unable:
    """The ability that `write_ability` wrote."""
    return Unable(data["unable"]) if "unable" in data else _environment(data)
