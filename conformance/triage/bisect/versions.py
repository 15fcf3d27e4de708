"""The versions of a package, as pip lists them with its own configuration and index."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

__all__ = ["VersionError", "between", "listed_versions"]


class VersionError(ValueError):
    """A text that is not a version, or a package whose versions cannot be listed."""


def listed_versions(package: str) -> list[Version]:
    """Released versions that pip would install for this interpreter, oldest first.

    Builds of one release, such as ``2.13.0`` and ``2.13.0+cpu``, count as one version: pip chooses among them.

    Raises
    ------
    VersionError
        The index has no such package, or cannot be reached.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pip", "index", "versions", package], capture_output=True, text=True, check=False
    )
    line = re.search(r"^Available versions: (.+)$", done.stdout, re.MULTILINE)
    if done.returncode or line is None:
        lines = done.stderr.strip().splitlines() or ["pip lists no versions"]
        reason = next((row for row in lines if row.startswith("ERROR")), lines[-1])
        raise VersionError(f"package {package!r}: {reason}")
    return sorted({Version(Version(text.strip()).public) for text in line[1].split(",")})


def between(versions: Iterable[Version], good: str, bad: str) -> list[Version]:
    """Return the versions from good to bad, both included, in that direction.

    Raises
    ------
    VersionError
        One of the two is not a version, or both are the same.
    """
    try:
        first, last = Version(good), Version(bad)
    except InvalidVersion as error:
        raise VersionError(str(error)) from None
    if first == last:
        raise VersionError(f"--good and --bad are both {first}")
    low, high = min(first, last), max(first, last)
    # An end that the index no longer lists may still be installed from elsewhere.
    ends = (low.public, high.public)
    inside = {version for version in versions if low < version < high and version.public not in ends}
    ordered = [low, *sorted(inside), high]
    return ordered if first < last else ordered[::-1]
