"""A fault of a periodic output is searched for among all transformations, not among the conventions alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.cases.dtypes import round_to
from conformance.diagnosis import Diagnosis, diagnose
from conformance.diagnosis.mutations.problem import Problem, Solver
from conformance.oracle.expected_output import reference
from conformance.oracle.verdict import judge

CASES = [
    "1d-n2-c2x3-i5-k4-s2-circular-b1",
    "2d-c2x3-i4x5-k3x4-s2x3-circular_lower",
    "2d-c2x3-i4x3-k3x6-s2-d2x1-circular-cl-b1",
]


def expected(case: Case, tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: wanted.exact for name, wanted in reference(case, tensors).items()}


def diagnosis(case: Case, change: Any, *, dtype: str = "", after: Any = lambda found: found) -> Diagnosis:
    """The diagnosis of an output that is right for other tensors, or changed afterwards."""
    tensors = make_tensors(case)
    values = after(expected(case, change({name: array.copy() for name, array in tensors.items()})))
    given = {name: Tensor(round_to(case.format, array), dtype or case.dtype) for name, array in values.items()}
    reply = Reply("answer", given, promise="fp32-acc")
    verdict = judge(case, tensors, reply)
    assert verdict.status == "fail"
    found = diagnose(case, tensors, reply, verdict)
    assert found is not None
    return found


def flipped(tensors: dict[str, Any]) -> dict[str, Any]:
    return tensors | {"w": np.flip(tensors["w"], -1)}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("direction", ["fwd", "grad"])
def test_the_problem_has_the_oracles_output(case: str, direction: str) -> None:
    parsed = Case.parse(f"{case}-{direction}")
    tensors = make_tensors(parsed)
    found = Solver()(Problem.of(parsed, tensors))
    for name, wanted in expected(parsed, tensors).items():
        image = parsed.layout == "channels_last" and name in ("y", "dx")
        np.testing.assert_array_equal(np.moveaxis(found[name], 1, -1) if image else found[name], wanted)


@pytest.mark.parametrize("case", CASES)
def test_a_flipped_kernel(case: str) -> None:
    found = diagnosis(Case.parse(case), flipped)
    assert (found.transform, found.axes) == ("flip", ("W",)), found


def test_a_flipped_kernel_in_gradients() -> None:
    def flipped_back(found: dict[str, Any]) -> dict[str, Any]:
        return found | {"dw": np.flip(found["dw"], -1)}

    found = diagnosis(Case.parse(f"{CASES[0]}-grad"), flipped, after=flipped_back)
    assert (found.transform, found.axes) == ("flip", ("W",)), found


def test_a_bias_that_is_ignored() -> None:
    found = diagnosis(Case.parse(CASES[0]), lambda tensors: tensors | {"bias": 0 * tensors["bias"]})
    assert found.transform == "bias_ignored"


def test_lost_precision() -> None:
    case = Case.parse("1d-c4x3-i6-k4-s2-circular-normal.0")

    def rounded(tensors: dict[str, Any]) -> dict[str, Any]:
        return {name: array.astype(np.float16).astype(np.float32) for name, array in tensors.items()}

    assert diagnosis(case, rounded).transform in ("float16_inputs", "tf32")


def test_another_dtype() -> None:
    found = diagnosis(Case.parse("1d-c4x3-i6-k4-s2-circular_lower-f64"), lambda tensors: tensors, dtype="f32")
    assert found.transform == "dtype"
    assert "given as f32, not f64" in found.text
