"""A diagnosis is recorded as JSON with the keys that apply to it, and a malformed one is damage."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, get_args

import pytest

from conformance.adapters.host.client import ReplyKind
from conformance.cases import Case
from conformance.oracle import verdict
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.statuses import FAIL_KINDS, STATUSES, FailKind, StatusName
from conformance.reports.record.store import Results, ResultsError

SHIFT = {"transform": "shift", "axes": ["W"], "text": "equals the expected output shifted by +1 along W"}
FLIP = {"transform": "flip", "axes": ["H", "W"], "text": "equals the expected output with the kernel flipped"}
RECORDED: list[dict[str, Any]] = [
    SHIFT,
    SHIFT | {"also": [FLIP]},
    SHIFT | {"also": [FLIP], "tensors": ["dx", "dw"]},
    {"transform": "accepted", "axes": [], "text": "returned numbers", "rule": "R11"},
    {"transform": "rejected", "axes": [], "text": "refused", "argument": None, "relief": []},
    {"transform": "rejected", "axes": [], "text": "refused", "argument": "bias", "relief": ["without bias"]},
    {"transform": "timeout", "axes": [], "text": "no output within the time limit", "signal": "no reply"},
    {"transform": "crash", "axes": [], "text": "t", "argument": None, "signal": "SIGSEGV", "last_line": ""},
    {"transform": "unexplained", "axes": [], "text": "t", "failure": "ValueError: v"},
]


@pytest.mark.parametrize("data", RECORDED)
def test_a_diagnosis_is_written_as_it_was_read(data: dict[str, Any]) -> None:
    diagnosis = Diagnosis.from_json(data)
    assert diagnosis is not None
    assert json.dumps(diagnosis.to_json()) == json.dumps(data)


@pytest.mark.parametrize(
    "text", ["5", '{"transform": 3}', '{"also": 5}', '{"also": [5]}', '{"also": [{"axes": 5}]}', '{"relief": "r"}']
)
def test_a_malformed_diagnosis_is_damage(text: str, tmp_path: Path) -> None:
    case, path = Case.parse("1d-i5-k3"), tmp_path / "results.sqlite"
    with Results.create(path) as results:
        results.plan([("a", case)])
        results.record(Outcome(str(case), "a", "fail", "values", diagnosis=Diagnosis.from_json(SHIFT)))
    Results.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE outcomes SET diagnosis = ?", (text,))
    connection.close()
    with pytest.raises(ResultsError, match="damaged"):
        Results.open(path)


def test_the_registries_have_an_entry_for_each_name() -> None:
    assert get_args(StatusName) == tuple(STATUSES)
    assert get_args(FailKind) == tuple(FAIL_KINDS)
    assert get_args(ReplyKind) == (*verdict._JUDGES, "program")
