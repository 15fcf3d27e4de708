"""Whether a process is still what a new one would be: the same settings, and no loaded file has changed."""

from __future__ import annotations

import hashlib
import json
import os
import resource
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.adapters.registry import AdapterSpec

__all__ = ["any_changed", "key_of"]

# Variables that shells and terminals change from command to command, and no framework reads.
_IGNORED = frozenset({"_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "PYTEST_CURRENT_TEST"})


def key_of(spec: AdapterSpec, environment: Mapping[str, str] = os.environ) -> str:
    """What must be the same for a process to serve again: the adapter, and all that a new process inherits."""
    limits = {
        name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")
    }
    inherited = [
        {name: value for name, value in environment.items() if name not in _IGNORED},
        os.getcwd(),
        sorted(os.sched_getaffinity(0)),
        limits,
    ]
    about = json.dumps([spec.target, spec.python, spec.machine, inherited], sort_keys=True)
    return hashlib.sha256(about.encode()).hexdigest()


def any_changed(paths: Iterable[str], since: int) -> bool:
    """Whether one of some files has been replaced, written or removed since a time, in nanoseconds.

    The time of the last change of its inode counts, which no program can set back.
    """
    for path in paths:
        try:
            if os.stat(path).st_ctime_ns > since:
                return True
        except OSError:
            return True
    return False
