"""Which devices this machine has, according to the driver, so that no framework is imported to find out."""

from __future__ import annotations

import ctypes
import functools

__all__ = ["DEVICES", "present"]

DEVICES = ("cpu", "cuda")


@functools.cache
def present(device: str) -> bool:
    """Whether a device is present: ``cuda`` where NVIDIA's driver starts and counts at least one."""
    if device == "cpu":
        return True
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
