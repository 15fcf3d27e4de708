"""Every planted fault."""

from tests.faults import channels, geometry, gradients, numbers  # noqa: F401  # they register themselves
from tests.faults.machine import FAULTS, RIGHT, Fault

__all__ = ["FAULTS", "RIGHT", "Fault"]
