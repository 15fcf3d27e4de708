"""No false alarm on right implementations that are unlike each other; faults in them are still found."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from conformance.cases import Case, DomainError
from conformance.cases.data import make_tensors
from conformance.cases.policy import beyond_memory
from conformance.cases.tiers import load_tier
from conformance.oracle.error_bound import PROFILES
from conformance.oracle.verdict import judge
from tests.faults.machine import Work
from tests.support.implementations import RIGHT, reply_of

pytest.importorskip("scipy")


_MOST_PRODUCTS = 60_000  # more would take seconds one at a time


@cache
def forward_cases() -> tuple[Case, ...]:
    """Forward cases of the gate that every one of the implementations can run."""
    return tuple(case for case in load_tier("gate") if _fits(case))


def _fits(case: Case) -> bool:
    try:
        return (
            case.direction == "fwd"
            and not case.format.is_complex
            and len(case.geometry().windows) == 1
            and 0 not in (case.batch, *case.input_size, *case.geometry().output_size)
            and not beyond_memory(case)
            and case.batch * math.prod((*case.weight_shape, *case.input_size)) <= _MOST_PRODUCTS
        )
    except DomainError:
        return False


def cases_of(name: str) -> list[Case]:
    formats = PROFILES[RIGHT[name][0]].dtypes
    return [case for case in forward_cases() if case.dtype in formats]


@pytest.mark.parametrize("name", RIGHT)
def test_right_outputs_on_the_gate_raise_no_alarm(name: str) -> None:
    statuses: dict[str, int] = {}
    for case in cases_of(name):
        with np.errstate(over="ignore", invalid="ignore"):  # some sums are beyond the format
            found = judge(case, make_tensors(case), reply_of(name, case))
        assert found.status in ("pass", "unchecked"), (str(case), found)
        # Only what norms cannot judge goes unchecked: NaN, infinity, numbers at an end of the format, and kernels
        # that are so long that the bound, which grows with them, is as large as the outputs.
        if found.status == "unchecked":
            ends = case.data.startswith(("nan", "inf", "subnormal", "extreme", "overflow", "tiny"))
            assert ends or math.prod(case.kernel_size) >= 1024, (str(case), found)
        statuses[found.status] = statuses.get(found.status, 0) + 1
    assert statuses["pass"] > 200
    assert statuses.get("unchecked", 0) < 0.1 * statuses["pass"]


def _one_off(work: Work) -> None:
    work.low[-1] += 1


def _flipped(work: Work) -> None:
    work.tensors["w"] = np.flip(work.tensors["w"], axis=tuple(range(2, work.tensors["w"].ndim)))


def _no_bias(work: Work) -> None:
    work.tensors.pop("bias", None)


def _no_product(work: Work) -> None:
    work.tensors["w"][0, 0].flat[0] = 0


FAULTS: dict[str, Callable[[Work], None]] = {
    "crop": _one_off,
    "kernel": _flipped,
    "bias": _no_bias,
    "product": _no_product,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", [name for name, (promise, *_) in RIGHT.items() if promise.startswith("norm")])
@pytest.mark.parametrize("data", ["ints", "normal"])
def test_a_fault_under_a_normwise_promise_is_found(name: str, fault: str, data: str) -> None:
    case = Case.parse(f"2d-n2-c3x4-i6x5-k3x4-s2x1-p1-f32-b1-{data}.1")
    tensors = make_tensors(case)
    assert judge(case, tensors, reply_of(name, case)).status == "pass"
    assert judge(case, tensors, reply_of(name, case, FAULTS[fault])).status == "fail"


def test_nothing_is_judged_by_norms_without_a_promise() -> None:
    case = Case.parse("2d-n2-c3x4-i6x5-k3x4-s2x1-p1-f32-b1-ints.1")
    reply = reply_of("FFT in float32", case)
    reply.tensors["y"].values.flat[0] += np.float32(1e-3)
    assert judge(case, make_tensors(case), reply).status == "pass"
    for promise in ("fp64", "fp32-acc", "tf32"):
        other = type(reply)("answer", reply.tensors, promise=promise)
        assert judge(case, make_tensors(case), other).status == "fail"
