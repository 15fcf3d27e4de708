"""The names ``adapters`` and ``cases``, which were packages of their own before they were parts of
``conformance``.

Adapters of other projects may still import them; a later version will remove them.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

__all__ = ["importable"]

_PACKAGES = ("adapters", "cases")
_ROOT = Path(__file__).resolve().parents[1]
_ROOMS = ("", "frameworks.", "host.", "design.")
_RENAMED = {"limits": "frameworks.common_limits", "process": "host.client", "wire": "host.protocol"}


@contextmanager
def importable() -> Iterator[None]:
    """Let the old names mean the new ones, unless another project has packages of those names."""
    finder = _OldNames()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _OldNames(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, module = fullname.partition(".")
        if package not in _PACKAGES:
            return None
        if module:
            # A module of another project's package belongs to that project.
            ours = sys.modules.get(f"conformance.{package}")
            new = _new_name(package, module) if sys.modules.get(package) is ours else None
            return None if new is None else ModuleSpec(fullname, self, loader_state=new)
        theirs = PathFinder.find_spec(package, [entry for entry in sys.path if Path(entry).resolve() != _ROOT])
        if theirs is not None and theirs.origin is not None:
            return theirs
        warnings.warn(
            f"{package!r} is 'conformance.{package}' now; a later version will remove the old name",
            DeprecationWarning,
            stacklevel=2,
        )
        return ModuleSpec(fullname, self, loader_state=f"conformance.{package}")

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(spec.loader_state)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system gave the module the specification of its old name.
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state


def _new_name(package: str, module: str) -> str | None:
    for name in (_RENAMED.get(module, module), *(f"{room}{module}" for room in _ROOMS)):
        parent = f"conformance.{package}.{name}".rpartition(".")[0]
        if find_spec(parent) is not None and find_spec(f"conformance.{package}.{name}") is not None:
            return f"conformance.{package}.{name}"
    return None
