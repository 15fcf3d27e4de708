"""Which worker runs what: on workers that are simulated by the second, and in a real run."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdist.remote import Producer

from conformance.runner.xdist_scheduler import ByAdapter
from tests.support.command import conformance, toy


class Worker:
    """As the scheduler sees one: it starts an item when it has the one after it, or knows of none."""

    def __init__(self) -> None:
        self.queue: deque[int] = deque()
        self.shutting_down = False
        self.ends: float | None = None
        self.gateway = SimpleNamespace(id="worker")

    def send_runtest_some(self, numbers: Sequence[int]) -> None:
        self.queue.extend(numbers)

    def shutdown(self) -> None:
        self.shutting_down = True


class Simulated:
    """A run: which worker ran each item, and how long it took altogether."""

    def __init__(
        self, ids: Sequence[str], seconds: Sequence[float], workers: int, lost: Sequence[int] = ()
    ) -> None:
        self.ids, self.seconds = list(ids), seconds
        self.ran: dict[int, list[Worker]] = defaultdict(list)
        self.now, self._lost = 0.0, set(lost)
        options = {"tx": ["popen"] * workers, "maxschedchunk": None}
        config = SimpleNamespace(getvalue=options.__getitem__, getoption=options.__getitem__)
        self._scheduler = ByAdapter(config, Producer("test", enabled=False))
        self._workers: list[Worker] = []
        for _ in range(workers):
            self._join()
        self._scheduler.schedule()
        while self._step():
            pass

    def _join(self) -> None:
        self._workers.append(Worker())
        self._scheduler.add_node(self._workers[-1])
        self._scheduler.add_node_collection(self._workers[-1], self.ids)

    def _step(self) -> bool:
        if self._scheduler.tests_finished:
            for worker in self._workers:
                worker.shutdown()
        for worker in self._workers:
            if worker.ends is None and len(worker.queue) > (not worker.shutting_down):
                worker.ends = self.now + self.seconds[worker.queue[0]]
        busy = [worker for worker in self._workers if worker.ends is not None]
        if not busy:
            return False
        worker = min(busy, key=lambda worker: worker.ends or 0.0)
        self.now, worker.ends = worker.ends or 0.0, None
        done = sum(map(len, self.ran.values()))
        if done in self._lost:
            self._lost.remove(done)
            self._lose(worker)
        else:
            number = worker.queue.popleft()
            self.ran[number].append(worker)
            self._scheduler.mark_test_complete(worker, number, self.seconds[number])
        return True

    def _lose(self, worker: Worker) -> None:
        """As pytest-xdist does it: the rest goes back, then the item it died over, and a new worker comes."""
        self._workers.remove(worker)
        self._scheduler.mark_test_pending(self._scheduler.remove_node(worker))
        self._join()
        self._scheduler.schedule()


def ids(*counts: int) -> list[str]:
    return [f"adapter-{block}::{number}" for block, count in enumerate(counts) for number in range(count)]


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.integers(1, 5),
    st.lists(st.integers(0, 100), max_size=3),
    st.randoms(use_true_random=False),
)
def test_every_item_runs_once_whichever_worker_is_lost(
    counts: list[int], workers: int, lost: list[int], random: object
) -> None:
    items = ids(*counts)
    seconds = [random.choice([0.001, 0.09, 0.2, 30.0]) for _ in items]  # type: ignore[attr-defined]
    run = Simulated(items, seconds, workers, lost)
    assert sorted(run.ran) == list(range(len(items)))
    assert {len(those) for those in run.ran.values()} == {1}


def test_each_adapter_has_a_worker_of_its_own_while_there_are_others() -> None:
    run = Simulated(ids(100, 100, 100), [0.01] * 100 + [0.02] * 100 + [0.01] * 100, 2)
    for block in range(3):
        assert len({run.ran[number][0] for number in range(100 * block, 100 * block + 100)}) == 1


def test_a_worker_without_an_adapter_helps_where_most_is_left() -> None:
    run = Simulated(ids(100, 100, 1000), [0.01] * 100 + [0.02] * 100 + [0.1] * 1000, 3)
    helpers = {run.ran[number][0] for number in range(200, 1200)}
    assert len(helpers) == 3
    assert run.now < 1.05 * (0.01 * 100 + 0.02 * 100 + 0.1 * 1000) / 3


def test_no_worker_loads_a_framework_for_less_than_that_takes() -> None:
    run = Simulated(ids(100, 200), [0.01] * 300, 2)
    assert len({run.ran[number][0] for number in range(100, 300)}) == 1


def test_in_a_run_each_worker_starts_with_an_adapter_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("CALLS", str(log))
    names = [f"--adapter={toy(name)}" for name in ("First", "Second")]
    where = "rank = 1 AND dtype = 'f32'"
    done = conformance(
        "run", *names, "--tier", "smoke", "--where", where, "-n", "2", "--out", str(tmp_path / "out")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    calls = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    for name in ("first", "second"):
        assert len({process for adapter, process in [a for a in calls if a[0] == name][:5]}) == 1
