"""Output channels in the wrong order of groups and multipliers are named whichever way they were ordered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.cases import Case
from tests.support.diagnosing import diagnosis_of
from tests.support.planted import Planted, Work, forward


def reordered(outer: bool, *, bias_too: bool) -> Planted:
    """A depthwise convolution with a multiplier that puts the multiplier before the channel, or takes it so."""

    def compute(case: Case, tensors: Any) -> Any:
        shape = (case.groups, -1) if outer else (-1, case.groups)
        order = np.arange(case.out_channels).reshape(shape).T.ravel()

        def fault(work: Work) -> None:
            if not bias_too and work.bias is not None:
                work.bias = work.bias[np.argsort(order)]  # so that it arrives where it belongs

        return {"y": forward(case, tensors, fault, lambda y: y[:, order])}

    return Planted(compute)


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("bias_too", [True, False])
@pytest.mark.parametrize(
    "case", ["2d-c4x12-i3x4-k2-s2-g4-b1", "1d-n2-c3x6-i4-k3-s2-g3-p1-b1", "1d-c4x8-i4-k3-g4-b0"]
)
def test_a_multiplier_before_the_channel(case: str, bias_too: bool, outer: bool) -> None:
    found = diagnosis_of(case, reordered(outer, bias_too=bias_too))
    assert found is not None
    assert found.transform == "groups_interleaved", found
