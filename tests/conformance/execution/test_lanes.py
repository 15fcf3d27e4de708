"""Adapters side by side: quick ones first, slow ones not last."""

from __future__ import annotations

import sys
import threading

import pytest

from conformance.adapters.registry import BUILT_IN, EVERYDAY, AdapterSpec
from conformance.execution.lanes import import_seconds, in_lanes


def test_one_lane_goes_from_quick_to_slow() -> None:
    assert list(in_lanes([1, 2, 3], lambda n: 10 * n, lanes=1)) == [(1, 10), (2, 20), (3, 30)]


def test_with_two_lanes_the_slowest_starts_with_the_quickest() -> None:
    started, both = [], threading.Barrier(2)

    def work(n: int) -> int:
        started.append(n)
        if len(started) <= 2:
            both.wait(60)
        return n

    assert sorted(n for n, _ in in_lanes([1, 2, 3, 4], work, lanes=2)) == [1, 2, 3, 4]
    assert set(started[:2]) == {1, 4}


def test_an_error_of_the_work_is_raised() -> None:
    def work(n: int) -> int:
        if n == 2:
            raise KeyError("planted")
        return n

    with pytest.raises(KeyError, match="planted"):
        list(in_lanes([1, 2, 3], work, lanes=1))


def test_a_runtime_starts_sooner_than_two_frameworks_together() -> None:
    seconds = {name: import_seconds(AdapterSpec(name, BUILT_IN[name], sys.executable)) for name in EVERYDAY}
    assert min(seconds, key=seconds.__getitem__) == "onnxruntime"
    assert max(seconds, key=seconds.__getitem__) == "keras-tensorflow"
