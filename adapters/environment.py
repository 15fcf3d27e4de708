"""What an output depends on besides the case: versions, processor, threads and settings."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from conformance.adapters.node import npm

__all__ = ["cpu_flags", "describe", "processors", "versions"]

# Instruction sets that decide which kernels run.
_FLAGS = ("avx", "avx2", "avx512f", "avx512_bf16", "avx512_fp16", "avx512_vnni", "amx_bf16", "amx_tile", "asimd",
          "asimdhp", "bf16", "fma", "sse4_2", "sve")  # fmt: skip
_VARIABLES = ("KERAS_BACKEND", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS", "JAX_PLATFORMS", "OMP_NUM_THREADS",
              "MKL_NUM_THREADS", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS",
              "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
              "TF_NUM_INTEROP_THREADS", "NPROC", "CUDA_VISIBLE_DEVICES", "MALLOC_PERTURB_",
              "NVIDIA_TF32_OVERRIDE")  # fmt: skip


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Installed versions of distributions and of npm's packages; those that are not installed are left out."""
    from importlib import metadata  # slow, and not needed before a process is started

    installed = {}
    for package in packages:
        if package.startswith(npm.PREFIX):
            if (found := npm.version(package)) is not None:
                installed[package] = found
            continue
        with suppress(metadata.PackageNotFoundError):
            installed[package] = metadata.version(package)
    return installed


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> tuple[str, list[str]]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            pairs = (line.partition(":") for line in file)
            lines = {name.strip(): value.strip() for name, _, value in pairs}
    except OSError:
        return platform.processor() or platform.machine(), []
    flags = set((lines.get("flags") or lines.get("Features") or "").split())
    return lines.get("model name", platform.machine()), sorted(flags.intersection(_FLAGS))


def cpu_flags() -> list[str]:
    """The processor's flags that decide which kernels run, as the operating system lists them."""
    return _processor()[1]


def describe(packages: Iterable[str]) -> dict[str, Any]:
    """The environment of this process.

    Returns
    -------
    dict
        ``versions``, ``python``, ``platform``, ``cpu``, ``cpu_flags``, ``threads`` and ``variables``.
    """
    cpu, flags = _processor()
    return {
        "versions": versions(packages),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu,
        "cpu_flags": flags,
        "threads": processors(),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }
