"""Whether an output lies in memory of something else, where a framework shares its memory with NumPy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from conformance.adapters.base import Tensor

__all__ = ["in_memory_of_first", "in_memory_of_inputs"]


def in_memory_of_inputs(outputs: Mapping[str, Tensor], given: Mapping[str, np.ndarray]) -> list[str]:
    """A sentence for each output that lies in the memory of an input.

    The upstream gradient does not count: where nothing is added up, it is the gradient of the bias.
    """
    return [
        f"{name} lies in the memory of {other}"
        for name, tensor in outputs.items()
        for other, array in given.items()
        if other != "dy" and np.may_share_memory(tensor.values, array)
    ]


def in_memory_of_first(outputs: Mapping[str, Tensor], first: Mapping[str, Tensor]) -> list[str]:
    """A sentence for each output of a second call that lies in the memory of the first call's, which is in use."""
    return [
        f"a second call wrote {name} into the memory of the first"
        for name, tensor in outputs.items()
        if name in first and np.may_share_memory(tensor.values, first[name].values)
    ]
