"""Which adapters there are, and how a name on the command line becomes one.

A name is a built-in (``torch``), an entry point of the group ``conformance.adapters``, or ``file.py:Class``. Any
of them may end in ``@/path/to/python`` to run in another environment.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from adapters.base import Adapter

__all__ = ["BUILT_IN", "AdapterSpec", "UnknownAdapter", "available", "load", "resolve"]

GROUP = "conformance.adapters"

BUILT_IN = {
    "torch": "adapters.torch_functional:TorchFunctional",
    "keras-tensorflow": "adapters.keras_layers:KerasTensorFlow",
    "jax-lax": "adapters.jax_lax:JaxLax",
}


class UnknownAdapter(ValueError):
    """A name that is no adapter."""


@dataclass(frozen=True)
class AdapterSpec:
    """Where an adapter is and what runs it.

    Attributes
    ----------
    name : str
        As the user wrote it; names the adapter in results.
    target : str
        ``module:Class`` or ``/path/file.py:Class``.
    python : str
        The interpreter its process starts.
    """

    name: str
    target: str
    python: str

    @property
    def foreign(self) -> bool:
        """Whether it runs in another environment than this one."""
        return self.python != sys.executable


def _entry_points() -> dict[str, str]:
    return {point.name: point.value for point in importlib.metadata.entry_points(group=GROUP)}


def resolve(name: str) -> AdapterSpec:
    """Find the adapter a name stands for.

    Raises
    ------
    UnknownAdapter
        With the names that are known.
    """
    plain, _, python = name.partition("@")
    if python and not Path(python).is_file():
        raise UnknownAdapter(f"adapter {name!r}: there is no interpreter {python}")
    path, colon, class_name = plain.rpartition(":")
    if colon and path.endswith(".py"):
        if not Path(path).is_file():
            raise UnknownAdapter(f"adapter {name!r}: there is no file {path}")
        if not class_name.isidentifier():
            raise UnknownAdapter(f"adapter {name!r}: {class_name!r} is no class name; write file.py:Class")
        target = f"{Path(path).resolve()}:{class_name}"
    else:
        known = {**_entry_points(), **BUILT_IN}
        if plain not in known:
            raise UnknownAdapter(
                f"unknown adapter {plain!r}; known are {', '.join(sorted(known))}, or file.py:Class"
            )
        target = known[plain]
    return AdapterSpec(name, target, python or sys.executable)


def load(target: str) -> type[Adapter]:
    """Import the class an adapter spec points to; the framework itself is imported when it is constructed."""
    path, _, class_name = target.rpartition(":")
    if path.endswith(".py"):
        spec = importlib.util.spec_from_file_location(Path(path).stem, path)
        if spec is None or spec.loader is None:
            raise UnknownAdapter(f"{path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(path)
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, Adapter)):
        raise UnknownAdapter(f"{target} is no Adapter class")
    return found


def available() -> list[str]:
    """Built-in and entry-point adapters whose packages are all installed here."""
    names = []
    for name, target in {**_entry_points(), **BUILT_IN}.items():
        try:
            installed = [importlib.metadata.version(package) for package in load(target).packages]
        except (importlib.metadata.PackageNotFoundError, ImportError):
            continue
        if installed:
            names.append(name)
    return names
