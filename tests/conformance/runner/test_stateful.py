"""Faults that depend on earlier calls or on chance make a run red, in real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.host.history import MOST_KEPT, Call, History
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.design.twins import BASES, sequence
from conformance.cases.tiers import load_tier
from conformance.execution.check import run_case
from conformance.execution.retry import Confirmation
from conformance.execution.shorten import shortest
from conformance.execution.spare import Rerun, Spare
from conformance.oracle.expected_output import input_tensors
from conformance.reports.gate.assess import most_flaky
from conformance.reports.record.outcome import Outcome
from conformance.reports.record.store import Results
from conformance.reports.summary.survey import survey
from conformance.runner.plan import first_of, make_plan
from tests.support.command import conformance, known, toy
from tests.support.frameworks import every_variant_wanted
from tests.support.records import statuses

CALLS = [Call(Case.parse(f"1d-i{size}-k3")) for size in range(3, 43)]
TWINS = sequence(BASES["smoke"][0])
TWINS_NAMED = [word for case in TWINS for word in ("--case", str(case))]


# Their plans lack one parameter in the key. Five per run, as a record has scripts for twenty findings at most.
CACHES = (
    ("StaleWeights", "StaleBias", "PlanPad", "PlanStride", "PlanLayout"),
    ("PlanDilation", "PlanOutputPadding", "PlanGroups", "PlanDtype", "PlanSorted"),
)
# How many cases of `smoke` are enough, None for all: every failure after that only runs again.
MANY_CALLS = {("EvictedPlan", "Race"): 40, ("FromCall101",): 96, ("StaleWeightsByAddress",): None}


@dataclass(frozen=True)
class Ran:
    """What a run recorded of one adapter."""

    outcomes: list[Outcome]
    scripts: list[str]


def run(names: Sequence[str], out: Path, *options: str, codes: tuple[int, ...] = (1,)) -> dict[str, Ran]:
    """Run cases on faulty adapters; by default the run is red."""
    adapters = [word for name in names for word in ("--adapter", toy(name))]
    done = conformance("run", *adapters, *options, "--out", str(out), "-n", "0")
    assert done.returncode in codes, done.stdout + done.stderr
    with Results.open(out / "results.sqlite") as results:
        scripts = results.meta().get("scripts") or {}
        groups = survey(results).groups
        return {
            name: Ran(
                list(results.outcomes(toy(name))),
                [scripts[item.id] for item in groups if item.adapter == toy(name) and item.id in scripts],
            )
            for name in names
        }


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    ran: dict[str, Ran] = {}
    for names in CACHES:
        out = tmp_path_factory.mktemp("caches")
        expected = known(out / "known", **dict.fromkeys(names, "stateful"))
        ran |= run(names, out, *TWINS_NAMED, *expected, codes=(0, 1))
    return ran


@pytest.mark.xdist_group("caches")
@pytest.mark.parametrize("name", [name for names in CACHES for name in names])
def test_a_cache_whose_key_lacks_a_parameter_is_stateful(
    caches: dict[str, Ran], name: str, tmp_path: Path
) -> None:
    ran = caches[name]
    found = [outcome for outcome in ran.outcomes if outcome.kind == "stateful"]
    assert found
    assert {outcome.status for outcome in ran.outcomes} <= {"pass", "fail"}
    assert any(len(outcome.after) == 1 for outcome in found)
    script = tmp_path / "repro.py"
    script.write_text(ran.scripts[0])
    alone = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, check=False)
    assert alone.returncode == 1, alone.stderr.decode()
    assert (
        alone.stderr.splitlines()[-1].startswith((b"AssertionError", b"ValueError"))
        or b"AssertionError" in alone.stderr
    )


@pytest.mark.parametrize("names", MANY_CALLS)
def test_a_state_that_takes_many_calls_is_red_in_smoke(names: tuple[str, ...], tmp_path: Path) -> None:
    """The whole tier where all variants are wanted, else as many of its cases as show it."""
    cases = load_tier("smoke")[: None if every_variant_wanted() else MANY_CALLS[names]]
    for name, ran in run(names, tmp_path, *(word for case in cases for word in ("--case", str(case)))).items():
        assert {"stateful", "nondeterministic"} & {outcome.kind for outcome in ran.outcomes}, name


LARGE = Case.parse("2d-n2-c4x6-i33x32-k3-s2-b1")  # its output is too large for the record


def test_a_race_on_large_outputs_is_red_and_spares_small_ones(tmp_path: Path) -> None:
    seeds = [word for seed in range(30) for word in ("--case", str(replace(LARGE, seed=seed)))]
    ran = run(["RaceOnLarge"], tmp_path, *seeds, *TWINS_NAMED)["RaceOnLarge"]
    wrong = [outcome for outcome in ran.outcomes if outcome.status != "pass"]
    assert "nondeterministic" in {outcome.kind for outcome in wrong}
    assert {Case.parse(outcome.case_id).input_size for outcome in wrong} == {LARGE.input_size}


@pytest.mark.parametrize("data", ["ints", "normal"])
def test_an_output_too_large_for_the_record_has_a_script(tmp_path: Path, data: str) -> None:
    first = replace(LARGE, data=data)
    both = [word for seed in (0, 1) for word in ("--case", str(replace(first, seed=seed)))]
    ran = run(["StaleWeights"], tmp_path, *both)["StaleWeights"]
    (wrong,) = (outcome for outcome in ran.outcomes if outcome.status != "pass")
    assert (wrong.kind, wrong.evidence, len(wrong.after)) == ("stateful", {}, 1)
    (text,) = ran.scripts
    script = tmp_path / "repro.py"
    script.write_text(text)
    alone = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, check=False)
    assert alone.returncode == 1
    assert b"AssertionError" in alone.stderr
    script.write_text(text.replace("w.copy()", "w.copy()) * 0 + (w"))  # without the cache
    assert not subprocess.run([sys.executable, script.name], cwd=tmp_path, check=False).returncode


def test_past_the_budget_of_processes_a_failure_says_why_no_calls_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = resolve(toy("StaleWeights"))
    spare, confirmation = Spare(ProcessLimits()), Confirmation()
    first, *others = TWINS[0], TWINS[1], TWINS[-1]
    shown = []
    for number, case in enumerate(others):
        monkeypatch.setattr("conformance.execution.spare.MOST_PROCESSES", 0 if number else 30)
        with AdapterProcess(spec) as host:
            host.run(first, input_tensors(first))
            failed = run_case(case, host)
        rerun = Rerun(spare, spec, case, [Call(first, True, False)], twice=True)
        shown.append(confirmation.confirm(failed, rerun, partial(run_case, case)))
    spare.close()
    assert [outcome.kind for outcome in shown] == ["stateful", "stateful"]
    assert shown[0].after == [str(first)]
    assert shown[1].after == []
    assert "30 processes" in shown[1].detail


def test_without_a_state_the_same_cases_are_green(tmp_path: Path) -> None:
    done = conformance("run", "--adapter", toy("Stateful"), *TWINS_NAMED, "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(statuses(tmp_path).values()) == {"pass"}


def test_check_and_repro_behind_another_call(tmp_path: Path) -> None:
    first, second = map(str, TWINS[:2])
    name = toy("StaleWeights")
    checked = conformance("check", second, "--adapter", name, "--after", first, "--json")
    assert checked.returncode == 1
    assert f'"{first}"' in checked.stdout
    assert '"stateful"' in checked.stdout
    assert conformance("check", second, "--adapter", name).returncode == 0
    script = tmp_path / "repro.py"
    script.write_text(conformance("repro", second, "--adapter", name, "--after", first).stdout)
    alone = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, check=False)
    assert alone.returncode == 1


def test_the_shortest_sequence_is_found_and_no_call_can_be_left_out() -> None:
    needed = {CALLS[3], CALLS[29]}
    assert set(shortest(CALLS, lambda calls: needed <= set(calls), lambda: True)) == needed
    spent = iter([True] * 4)
    assert needed <= set(shortest(CALLS, lambda calls: needed <= set(calls), lambda: next(spent, False)))


def test_a_history_keeps_the_latest_calls_in_order() -> None:
    history = History()
    places = [history.add(CALLS[number % len(CALLS)]) for number in range(3 * MOST_KEPT)]
    before = history.before(places[-1])
    assert len(before) == MOST_KEPT
    assert before[-1] == CALLS[(3 * MOST_KEPT - 2) % len(CALLS)]
    assert History().before(0) == ()


@pytest.mark.parametrize("shard", [None, (1, 3), (2, 3), (3, 3)])
def test_a_sequence_stays_in_order_and_in_one_shard(shard: tuple[int, int] | None) -> None:
    cases = load_tier("smoke")
    plan = make_plan([resolve(toy("Stateful"))], cases, shard=shard)
    order = [plan.pair(number)[1] for number in plan.order]
    places = [order.index(case) for case in cases if case in order and first_of(str(case))[0] == str(TWINS[0])]
    assert places == list(range(places[0], places[0] + len(places))) if places else shard is not None
    assert len(places) in (0, len(TWINS) - 2)  # smoke leaves out the other sizes


def test_few_flaky_outcomes_are_allowed() -> None:
    assert (most_flaky(20), most_flaky(1172)) == (3, 11)
