"""What the report shows of an output: expected, got, and how much of the error bound each element uses."""

from __future__ import annotations

import numpy as np

from conformance.adapters.host.client import Reply
from conformance.cases.case import Case
from conformance.cases.errors import DomainError
from conformance.oracle.error_bound import PROFILES, tolerance
from conformance.oracle.expected_output import expected_output, judged_bit_by_bit, reference
from conformance.oracle.verdict import counted_wrong
from conformance.reports.record.evidence import Evidence, Number

__all__ = ["evidence"]

# Larger outputs are left out; the case id reproduces them.
_MOST_ELEMENTS = 4096


def evidence(case: Case, tensors: dict[str, np.ndarray], reply: Reply) -> dict[str, Evidence]:
    """Collect what the report shows of a reply.

    Returns
    -------
    dict of Evidence
        By name of the output tensor, where it is small enough to show.
    """
    try:
        expected = expected_output(case, tensors)
    except DomainError:
        expected = {}
    promised = PROFILES.get(reply.promise)
    rounds = promised is not None and not judged_bit_by_bit(case, reply.promise)
    shown = {}
    for name, tensor in reply.tensors.items():
        right = expected.get(name)
        if tensor.values.size > _MOST_ELEMENTS or tensor.values.dtype.kind == "c":
            continue
        budget = None
        if right is not None and right.shape == tensor.values.shape:
            known = reference(case, tensors)[name]
            # An infinity or NaN that overflow gives is right, although the exact sum is a number.
            odd = ~np.isfinite(tensor.values) & ~counted_wrong(case, tensor.values, known, reply.promise)
            right = np.where(odd, tensor.values, right)
            if rounds and promised:
                budget = _shares(tensor.values, right, tolerance(known, case.format, promised))
        shown[name] = Evidence(
            got=_plain(tensor.values),
            expected=None if right is None else _plain(right),
            shape=list(tensor.values.shape),
            expected_shape=None if right is None else list(right.shape),
            budget=budget,
        )
    return shown


def _plain(array: np.ndarray) -> list[Number]:
    flat = np.asarray(array, dtype=np.float64).ravel().tolist()
    return [value if np.isfinite(value) else repr(value) for value in flat]


def _shares(values: np.ndarray, right: np.ndarray, allowed: np.ndarray) -> list[Number]:
    values = np.asarray(values, dtype=np.float64)
    same = (values == right) | (np.isnan(values) & np.isnan(right))  # also where no error is allowed
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        shares = np.where(same, 0.0, np.abs(values - right) / allowed)
    # Three digits are enough for a reader.
    return _plain(np.array([float(f"{share:.3g}") for share in shares.ravel()]))
