"""The emulated processor, measured in the emulation, and the files in which Linux describes it.

QEMU's user-mode emulation shows programs the ``/proc`` and ``/sys`` of this machine, which has a different
processor. Libraries that read them (cpuinfo, which ONNX Runtime, XNNPACK and PyTorch use) find no ARM processor
there, and end the process or choose the wrong kernels. A file below the emulation's root replaces the machine's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.execution.aarch64 import commands
from conformance.execution.aarch64.errors import BuildError

__all__ = ["Machine", "cpuinfo", "features", "measure", "write"]

# Bits of AT_HWCAP and AT_HWCAP2 from the lowest, by the names in arch/arm64/kernel/cpuinfo.c of Linux.
_HWCAP = [
    "fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "atomics", "fphp", "asimdhp",
    "cpuid", "asimdrdm", "jscvt", "fcma", "lrcpc", "dcpop", "sha3", "sm3", "sm4", "asimddp", "sha512",
    "sve", "asimdfhm", "dit", "uscat", "ilrcpc", "flagm", "ssbs", "sb", "paca", "pacg",
]  # fmt: skip
_HWCAP2 = [
    "dcpodp", "sve2", "sveaes", "svepmull", "svebitperm", "svesha3", "svesm4", "flagm2", "frint", "svei8mm",
    "svef32mm", "svef64mm", "svebf16", "i8mm", "bf16", "dgh", "rng", "bti", "mte", "ecv", "afp", "rpres",
    "mte3", "sme", "smei16i64", "smef64f64", "smei8i32", "smef16f32", "smeb16f32", "smef32f32", "smefa64",
    "wfxt",
]  # fmt: skip

# Run by the emulated Python. The two instructions are `mrs x0, midr_el1` and `ret`: the register that names the
# processor, which Linux lets every program read.
_PROGRAM = """
import ctypes, json, mmap, platform
libc = ctypes.CDLL(None)
libc.getauxval.argtypes, libc.getauxval.restype = [ctypes.c_ulong], ctypes.c_ulong
code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(b"".join(word.to_bytes(4, "little") for word in (0xD5380000, 0xD65F03C0)))
midr = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
print(json.dumps({
    "architecture": platform.machine(), "python": platform.python_version_tuple()[:2],
    "hwcap": libc.getauxval(16), "hwcap2": libc.getauxval(26), "midr": midr,
}))
"""


@dataclass(frozen=True)
class Machine:
    """An emulated processor and the Python on it.

    Attributes
    ----------
    cpu : str
        QEMU's name of the processor.
    architecture : str
        The value of ``platform.machine()``.
    python : tuple of int
        Major and minor version.
    hwcap, hwcap2 : int
        The feature bits that Linux shows to a program.
    midr : int
        The register that identifies the processor.
    """

    cpu: str
    architecture: str
    python: tuple[int, int]
    hwcap: int
    hwcap2: int
    midr: int


def measure(python: Sequence[str], cpu: str) -> Machine:
    """Measure in the emulated Python what it runs on.

    Parameters
    ----------
    python : sequence of str
        The command that starts it.
    cpu : str
        QEMU's name of the processor that the command chooses.

    Raises
    ------
    BuildError
        It does not run, or it does not run on aarch64.
    """
    printed = commands.run(
        [*python, "-I", "-c", _PROGRAM],
        purpose=f"the unpacked Python does not run under QEMU as {cpu} (--cpu NAME chooses another processor)",
    )
    measured = json.loads(printed)
    major, minor = map(int, measured.pop("python"))
    machine = Machine(cpu=cpu, python=(major, minor), **measured)
    if machine.architecture != "aarch64":
        raise BuildError(f"the unpacked Python runs on {machine.architecture}, not on aarch64")
    return machine


def features(machine: Machine) -> list[str]:
    """Names of the processor's features, as Linux writes them."""
    pairs = ((machine.hwcap, _HWCAP), (machine.hwcap2, _HWCAP2))
    return [name for bits, names in pairs for bit, name in enumerate(names) if bits >> bit & 1]


def cpuinfo(machine: Machine, processors: int) -> str:
    """Text of ``/proc/cpuinfo`` on the emulated machine.

    Linux on ARM writes no model name. This text has one, so that a record shows that the processor is emulated.
    """
    lines = {
        "model name": f"{machine.cpu}, emulated by QEMU",
        "Features": " ".join(features(machine)),
        "CPU implementer": f"{machine.midr >> 24 & 0xFF:#04x}",
        "CPU architecture": "8",
        "CPU variant": f"{machine.midr >> 20 & 0xF:#x}",
        "CPU part": f"{machine.midr >> 4 & 0xFFF:#05x}",
        "CPU revision": f"{machine.midr & 0xF}",
    }
    common = "".join(f"{name}\t: {value}\n" for name, value in lines.items())
    return "".join(f"processor\t: {number}\n{common}\n" for number in range(processors))


def write(root: Path, machine: Machine, processors: int | None = None) -> None:
    """Write the description of the machine below the emulation's root.

    Parameters
    ----------
    root : Path
        Emulated programs look up every path below this folder first.
    machine : Machine
        The emulated processor.
    processors : int, optional
        Number of processors; by default that of this machine.
    """
    count = processors or os.cpu_count() or 1
    files = {"proc/cpuinfo": cpuinfo(machine, count)}
    listed = "0\n" if count == 1 else f"0-{count - 1}\n"
    files |= {f"sys/devices/system/cpu/{name}": listed for name in ("possible", "present", "online")}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
