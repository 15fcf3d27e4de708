"""What differs between the machines of one adapter, on made-up records."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from conformance.cases import Case
from conformance.reports.gate.assess import Gate
from conformance.reports.gate.machines import by_machine, changed_facts, machine_lines, seen_on, unfamiliar
from conformance.reports.gate.text import headline
from conformance.reports.record.adapter_names import machine_of, plain_name
from conformance.reports.record.diagnosis import Diagnosis
from conformance.reports.record.fact_columns import (
    fact_column,
    fact_columns_in,
    fact_values,
    facts_by_column,
    shown,
    with_values,
)
from conformance.reports.record.outcome import Outcome
from conformance.reports.summary.survey import survey
from tests.support.records import recorded

CASES = [str(Case.parse(f"1d-i{size}-k2")) for size in (3, 4, 5, 6)]


def passed(case: str, name: str, digest: str = "1") -> Outcome:
    return Outcome(case, name, "pass", digest=digest)


def wrong(case: str, name: str, transform: str = "shift") -> Outcome:
    return Outcome(case, name, "fail", "values", diagnosis=Diagnosis(transform=transform, text=transform))


@pytest.mark.parametrize(
    ("name", "plain", "machine"),
    [
        ("torch", "torch", "native"),
        ("torch~avx2", "torch", "avx2"),
        ("torch@/opt/python", "torch", "native@/opt/python"),
        ("torch~avx2@/opt/python", "torch", "avx2@/opt/python"),
        ("a/b.py:C~one-thread", "a/b.py:C", "one-thread"),
    ],
)
def test_the_parts_of_a_name(name: str, plain: str, machine: str) -> None:
    assert (plain_name(name), machine_of(name)) == (plain, machine)


def test_one_machine_has_nothing_to_compare(tmp_path: Path) -> None:
    with recorded(tmp_path / "r.sqlite", passed(CASES[0], "a")) as results:
        assert by_machine(results) == []


def test_each_kind_of_difference_is_reported(tmp_path: Path) -> None:
    there = "a~avx2"
    outcomes = {
        "a": [passed(CASES[0], "a"), passed(CASES[1], "a"), passed(CASES[2], "a"), passed(CASES[3], "a")],
        there: [wrong(CASES[0], there), Outcome(CASES[1], there, "unsupported"), passed(CASES[2], there, "2"),
                passed(CASES[3], there)],
    }  # fmt: skip
    with recorded(tmp_path / "r.sqlite", *chain(*outcomes.values())) as results:
        (found,) = by_machine(results)
    assert (found.adapter, found.machines, found.compared) == ("a", ("native", "avx2"), 4)
    assert found.cases == {
        "wrong": {CASES[0]: {"native": "pass", "avx2": "fail: values"}},
        "refused": {CASES[1]: {"native": "pass", "avx2": "unsupported"}},
        "bits": {CASES[2]: {"native": "pass", "avx2": "pass"}},
    }
    lines = machine_lines({}, [found])
    assert lines[0].startswith("a on native, avx2: 4 cases on more than one, 1 wrong on some machines")
    assert f"  {CASES[0]}: native pass, avx2 fail: values" in lines


def test_a_finding_says_where_it_was_seen_and_where_not(tmp_path: Path) -> None:
    outcomes = {
        "a": [passed(CASES[0], "a")],
        "a~avx2": [wrong(CASES[0], "a~avx2")],
        "a~avx512": [wrong(CASES[0], "a~avx512", "flip")],
        "a~one-thread": [passed(CASES[1], "a~one-thread")],
        "b": [wrong(CASES[0], "b")],
    }
    with recorded(tmp_path / "r.sqlite", *chain(*outcomes.values())) as results:
        groups = survey(results).groups
        found = seen_on(groups, results)
    by_adapter = {group.adapter: found.get(group.id) for group in groups}
    # A different transformation is a different finding, a case that was not run shows nothing, b has one machine.
    assert by_adapter["a~avx2"] == (["avx2"], ["native", "avx512"])
    assert by_adapter["b"] is None


def test_facts_that_changed_are_named_with_both_values() -> None:
    old = {"a": {"facts": {"threads": 2, "cpu.arch": "x86_64", "gone": 1}}, "b": {"facts": {"threads": 1}}}
    new = {"a": {"facts": {"threads": 8, "cpu.arch": "x86_64"}}, "b": {"facts": {"threads": 1}}}
    assert changed_facts(old, new) == {"a": {"threads": [2, 8]}}
    assert machine_lines(changed_facts(old, new), []) == ["a ran on a different machine: threads was 2, is 8"]


def test_facts_are_columns() -> None:
    assert fact_column("tensorflow.onednn") == "fact_tensorflow_onednn"
    assert fact_columns_in("fact_threads > 1 and rank = 1 or fact_threads = 0") == ("fact_threads",)
    environment = {"facts": {"threads": 2}}
    assert fact_values(environment, ("fact_threads", "fact_other")) == {"fact_threads": 2, "fact_other": None}
    assert facts_by_column({"a": environment, "b": {}}) == {"a": {"fact_threads": 2}, "b": {"fact_threads": None}}
    assert [shown(value) for value in (None, True, False, 3)] == ["unknown", "yes", "no", "3"]


def test_a_run_on_a_kind_of_machine_that_was_never_settled_says_so() -> None:
    known = {"facts": {"cpu.arch": "x86_64", "cpu.isa": "avx2"}}
    new = {"facts": {"cpu.arch": "riscv64", "cpu.isa": "rvv"}}
    assert unfamiliar({"a": known, "b": {}, "c": {"facts": {"cpu.arch": "x86_64", "cpu.isa": None}}}) == []
    assert unfamiliar({"a": known, "b": new, "c": new}) == ["riscv64 with rvv"]
    assert headline(Gate(unfamiliar=["riscv64 with rvv"])) == (
        "Gate green: nothing new; no gate was settled before on this kind of machine (riscv64 with rvv)."
    )


def test_facts_become_values_in_a_condition() -> None:
    values = {"fact_a": True, "fact_b": None, "fact_c": "it's"}
    assert with_values("fact_a = 1 and fact_b is null and fact_c = 'x'", values) == (
        "1 = 1 and NULL is null and 'it''s' = 'x'"
    )
