"""Every planted fault."""

from tests.faults import channels, geometry, gradients, layers, numbers, sizes, values  # noqa: F401  # they register themselves
from tests.faults.machine import FAULTS, RIGHT, Fault

__all__ = ["FAULTS", "RIGHT", "Fault"]
