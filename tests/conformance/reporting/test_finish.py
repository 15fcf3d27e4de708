"""One function ends a run: a merged record has what a record of one run has."""

from __future__ import annotations

from pathlib import Path

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import installed, resolve
from conformance.cases import Case
from conformance.execution.check import run_case
from conformance.reporting.finish import Further, finish, here
from conformance.reports.record.merge import merge
from conformance.reports.record.store import Results
from tests.support.command import toy

ADAPTER = toy("Shifted")
CASES = [
    Case.parse(f"{rank}d-c2x3-i4-k{kernel}-s{stride}-{dtype}-{direction}")
    for rank in (1, 2)
    for kernel in (1, 2, 3)
    for stride in (1, 2, 3)
    for dtype in ("f32", "f64")
    for direction in ("fwd", "grad")
]


def _record(path: Path, here_cases: list[Case], host: AdapterProcess) -> Path:
    spec = resolve(ADAPTER)
    with Results.create(path) as results:
        mine = [(spec.name, case) for case in here_cases]
        results.plan(mine, elsewhere=[(spec.name, case) for case in CASES if case not in here_cases])
        results.record_all(run_case(case, host) for case in here_cases)
        results.set_meta("environments", {spec.name: {"versions": installed(spec)}})
        results.set_meta("started", 1.0)
    return path


def _finished(path: Path) -> dict[str, object]:
    with Results.open(path, write=True) as results:
        gate = finish(results, {}, further=Further(here(results)))
        assert gate.fails
        return {name: results.meta()[name] for name in ("gate", "conditions", "scripts")}


def test_two_shards_merged_are_one_run(tmp_path: Path) -> None:
    with AdapterProcess(resolve(ADAPTER)) as host:
        whole = _record(tmp_path / "whole.sqlite", CASES, host)
        shards = [_record(tmp_path / f"{n}.sqlite", CASES[n::2], host) for n in (0, 1)]
    merge(shards, tmp_path / "merged.sqlite")
    one, other = _finished(whole), _finished(tmp_path / "merged.sqlite")
    assert one == other
    assert str(one["gate"]).startswith("Gate red: ")
    assert one["scripts"]
    (condition,) = one["conditions"].values()  # type: ignore[attr-defined]
    assert condition["sql"] == "axes_stride_over_kernel > 0 and direction = 'fwd'"
    assert condition["exact"]
    assert condition["further_failing"] > 0 < condition["further_passing"]


def test_an_adapter_of_another_version_is_not_run_again(tmp_path: Path) -> None:
    with AdapterProcess(resolve(ADAPTER)) as host:
        path = _record(tmp_path / "r.sqlite", CASES, host)
    with Results.open(path, write=True) as results:
        name = results.adapters()[0]
        assert here(results)(name) is not None
        assert here(results)("/nowhere.py:None") is None
        results.set_meta("environments", {name: {"versions": {"numpy": "0.1"}}})
        assert here(results)(name) is None
        finish(results, {}, further=Further(here(results)))
        (condition,) = results.meta()["conditions"].values()
        assert not condition["exact"]
