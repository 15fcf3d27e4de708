"""The expected output of a case: exact values, sums of magnitudes and numbers of products."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import DATA_KINDS, make_tensors
from conformance.cases.directions import DIRECTIONS
from conformance.cases.errors import DomainError
from conformance.cases.large import is_large, sampled_positions
from conformance.oracle import convolution
from conformance.oracle.error_bound import is_normwise
from conformance.oracle.normwise import norms_of
from conformance.oracle.reference import Reference
from conformance.oracle.second_order import conv_transpose_second_order
from conformance.oracle.sparse import sparse_reference
from conformance.oracle.special_values import REFERENCES

__all__ = ["are_whole", "expected_output", "input_tensors", "judged_bit_by_bit", "reference"]

Tensors = dict[str, np.ndarray]


def expected_output(case: Case, tensors: Tensors) -> Tensors:
    """The expected output of a case for given tensors, by the names of ``Case.outputs``.

    Raises
    ------
    DomainError
        The case is invalid (R11).
    """
    crop, *periods = case.geometry().windows
    total = _window(case, tensors, crop)
    without_bias = {name: array for name, array in tensors.items() if name not in ("bias", "vb")}
    for further in periods:  # R15: add what lies a period away, but neither the bias nor its gradient
        for name, part in _window(case, without_bias, further).items():
            if name != "db":
                total[name] = total[name] + part
    return {name: total[name] for name in case.outputs}


def _window(case: Case, tensors: Tensors, crop: tuple[tuple[int, int], ...]) -> Tensors:
    """The expected output of one window of the full result."""
    x, w = tensors["x"], tensors["w"]
    geometry: dict[str, Any] = {
        "stride": case.stride,
        "dilation": case.dilation,
        "groups": case.groups,
        "crop": crop,
        "layout": case.layout,
    }
    if case.direction == "fwd":
        return {"y": convolution.conv_transpose(x, w, tensors.get("bias"), **geometry)}
    if case.direction == "grad2":
        given = (tensors.get(name) for name in DIRECTIONS["grad2"].given)
        return conv_transpose_second_order(x, w, *given, **geometry)._asdict()
    return convolution.conv_transpose_gradients(x, w, tensors["dy"], **geometry)._asdict()


def reference(case: Case, tensors: Tensors) -> dict[str, Reference]:
    """The exact values and what the verdict needs beside them, one `Reference` per output tensor.

    The references for the tensors of `input_tensors` are cached with them; treat as read-only.
    """
    kept = _KEPT.get(case)
    if kept is None or kept.tensors is not tensors:
        return _reference(case, tensors)
    if kept.reference is None:
        kept.reference = _reference(case, tensors)
    return kept.reference


def _reference(case: Case, tensors: Tensors) -> dict[str, Reference]:
    if is_large(case):
        return sparse_reference(case, tensors)
    references = REFERENCES[DATA_KINDS[case.data].judged](case, tensors, expected_output)
    whole = not case.format.is_complex and all(are_whole(array) for array in tensors.values())
    return {
        name: replace(value, whole=whole, norms=partial(norms_of, case, tensors, name))
        for name, value in references.items()
    }


def are_whole(array: np.ndarray) -> bool:
    """Whether all entries are finite whole numbers."""
    return bool(np.all(np.isfinite(array) & (array == np.rint(array))))


def judged_bit_by_bit(case: Case, promise: str) -> bool:
    """Whether the output must be bit-exact: on exact data, unless the adapter promises a normwise bound."""
    return DATA_KINDS[case.data].exact and not is_normwise(promise)


@dataclass
class _Kept:
    """The input data of a case, the bytes that they and the references take, and the references once computed."""

    tensors: Tensors
    size: int
    reference: dict[str, Reference] | None = None


class _Store(dict[Case, _Kept]):
    """Cached data, oldest first, up to a number of bytes."""

    size = 0

    def keep(self, case: Case, kept: _Kept) -> None:
        self[case] = kept
        self.size += kept.size
        while self.size > _MOST_BYTES:
            self.size -= self.pop(next(iter(self))).size


_KEPT = _Store()
_MOST_BYTES = 256 << 20
_DOUBLES = 3  # exact values, sums of magnitudes, numbers of products


def input_tensors(case: Case) -> Tensors:
    """Input data of a case, cached for the other adapters that run it; treat as read-only.

    The process of an adapter makes the tensors of a large case itself. It is sent the positions at which each
    output is judged.
    """
    kept = _KEPT.get(case)
    if kept is not None:
        return kept.tensors
    tensors = sampled_positions(case) if is_large(case) else make_tensors(case)
    size = sum(array.nbytes for array in tensors.values())
    with suppress(DomainError):
        size += sum(map(math.prod, case.output_shapes().values())) * _DOUBLES * 8
    if size > _MOST_BYTES:
        return tensors
    _KEPT.keep(case, _Kept(tensors, size))
    return tensors
