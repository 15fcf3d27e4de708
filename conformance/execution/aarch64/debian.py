"""The distribution's arm64 packages of Python, downloaded by a private apt and unpacked into a folder.

apt reads the system's own sources and keys, but for another architecture and with separate state. So nothing is
installed, the system's list of architectures stays as it is, and root is not needed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from conformance.execution.aarch64 import commands
from conformance.execution.aarch64.errors import BuildError

__all__ = ["PACKAGES", "configuration", "unpack"]

# Wheels bring their other libraries along.
PACKAGES = ("python3", "libstdc++6")
_ELSEWHERE = "Ubuntu keeps arm64 packages on other servers: name them in a file and give it with --sources"


def configuration(state: Path, sources: Path | None = None) -> str:
    """Settings of a private apt for arm64 that writes into one folder only.

    Parameters
    ----------
    state : Path
        The folder.
    sources : Path, optional
        A sources file to read in place of the system's.
    """
    settings = [
        f'Dir::State "{state}";',
        f'Dir::State::lists "{state}/lists";',
        f'Dir::State::status "{state}/status";',
        f'Dir::Cache "{state}";',
        f'Dir::Cache::archives "{state}/archives";',
        f'Dir::Log "{state}";',
        'APT::Architecture "arm64";',
        # apt appends to lists, so a list is cleared before it is set.
        "#clear APT::Architectures;",
        'APT::Architectures { "arm64"; };',
        'APT::Sandbox::User "root";',  # the folder may be one that another user cannot enter
        'APT::Install-Recommends "false";',
        'Acquire::Languages "none";',
        # The system's hooks would clean the system's caches and start its services.
        "#clear APT::Update::Pre-Invoke;",
        "#clear APT::Update::Post-Invoke;",
        "#clear APT::Update::Post-Invoke-Success;",
        "#clear DPkg::Pre-Install-Pkgs;",
    ]
    if sources is not None:
        settings += [f'Dir::Etc::sourcelist "{sources}";', 'Dir::Etc::sourceparts "/dev/null";']
    return "\n".join(settings) + "\n"


def unpack(root: Path, state: Path, sources: Path | None = None) -> None:
    """Download the packages with all their dependencies, and unpack them.

    Parameters
    ----------
    root : Path
        The folder that becomes the root of an arm64 system; complete once it exists.
    state : Path
        Where apt keeps its lists and the packages.
    sources : Path, optional
        A sources file to read in place of the system's.

    Raises
    ------
    BuildError
        Debian's tools or the network are missing, or the sources have no arm64 packages.
    """
    apt, dpkg = commands.tool("apt-get"), commands.tool("dpkg-deb")
    archives = state / "archives"
    for folder in (state / "lists" / "partial", archives / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    (state / "status").touch()  # nothing is installed, so everything is downloaded
    settings = state / "apt.conf"
    settings.write_text(configuration(state.resolve(), sources), encoding="utf-8")
    for old in archives.glob("*.deb"):
        old.unlink()
    get = [apt, "-c", str(settings), "-q"]  # apt reads -c after the system's settings, so these win
    purpose = f"the arm64 packages of Python cannot be downloaded ({_ELSEWHERE})"
    commands.run([*get, "update"], purpose=purpose)
    commands.run([*get, "install", "--yes", "--download-only", *PACKAGES], purpose=purpose)
    partial = root.with_name(f"{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for package in sorted(archives.glob("*.deb")):
        commands.run([dpkg, "-x", str(package), str(partial)], purpose=f"{package.name} cannot be unpacked")
        package.unlink()
    if not (partial / "lib").exists():
        # Where all libraries are below /usr, the installation of the system makes this link. Programs find their
        # loader through it.
        (partial / "lib").symlink_to("usr/lib")
    if not (partial / "usr/bin/python3").exists():
        raise BuildError(f"{', '.join(PACKAGES)}: the packages hold no usr/bin/python3")
    shutil.rmtree(root, ignore_errors=True)
    partial.rename(root)
