"""The tap trace reads an implementation's stride, dilation, crop, flips and channels out of its outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.diagnosis.index_map import Effective, effective, trace, trace_of_oracle
from tests.support.frameworks import requires
from tests.support.planted import Planted, forward

CASES = ["1d-c2x3-i5-k4-s2-d3-p2.1", "2d-c2x2-i3x4-k3x2-s2x3-p1x0-op1x0", "3d-c4x2-i2-k2-s2x1x3-d1x2x1-g2-cl-f16"]


def law_of(case: Case, host: Any) -> Effective:
    """What the trace of an implementation comes to."""
    found = trace(case, host)
    assert found is not None
    law = effective(found)
    assert law is not None
    return law


@pytest.mark.parametrize("text", CASES)
def test_right_implementation(text: str) -> None:
    case = Case.parse(text)
    host: Any = Planted(lambda c, t: {"y": forward(c, t)})
    found = trace(case, host)
    wanted = trace_of_oracle(case)
    assert found is not None
    assert wanted is not None
    assert np.array_equal(found.links, wanted.links)
    law = effective(found)
    assert law is not None
    assert (law.stride, law.dilation) == (case.stride, case.dilation)
    assert law.low == tuple(low for low, _ in case.geometry().crop)
    assert law.channels_right
    assert (law.missing, law.strange, found.sums) == (0, 0, 0)


def test_wrong_numbers_are_read_out() -> None:
    def fault(work: Any) -> None:
        work.w = np.flip(work.w, 2)
        work.stride[1], work.dilation[0], work.low[1] = 1, 3, -2

    case = Case.parse("2d-c2x2-i3x4-k3x2-s2x3-p1x0")
    law = law_of(case, Planted(lambda c, t: {"y": forward(c, t, fault)}))
    assert (law.stride, law.dilation, law.low) == ((2, 1), (-3, 1), (1, -2))


def test_missing_products_are_counted() -> None:
    case = Case.parse("2d-c2x2-i3x4-k3x2-s2x3")
    host = Planted(lambda c, t: {"y": forward(c, t, lambda w: w.w[..., -1].fill(0))})
    law = law_of(case, host)
    assert law.missing == 2 * 2 * 3 * 4 * 3


def test_wrong_channels_are_seen() -> None:
    case = Case.parse("1d-c4x4-i3-k2-g2")
    law = law_of(case, Planted(lambda c, t: {"y": forward(c, t)[:, [0, 2, 1, 3]]}))
    assert not law.channels_right


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=requires(n)) for n in ("torch", "jax-lax", "keras-tensorflow~onednn-on")]
)
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_frameworks(name: str, dtype: str) -> None:
    case = Case.parse(f"2d-c2x3-i3x4-k3x2-s2x3-same-{dtype}")
    with AdapterProcess(resolve(name)) as host:
        found = trace(case, host)
        takes_it = host.environment["facts"].get(f"tensorflow.channels_first.{dtype}", True)
    wanted = trace_of_oracle(case)
    # oneDNN takes bfloat16 on some processors only.
    assert (found is not None) == takes_it
    if found is None:
        return
    assert wanted is not None
    assert np.array_equal(found.links, wanted.links)
