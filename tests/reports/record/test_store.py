"""Reading a record returns exactly what is requested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.reports.record import store
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results

CASES = [Case.parse(f"1d-i{size}-k3") for size in (3, 4, 5, 6, 7)]


@pytest.fixture(params=[1, 2, 10_000])
def results(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Results]:
    """Two adapters and five cases, one of them of another shard, with several sizes of a batch."""
    monkeypatch.setattr(store, "_ROWS_AT_A_TIME", request.param)
    with Results.create(tmp_path / "results.sqlite") as results:
        results.plan(((name, case) for name in "ba" for case in CASES[1:]), elsewhere=(("a", c) for c in CASES))
        results.record(Outcome(str(CASES[1]), "a", "pass"))
        results.record(Outcome(str(CASES[2]), "a", "fail", "values"))
        results.record(Outcome(str(CASES[3]), "b", "unsupported"))
        yield results


def test_what_is_planned_here_and_elsewhere(results: Results) -> None:
    ids = sorted(map(str, CASES))
    assert (results.count(), results.count(here=False)) == (8, 9)
    assert (results.adapters(), results.adapters(here=False)) == (["a", "b"], ["a", "b"])
    assert results.case_ids("a") == sorted(map(str, CASES[1:]))
    assert results.case_ids("a", here=False) == ids
    assert list(results.cases()) == ids


def test_outcomes_by_adapter_and_status(results: Results) -> None:
    assert results.counts() == {"a": {"pass": 1, "fail": 1, "missing": 2}, "b": {"unsupported": 1, "missing": 3}}
    assert len(list(results.outcomes())) == 8
    assert [o.case_id for o in results.outcomes(statuses=["fail", "unsupported"])] == [
        str(CASES[2]),
        str(CASES[3]),
    ]
    assert [o.status for o in results.outcomes("b", ["missing", "fail"])] == ["missing"] * 3
