"""The oracle's outputs are kept for the adapters that run next, within bounds, and only where they belong."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.oracle import expected_output as module
from conformance.oracle.expected_output import input_tensors, reference

CASE = Case.parse("2d-n2-c4x6-i5x7-k3-s2-normal.7")


def test_an_output_is_computed_once_for_all_adapters() -> None:
    tensors = input_tensors(CASE)
    assert input_tensors(CASE) is tensors
    assert reference(CASE, tensors) is reference(CASE, tensors)


def test_other_tensors_have_outputs_of_their_own() -> None:
    kept = reference(CASE, input_tensors(CASE))
    equal, other = make_tensors(CASE), make_tensors(CASE)
    other["x"] = other["x"] * 2
    assert np.array_equal(reference(CASE, equal)["y"].exact, kept["y"].exact)
    assert np.array_equal(reference(CASE, other)["y"].exact, kept["y"].exact * 2)


def test_what_is_kept_stays_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", module._Store())
    monkeypatch.setattr(module, "_MOST_BYTES", 50_000)
    cases = [Case.parse(f"1d-i{size}-k3-f64") for size in range(100, 400)]
    for case in cases:
        reference(case, input_tensors(case))
        assert module._KEPT.size == sum(kept.size for kept in module._KEPT.values()) <= 50_000
    assert cases[-1] in module._KEPT
    assert cases[0] not in module._KEPT
    input_tensors(Case.parse("1d-i50000-k3-f64"))
    assert cases[-1] in module._KEPT
