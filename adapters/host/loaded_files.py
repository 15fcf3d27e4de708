"""The files that this process depends on: if one of them changes, a new process would behave differently."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

__all__ = ["loaded_files"]

_INSTALLED = ("site-packages", "dist-packages")


def loaded_files(settings: Iterable[str] = ()) -> list[str]:
    """Files of the modules and libraries that are loaded, and the folders into which packages are installed.

    Parameters
    ----------
    settings : iterable of str
        Further files that were read, if they exist.
    """
    paths = {*_modules(), *_mapped()}
    paths.update(path for path in sys.path if os.path.basename(path) in _INSTALLED)
    paths.update(path for path in map(os.path.expanduser, settings) if os.path.exists(path))
    return sorted(paths)


def _modules() -> Iterator[str]:
    for module in list(sys.modules.values()):
        path = None
        # Not by getattr: a module that loads when it is first used would load now.
        with suppress(AttributeError):
            path = object.__getattribute__(module, "__dict__").get("__file__")
        if isinstance(path, str) and os.path.isabs(path):
            yield path


def _mapped() -> Iterator[str]:
    """Shared libraries, where the system lists them; one that was deleted has no such path."""
    with suppress(OSError), open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            path = line.rstrip("\n")[line.find("/") :] if "/" in line else ""
            if ".so" in path and not path.startswith("/memfd:"):
                yield path
