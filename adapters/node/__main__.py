"""``python -m conformance.adapters.node``: install the npm packages of all adapters into this environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from conformance.adapters.node import npm

__all__ = ["main"]


def main() -> int:
    """Install what is missing; return npm's exit code, or 1 without npm."""
    missing = [name for name, pin in npm.pinned().items() if npm.version(name) != pin]
    if not missing:
        return 0
    command = npm.install_command(missing)
    beside = Path(sys.executable).with_name("npm")
    program = str(beside) if beside.exists() else shutil.which("npm")
    if program is None:
        print(f"npm is not installed, so the adapters that run in Node are not: {command}", file=sys.stderr)
        return 1
    print(command)
    quietly = ["--silent", "--no-audit", "--no-fund"]
    return subprocess.run([program, *command.split()[1:], *quietly], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
