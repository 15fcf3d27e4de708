"""Every planted fault is noticed by ``gate`` on every rank where it can be said, and nothing else is."""

from __future__ import annotations

import json

import pytest

from conformance.cases import Case
from conformance.cases.tiers import load_kills, load_tier, tier_hash
from tests.faults import matrix
from tests.faults.catalogue import FAULTS, RIGHT, Fault
from tests.faults.matrix import judged_cases, notices, source, unnoticed


@pytest.fixture(scope="module")
def gate():
    return list(judged_cases(load_tier("gate")))


def test_there_are_enough_faults_to_mean_something():
    assert len(FAULTS) >= 120
    assert all(fault.ranks for fault in FAULTS.values())


def test_the_implementation_without_a_fault_passes_every_case(gate):
    assert [str(case) for case, expected in gate if notices(case, expected, RIGHT)] == []


@pytest.mark.parametrize("name", FAULTS)
def test_gate_notices(name, gate):
    assert unnoticed(FAULTS[name], gate) == []


def test_a_fault_that_no_case_notices_is_named_with_its_ranks(gate):
    def only_at_17(work, outputs):
        if work.case.input_size[-1] == 17:
            outputs.clear()

    assert unnoticed(Fault("at a width that gate does not ask", (1, 3), after=only_at_17), gate) == [1, 3]


def test_a_fault_that_is_confined_to_cases_is_silent_elsewhere():
    fault = next(fault for fault in FAULTS.values() if fault.where is not None and fault.name.endswith("as U-Net"))
    inside, outside = Case.parse("2d-c16x8-i3x4-k2-s2-p0-b1"), Case.parse("2d-c16x8-i3x4-k2x3-s2-p0-b1")
    ((_, wrong), (_, right)) = judged_cases([inside, outside])
    assert notices(inside, wrong, fault)
    assert not notices(outside, right, fault)
    # The reply itself is right there, which is why the matrix need not compute it.
    same = fault.reply(outside).tensors["y"].values == RIGHT.reply(outside).tensors["y"].values
    assert same.all()


def test_the_matrix_is_written_by_fault_and_tier(tmp_path, monkeypatch, capsys):
    two = {name: FAULTS[name] for name in ("kernel flipped on W", "bias ignored")}
    monkeypatch.setattr(matrix, "FAULTS", {**two, "none": RIGHT})
    matrix.main(["--json", str(tmp_path / "kills.json")])
    found = json.loads((tmp_path / "kills.json").read_text())
    assert found.keys() == {*two, "none"}
    assert found["none"] == {"smoke": 0, "gate": 0}
    assert all(0 < found[name]["smoke"] < found[name]["gate"] < len(load_tier("gate")) for name in two)
    assert "notices 2 of 3 faults" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        matrix.main(["nightly"])
    assert "there are smoke, gate, full" in capsys.readouterr().err


REFRESH = "stale: python -m tests.faults.matrix --write"


def test_the_table_of_reports_is_of_these_faults_and_these_cases():
    table = load_kills()
    assert table.source == source(), REFRESH
    assert list(table.faults) == list(FAULTS), REFRESH
    assert table.tiers == {tier: tier_hash(load_tier(tier)) for tier in table.tiers}, REFRESH
    assert [name for name, counts in table.faults.items() if not counts["gate"]] == []


@pytest.mark.parametrize("name", list(FAULTS)[::30])
def test_the_table_of_reports_says_what_counting_says(name):
    fault = FAULTS[name]
    cases = judged_cases(case for case in load_tier("smoke") if case.rank in fault.ranks)
    counted = sum(notices(case, expected, fault) for case, expected in cases)
    assert load_kills().faults[name]["smoke"] == counted, REFRESH
