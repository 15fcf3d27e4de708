"""``machines``, ``--machine``, ``adapters --facts`` and facts in ``--where``, on a toy that needs no framework."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.adapters.machines import MACHINES
from conformance.reports.record.store import Results
from tests.support.command import conformance, toy

RIGHT = toy("Right")
CASE = "1d-i5-k3-s2"


def test_the_profiles_are_listed_with_what_keeps_them_away() -> None:
    done = conformance("machines", "--json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)["machines"]
    assert [row["name"] for row in rows] == list(MACHINES)
    assert all(row["reachable"] is (row["why_not"] is None) for row in rows)
    assert all(f" {name} " in conformance("machines").stdout for name in MACHINES)


def test_a_column_for_each_machine_and_its_facts() -> None:
    done = conformance(
        "check", CASE, "--adapter", RIGHT, "--machine", "native", "--machine", "one-thread", "--json"
    )
    assert done.returncode == 0, done.stderr
    native, pinned = json.loads(done.stdout)["outcomes"]
    assert (native["adapter"], pinned["adapter"]) == (RIGHT, f"{RIGHT}~one-thread")
    assert pinned["facts"]["cpu.count"] == 1
    assert native["facts"]["cpu.arch"] == pinned["facts"]["cpu.arch"]


def test_a_machine_that_cannot_be_had_is_wrong_usage() -> None:
    done = conformance("check", CASE, "--adapter", RIGHT, "--machine", "arm9")
    assert done.returncode == 2
    assert "unknown machine 'arm9'" in done.stderr
    done = conformance("check", CASE, "--adapter", f"{RIGHT}~onednn-off")
    assert done.returncode == 2
    assert "has a setting for it" in done.stderr


def test_facts_are_printed() -> None:
    done = conformance("adapters", RIGHT, "--facts", "--json")
    (row,) = json.loads(done.stdout)["adapters"]
    assert row["facts"]["cpu.count"] >= 1
    assert "cpu.count" in conformance("adapters", RIGHT, "--facts").stdout


def test_a_selection_may_name_facts(tmp_path: Path) -> None:
    chosen = ("--adapter", RIGHT, "--case", CASE, "--out", str(tmp_path))
    done = conformance("run", *chosen, "--where", "fact_cpu_count >= 1 and kernel_max = 3")
    assert done.returncode == 0, done.stderr
    with Results.open(tmp_path / "results.sqlite") as results:
        assert results.count() == 1
        assert results.meta()["environments"][RIGHT]["facts"]["cpu.count"] >= 1
    done = conformance("run", *chosen, "--where", "fact_cpu_count = 0")
    assert done.returncode == 2
    assert "no adapter of the run has facts that meet" in done.stderr


def test_a_script_has_the_settings_of_its_machine() -> None:
    done = conformance("repro", CASE, "--adapter", f"{RIGHT}~one-thread")
    assert "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})" in done.stdout
