"""Gradients against the adapter's own outputs, without the oracle.

The output is linear in the input, in the weights and in the bias (R1 to R3). So for any direction v

    sum(dy * (y(x + v) - y(x))) = sum(dx * v)

holds for finite steps, and on integers bit for bit; and so for w and the bias. Both sides come from the framework.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from conformance.adapters.host.client import AdapterProcess, Reply
from conformance.cases.case import Case
from conformance.cases.data import make_tensors

__all__ = ["Directional", "directional_derivatives"]

_GRADIENTS = {"x": "dx", "w": "dw", "bias": "db"}


class Directional(NamedTuple):
    """The derivative along one direction: from outputs, and from the gradient."""

    outputs: float
    gradient: float


def directional_derivatives(case: Case, host: AdapterProcess) -> dict[str, Directional] | Reply:
    """The derivatives of ``sum(dy * y)`` along a direction of each tensor.

    Parameters
    ----------
    case : Case
        A case for gradients with integer data; its sums stay exact for twice the numbers.
    host : AdapterProcess
        The adapter's process.

    Returns
    -------
    dict of Directional or Reply
        By gradient; equal numbers where the gradients are right. The reply where the adapter gave no output.
    """
    tensors = make_tensors(case)
    signs = {name: np.sign(array) for name, array in make_tensors(replace(case, seed=case.seed + 1)).items()}
    gradients = host.run(case, tensors)
    forward = replace(case, direction="fwd")
    given = {name: tensors[name] for name in _GRADIENTS if name in tensors}
    at_start = host.run(forward, given)
    found = {}
    for name in given:
        moved = host.run(forward, given | {name: given[name] + signs[name]})
        for reply in (gradients, at_start, moved):
            if reply.kind != "answer":
                return reply
        change = moved.tensors["y"].values.astype(np.float64) - at_start.tensors["y"].values
        gradient = gradients.tensors[_GRADIENTS[name]].values.astype(np.float64)
        found[_GRADIENTS[name]] = Directional(
            float((tensors["dy"] * change).sum()), float((gradient * signs[name]).sum())
        )
    return found
