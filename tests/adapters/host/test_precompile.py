"""Cases that wait are compiled in threads: in order, each once at most, with the same outputs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from conformance.adapters.host.client import AdapterProcess, Reply
from conformance.adapters.host.precompile import THREADS, precompile_queued, threads
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from tests.support.frameworks import requires


def test_queued_items_are_precompiled_and_come_in_order() -> None:
    called: Counter[int] = Counter()

    def make_ready(item: int) -> None:
        called[item] += 1
        time.sleep(0.01 * (item % 3))

    gone = []
    for item in precompile_queued(range(20), make_ready, 3):
        gone.append(item)
        time.sleep(0.02 if item == 0 else 0)
    assert gone == list(range(20))
    assert called
    assert set(called.values()) == {1}


@pytest.mark.parametrize("count", [0, 2])
def test_an_item_that_comes_alone_is_not_precompiled(count: int) -> None:
    done: list[int] = []

    def one_by_one() -> Iterator[int]:
        for item in range(3):
            while len(done) < item:
                time.sleep(0.001)
            time.sleep(0.05)
            yield item

    done.extend(precompile_queued(one_by_one(), lambda item: pytest.fail("nothing waits"), count))
    assert done == [0, 1, 2]


def test_processors_are_shared_with_other_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "1000")
    assert threads() == 0
    monkeypatch.setenv(THREADS, "3")
    assert threads() == 3


@requires("jax-lax")
def test_outputs_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [Case.parse(f"2d-c2x3-i{n}-k3-s2-same-b1-normal.{n}-{d}") for n in (3, 4) for d in ("fwd", "grad")]

    def run(count: str) -> list[Reply]:
        monkeypatch.setenv(THREADS, count)
        with AdapterProcess(resolve("jax-lax")) as host:
            sent = [host.send(case, make_tensors(case)) for case in cases]
            return [host.wait(pending) for pending in sent]

    for alone, ahead in zip(run("0"), run("2"), strict=True):
        assert alone.kind == ahead.kind == "answer"
        assert ahead.deterministic
        for name, tensor in alone.tensors.items():
            assert tensor.values.tobytes() == ahead.tensors[name].values.tobytes()
