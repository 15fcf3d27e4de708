"""One scheduler for all tests; every test starts the workers it needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cluster import DaskCluster


@pytest.fixture(scope="session")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A cluster without workers."""
    pytest.importorskip("distributed", reason="not installed: Dask distributed")
    cluster = DaskCluster(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(scheduler: DaskCluster) -> Iterator[DaskCluster]:
    """The same, for one test; its workers go with it."""
    yield scheduler
    scheduler.stop_workers()
