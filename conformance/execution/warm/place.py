"""Whether processes stay, for how long, and where the socket of their server is."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import stat
import sys
import tempfile
from pathlib import Path

__all__ = ["VARIABLE", "private_folder", "seconds", "socket_path"]

VARIABLE = "CONFORMANCE_SERVER"
"""Environment variable: for how many seconds processes stay after their last case; 0 for not at all."""

_SECONDS = 60.0
_NEEDED = ((socket, "send_fds"), (socket, "SO_PEERCRED"), (os, "pidfd_open"), (signal, "pidfd_send_signal"))
_PACKAGE = Path(__file__).parents[2]


def seconds() -> float:
    """For how long processes stay. By default a minute; not at all in CI, and on systems other than Linux."""
    if not all(hasattr(module, name) for module, name in _NEEDED):
        return 0.0
    try:
        return max(float(os.environ.get(VARIABLE) or (0.0 if os.environ.get("CI") else _SECONDS)), 0.0)
    except ValueError:
        return 0.0


def private_folder() -> Path | None:
    """A folder that only this user can open, made if necessary; None where the name is taken by anything else."""
    root = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(root) / f"conformance-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.lstat()  # another user may have made it, or a link
    except OSError:
        return None
    private = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077
    return folder if private else None


def socket_path(folder: Path) -> Path:
    """The socket of the server of this code: another checkout or version of the suite has another server."""
    code = hashlib.sha256(f"{sys.executable}\0{_PACKAGE}\0".encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    return folder / code.hexdigest()[:16]
