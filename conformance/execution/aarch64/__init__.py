"""An aarch64 Python on a machine of another architecture, run by QEMU's user-mode emulation.

``python -m conformance.execution.aarch64 --into FOLDER`` builds it and prints the path of its interpreter, which
works for an adapter like any other: ``--adapter onnxruntime@FOLDER/bin/python``. The folder holds

- ``root/``: the distribution's arm64 packages of Python, unpacked (`debian`), and a description of the emulated
  processor (`machine`), which QEMU shows to the programs in place of this machine's;
- ``bin/python``, ``pyvenv.cfg`` and ``lib/``: a virtual environment whose interpreter is a script that starts QEMU
  (`interpreter`), with the packages that pip installed for aarch64 (`packages`);
- ``apt/``: the state of a private apt. The system's own is not touched, and root is not needed.
"""

from __future__ import annotations

from conformance.execution.aarch64.build import build
from conformance.execution.aarch64.errors import BuildError

__all__ = ["BuildError", "build"]
