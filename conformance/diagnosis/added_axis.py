"""Outputs with one spatial axis too many, of length 1: what they are without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases.case import Case
from conformance.reports.record.diagnosis import Diagnosis

__all__ = ["with_added_axis", "without_added_axis"]

_TRANSFORM = "axis_added"


def without_added_axis(case: Case, reply: Reply) -> Reply | None:
    """The reply without a last spatial axis that the case lacks; None where there is none, or it is longer."""
    given = reply.tensors.get("y")
    axis = case.rank + (2 if case.layout == "channels_first" else 1)
    if given is None or given.values.ndim != case.rank + 3 or given.values.shape[axis] != 1:
        return None
    y = Tensor(np.squeeze(given.values, axis), given.dtype)
    return replace(reply, tensors={**reply.tensors, "y": y})


def with_added_axis(inner: Diagnosis | None) -> Diagnosis:
    """The diagnosis of an output, from that of the output without the axis; None where that is right."""
    if inner is None:
        return Diagnosis(
            transform=_TRANSFORM, text="equals the expected output with one more axis, of length 1, at its end"
        )
    also = tuple(_prefixed(other) for other in inner.also)
    text = f"has one more axis, of length 1, at its end; without it: {inner.text}"
    return replace(_prefixed(inner), text=text, also=also)


def _prefixed(diagnosis: Diagnosis) -> Diagnosis:
    return replace(diagnosis, transform=f"{_TRANSFORM}+{diagnosis.transform}")
