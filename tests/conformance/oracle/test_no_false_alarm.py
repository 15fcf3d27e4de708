"""The derived bound never cries wolf: float32 sums in random orders, at every scale, stay within their profile."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import Reply
from conformance.cases import Case
from conformance.cases.data import DATA_KINDS, make_tensors
from conformance.cases.dtypes import round_to
from conformance.oracle.expected_output import reference
from conformance.oracle.verdict import judge
from tests.faults.machine import Work

KINDS = [name for name, kind in DATA_KINDS.items() if kind.judged == "bound"]
CASES = (
    "1d-n3-c5x4-i9-k4-s2-p1-{dtype}-b1-{data}",
    "2d-n2-c4x6-i6x5-k3x4-s2x1-d1x2-g2-same-{dtype}-b1-{data}",
    "3d-n2-c3x2-i3x4x2-k2x3x2-s1x2x3-{dtype}-{data}",
)


def summed_in_float32(case: Case, order: np.random.Generator) -> np.ndarray:
    """The output by one product at a time, each sum rounded to float32, taps and channels in random order."""
    work = Work.of(case)
    x, w = work.tensors["x"], work.tensors["w"]
    products = [(channel, tap) for channel in range(case.in_channels) for tap in np.ndindex(*case.kernel_size)]
    total = np.zeros((case.batch, case.out_channels, *work.size), np.float32)
    for n in order.permutation(len(products)):
        channel, tap = products[n]
        alone = np.zeros_like(w)
        alone[(channel, slice(None), *tap)] = w[(channel, slice(None), *tap)]
        part = Work(case, {"x": x, "w": alone}, work.stride, work.dilation, work.groups, work.low, work.size)
        total += part.compute()["y"].astype(np.float32)
    if "bias" in work.tensors:
        total += work.tensors["bias"].astype(np.float32).reshape(-1, *(1,) * case.rank)
    return total


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
def test_float32_sums_in_any_order_keep_their_promise(dtype: str) -> None:
    judged = 0
    for kind, text in itertools.product(KINDS, CASES):
        for seed in range(10):
            case = Case.parse(text.format(dtype=dtype, data=f"{kind}.{seed}"))
            y = round_to(case.format, summed_in_float32(case, np.random.default_rng(seed)))
            tensors = make_tensors(case)
            found = judge(case, tensors, Reply("answer", {"y": Tensor(y, dtype)}, promise="fp32-acc"))
            assert found.status == "pass", (str(case), found.detail)
            judged += y.size
    assert judged > 50_000


def test_the_same_bound_notices_one_lost_product() -> None:
    case = Case.parse("2d-n2-c4x6-i6x5-k3x4-s2x1-g2-same-f32-b0-normal.0")
    tensors = make_tensors(case)
    y = reference(case, tensors)["y"].exact.copy()
    y[0, 0, 2, 2] -= tensors["x"][0, 0, 1, 1] * tensors["w"][0, 0, 1, 1]
    reply = Reply("answer", {"y": Tensor(y.astype(np.float32), "f32")}, promise="fp32-acc")
    assert judge(case, tensors, reply).status == "fail"
