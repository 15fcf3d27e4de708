"""Starts the recording in every Python process of a captured command: Python imports this module at its start.

It then imports the environment's own module of this name, if there is one.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from typing import Any


def _start(path: str) -> None:
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "hooks")
    name = "_conformance_capture_hooks"  # not ours: the program may import another version of the suite
    spec: Any = importlib.util.spec_from_file_location(
        name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    sys.modules[name] = hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def write(event: dict[str, Any]) -> None:
        os.write(file, (json.dumps(event) + "\n").encode())  # one write is whole, whatever other processes write

    write({"started": os.getpid()})
    hooks.Hooks(write).install()


def _go_on() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    ours = sys.modules.pop("sitecustomize")
    try:
        importlib.import_module("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", ours)


try:
    if os.environ.get("CONFORMANCE_CAPTURE"):
        _start(os.environ["CONFORMANCE_CAPTURE"])
finally:
    _go_on()
