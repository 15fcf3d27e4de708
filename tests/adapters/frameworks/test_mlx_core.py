"""MLX documents one group only; what it makes of several is measured by a call in its own form."""

from __future__ import annotations

import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.oracle.expected_output import input_tensors
from conformance.oracle.verdict import judge
from tests.support.frameworks import requires


@requires("mlx")
@pytest.mark.parametrize(
    "case", ["1d-c4x6-i4-k3-s2-g2-b1-grad", "2d-c4x6-i4x3-k3x2-s2-g2-p1", "2d-c6x3-i3-k2-g3-cl"]
)
def test_several_groups_are_right_or_refused(case: str) -> None:
    parsed = Case.parse(case)
    tensors = input_tensors(parsed)
    with AdapterProcess(resolve("mlx")) as host:
        declined = host.run(parsed, tensors)
        beyond = judge(parsed, tensors, host.run(parsed, tensors, beyond_limits=True))
    assert (declined.kind, "documented for 1 only" in declined.detail) == ("unsupported", True)
    assert beyond.status == "pass" or beyond.kind == "rejected", beyond
