"""Environments that differ from this one in the version of one package, made by venv and pip and kept.

A new environment sees the packages of this one after its own. So only the package under test is installed, and
what its version needs in other versions.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import Version

__all__ = ["EnvironmentFailure", "Environments", "default_cache", "other_python"]

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
        self._run([*pip, "install", "--quiet", f"{self.package}=={version}", *self.pins], version)
        (folder / _DONE).touch()
        return python

    def _run(self, command: list[str], version: Version | None = None) -> None:
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
            if version is not None and (reason := other_python(done.stderr, self.package, version)):
                raise EnvironmentFailure(reason)
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [
                done.stderr.strip()
            ]
            raise EnvironmentFailure(lines[-1][:300])


def other_python(text: str, package: str, version: Version) -> str | None:
    """Why this Python cannot have a version, in what pip printed; None where that is not what pip says."""
    here = platform.python_version()
    # An index says "1.0 Requires-Python >=3.8,<3.11; 1.1 ..."; a file itself says "3.11.2 not in '<3.11'".
    for pattern in (
        rf"(?:: |; ){re.escape(str(version))} Requires-Python ([^;\n]+)",
        rf"{re.escape(package)}.* requires a different Python: \S+ not in '([^']+)'",
    ):
        if needed := re.search(pattern, text, re.IGNORECASE):
            return f"{package} {version} needs Python {needed[1].strip()}, and this is Python {here}"
    if re.search(rf"No matching distribution found for {re.escape(f'{package}=={version}')}", text, re.IGNORECASE):
        return f"the index has no {package} {version} for Python {here} on {sysconfig.get_platform()}"
    return None
