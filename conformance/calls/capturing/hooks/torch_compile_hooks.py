"""TorchDynamo: the wrapped functions stay one node of its graph, so that a compiled program is not cut in two."""

from __future__ import annotations

import functools
import sys
from types import ModuleType

from .patches import Patches

__all__ = ["install"]


def install(dynamo: ModuleType, patches: Patches) -> None:
    """Allow the wrapped functions in graphs."""
    torch = sys.modules["torch"]
    allowed = dynamo.trace_rules._allowed_callable_ids
    for rank in (1, 2, 3):
        wrapper = getattr(torch, f"conv_transpose{rank}d")
        dynamo.allow_in_graph(wrapper)
        patches.at_undo(functools.partial(allowed.remove, id(wrapper)))
