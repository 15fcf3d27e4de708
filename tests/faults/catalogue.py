"""Every planted fault."""

from tests.faults import (  # noqa: F401  # they register themselves
    channels,
    geometry,
    gradients,
    layers,
    numbers,
    second_order,
    sizes,
    values,
)
from tests.faults.machine import FAULTS, RIGHT, Fault

__all__ = ["FAULTS", "RIGHT", "Fault"]
