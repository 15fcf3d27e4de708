"""Doing something after a module is imported, without importing it."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Collection
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["AfterImport"]


class AfterImport:
    """A finder for ``sys.meta_path`` that finds nothing itself, and calls a function after certain imports."""

    def __init__(self, names: Collection[str], then: Callable[[ModuleType], None]) -> None:
        self._names = names
        self._then = then
        self._searching = threading.local()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The module's own specification, whose loader calls the function at the end."""
        if name not in self._names or getattr(self._searching, "name", None) == name:
            return None
        self._searching.name = name
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._searching.name = None
        if spec is not None and spec.loader is not None:
            self._extend(spec.loader)
        return spec

    def _extend(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # an attribute of this one loader, in front of its method
            execute(module)
            self._then(module)

        loader.exec_module = exec_module
