"""The derived bound: no alarm on right outputs in any dtype and at any scale, and one on a wrong element."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks.false_alarms import ADAPTERS, ALGORITHMS, Count, Run, computed, count, one_by_one, scaled_cases
from conformance.adapters.base import Tensor
from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases.dtypes import DTYPES
from conformance.oracle.error_bound import PROFILES, tolerance
from conformance.oracle.expected_output import reference
from tests.support.frameworks import requires

IMPLEMENTATIONS: dict[str, Run] = {name: partial(computed, name) for name in ALGORITHMS} | {"sums": one_by_one}


def total(dtype: str, run: Run) -> Count:
    found = Count()
    for case, tensors in scaled_cases(dtype, batch=4):
        found += count(case, tensors, run(case, tensors))
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_right_outputs_raise_no_alarm(name: str, dtype: str) -> None:
    found = total(dtype, IMPLEMENTATIONS[name])
    assert found.alarms == 0
    assert found.verdicts > 8000


@pytest.mark.parametrize("name", [pytest.param(name, marks=requires(name)) for name in ADAPTERS])
def test_frameworks_raise_no_alarm(name: str) -> None:
    with AdapterProcess(resolve(name)) as host:
        for dtype in ("f32", "bf16"):  # the others take their time to compile; the benchmark has them
            found = total(dtype, host.run)
            assert found.alarms == 0
            assert found.verdicts > 8000


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_element_beyond_the_bound_is_one_alarm(dtype: str) -> None:
    for case, tensors in scaled_cases(dtype, batch=4):
        reply = computed("scatter by tap", case, tensors)
        for name, wanted in reference(case, tensors).items():
            allowed = tolerance(wanted, case.format, PROFILES[reply.promise])
            values = wanted.exact.copy()
            values.flat[-1] += 2 * allowed.flat[-1]
            moved = {**reply.tensors, name: Tensor(values, case.dtype)}
            if np.isfinite(allowed.flat[-1]):
                assert count(case, tensors, replace(reply, tensors=moved)).alarms == 1
