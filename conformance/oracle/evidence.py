"""What the report shows of an answer: expected, got, and how much of the error bound each element uses."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.adapters.host.client import Reply
from conformance.cases.case import Case
from conformance.cases.errors import DomainError
from conformance.oracle.error_bound import PROFILES, tolerance
from conformance.oracle.expected_output import expected_output, judged_bit_by_bit, reference

__all__ = ["evidence"]

# Larger answers are cut out; the case id brings them back.
_MOST_ELEMENTS = 4096


def evidence(case: Case, tensors: dict[str, np.ndarray], reply: Reply) -> dict[str, dict[str, Any]]:
    """Collect what is worth showing of a reply.

    Returns
    -------
    dict
        By tensor of the answer, where it is small enough to show: ``got`` and ``expected`` as flat lists,
        ``shape`` and ``expected_shape``, and for data that round ``budget``, the share of the promised error
        bound that each element uses. NaN and infinity are text, which JSON needs.
    """
    try:
        expected = expected_output(case, tensors)
    except DomainError:
        expected = {}
    promised = PROFILES.get(reply.promise)
    rounds = promised is not None and not judged_bit_by_bit(case, reply.promise)
    shown: dict[str, dict[str, Any]] = {}
    for name, tensor in reply.tensors.items():
        wanted = expected.get(name)
        if tensor.values.size > _MOST_ELEMENTS or tensor.values.dtype.kind == "c":
            continue
        shown[name] = {
            "got": _plain(tensor.values),
            "expected": None if wanted is None else _plain(wanted),
            "shape": list(tensor.values.shape),
            "expected_shape": None if wanted is None else list(wanted.shape),
        }
        if rounds and promised and wanted is not None and wanted.shape == tensor.values.shape:
            allowed = tolerance(reference(case, tensors)[name], case.format, promised)
            shown[name]["budget"] = _shares(tensor.values, wanted, allowed)
    return shown


def _plain(array: np.ndarray) -> list[Any]:
    flat = np.asarray(array, dtype=np.float64).ravel().tolist()
    return [value if np.isfinite(value) else repr(value) for value in flat]


def _shares(values: np.ndarray, wanted: np.ndarray, allowed: np.ndarray) -> list[Any]:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        shares = np.abs(np.asarray(values, dtype=np.float64) - wanted) / allowed
    # Three digits are enough to look at.
    return _plain(np.array([float(f"{share:.3g}") for share in shares.ravel()]))
