"""The oracle's answer to a case: right values, sums of magnitudes and numbers of products."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from cases.case import Case
from cases.data import DATA_KINDS, make_tensors
from conformance import oracle
from conformance.bound import Reference
from conformance.freedom import REFERENCES

__all__ = ["answer", "reference"]

Tensors = dict[str, np.ndarray]


def answer(case: Case, tensors: Tensors) -> Tensors:
    """The right answer to a case on given tensors: ``y``, or ``dx``, ``dw`` and (with a bias) ``db``.

    Raises
    ------
    DomainError
        The question has no answer.
    """
    crop, *periods = case.geometry().windows
    found = _window(case, tensors, crop, tensors.get("bias"))
    for further in periods:  # R15: what lies a period away is added; the bias is not, and its gradient is not
        for name, part in _window(case, tensors, further, None).items():
            if name != "db":
                found[name] = found[name] + part
    return {name: found[name] for name in found if name != "db" or case.bias}


def _window(case: Case, tensors: Tensors, crop: tuple[tuple[int, int], ...], bias: np.ndarray | None) -> Tensors:
    """The answer for one window of the full result."""
    x, w = tensors["x"], tensors["w"]
    geometry: dict[str, Any] = {
        "stride": case.stride,
        "dilation": case.dilation,
        "groups": case.groups,
        "crop": crop,
        "layout": case.layout,
    }
    if case.direction == "fwd":
        return {"y": oracle.conv_transpose(x, w, bias, **geometry)}
    return oracle.conv_transpose_gradients(x, w, tensors["dy"], **geometry)._asdict()


def reference(case: Case, tensors: Tensors) -> dict[str, Reference]:
    """Right values with all that the verdict needs, one `Reference` an answer tensor."""
    return REFERENCES[DATA_KINDS[case.data].judged](case, tensors, answer)


@lru_cache(maxsize=64)
def question(case: Case) -> Tensors:
    """Input data of a case, kept for the adapters that are asked next; treat as read-only."""
    return make_tensors(case)
