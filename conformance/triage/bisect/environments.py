"""Environments that differ from this one in the version of one package, made by venv and pip and kept.

A new environment sees the packages of this one after its own. So only the package under test is installed, and
what its version needs in other versions.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import Version

__all__ = ["EnvironmentFailure", "Environments", "default_cache"]

_MAKE_SECONDS = 1800.0
_DONE = "ready"


class EnvironmentFailure(Exception):
    """A version that does not install."""


def default_cache() -> Path:
    """Where environments are kept: the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "conformance" / "bisect"


@dataclass
class Environments:
    """Environments of one package.

    Attributes
    ----------
    package : str
        The package whose version differs.
    pins : tuple of str
        Requirements installed beside it, such as ``numpy<2``.
    cache : Path
        The folder that keeps them.
    made : list of Version
        Versions that were installed by this object, not found in the cache.
    """

    package: str
    pins: tuple[str, ...] = ()
    cache: Path = field(default_factory=default_cache)
    made: list[Version] = field(default_factory=list)

    def python(self, version: Version) -> Path:
        """Return the interpreter of the environment of a version; make the environment unless it exists.

        Raises
        ------
        EnvironmentFailure
            With the last line that pip or venv printed.
        """
        # The same version with other packages or pins is a different environment.
        others = hashlib.sha256("\n".join([sys.prefix, sys.version, *self.pins]).encode()).hexdigest()[:8]
        folder = self.cache / f"{self.package}-{version}-{others}"
        python = folder / "bin" / "python"
        if (folder / _DONE).is_file():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        self.made.append(version)
        self._run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        packages = next(folder.glob("lib/python*/site-packages"))
        inherited = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
        # As site folders, not plain paths, so that folders which this environment inherits count too.
        lines = [f"import site; site.addsitedir({path!r})" for path in inherited]
        (packages / "inherited.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        self._run([*pip, "install", "--quiet", f"{self.package}=={version}", *self.pins])
        (folder / _DONE).touch()
        return python

    @staticmethod
    def _run(command: list[str]) -> None:
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=_MAKE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EnvironmentFailure(str(error)) from None
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [
                done.stderr.strip()
            ]
            raise EnvironmentFailure(lines[-1][:300])
