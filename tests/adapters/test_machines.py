"""Machine profiles: what they set, when they cannot be had, and that the facts show whether they took effect."""

from __future__ import annotations

import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.machines import MACHINES, Machine, UnknownMachine, inapplicable, machine_named, unmet
from conformance.adapters.registry import (
    MachineOutOfReach,
    UnknownAdapter,
    available,
    on_machine,
    resolve,
    split_name,
)
from conformance.adapters.selection import expand, under_machines
from conformance.cases import Case
from conformance.execution.check import run_case
from tests.support.command import toy

INSTALLED = set(available())
REACHABLE = [name for name, machine in MACHINES.items() if not machine.unreachable() and not machine.emulator]


def test_the_names_of_the_profiles() -> None:
    assert set(MACHINES) == {
        "native", "onednn-off", "onednn-on", "sse41", "avx2", "avx512", "one-thread", "many-threads",
        "qemu-haswell", "qemu-nehalem",
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in MACHINES if name != "native"])
def test_each_profile_cites_its_settings_and_names_what_must_hold(name: str) -> None:
    machine = machine_named(name)
    assert machine.facts
    assert all(source.startswith("https://") for source in machine.sources)
    assert machine.sources
    assert machine.variables or machine.statements or machine.emulator or machine.one_processor


def test_an_unknown_profile_lists_those_there_are() -> None:
    with pytest.raises(UnknownMachine, match="unknown machine 'arm9'; the machines are native, onednn-off"):
        machine_named("arm9")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("torch", ("torch", "native", "")),
        ("torch~avx2", ("torch", "avx2", "")),
        ("tf-nn~onednn-off@/opt/x~1/python", ("tf-nn", "onednn-off", "/opt/x~1/python")),
        ("~/mine.py:Mine", ("~/mine.py:Mine", "native", "")),
        ("/tmp/a~b/mine.py:Mine~one-thread", ("/tmp/a~b/mine.py:Mine", "one-thread", "")),
    ],
)
def test_a_name_has_an_adapter_a_machine_and_an_interpreter(name: str, parts: tuple[str, str, str]) -> None:
    assert split_name(name) == parts
    plain, machine, python = parts
    assert on_machine(plain + (f"@{python}" if python else ""), machine) == name


def test_a_profile_without_a_setting_for_an_adapter_is_refused() -> None:
    with pytest.raises(MachineOutOfReach, match="none of onnxruntime, onnx has a setting for it"):
        resolve("onnxruntime~onednn-off")
    with pytest.raises(MachineOutOfReach, match="the adapter itself sets TF_ENABLE_ONEDNN_OPTS=0"):
        resolve("tf-nn-eigen~onednn-on")
    with pytest.raises(UnknownAdapter, match="unknown machine 'arm9'"):
        resolve("torch~arm9")


def test_what_does_not_start_on_an_emulated_processor_is_said_before() -> None:
    why_not = inapplicable(machine_named("qemu-nehalem"), ["keras", "tensorflow"], {})
    assert why_not == "tensorflow does not start under it: its wheels need AVX"
    assert not inapplicable(machine_named("qemu-nehalem"), ["torch"], {})


def test_each_adapter_under_each_profile_and_a_line_about_what_is_left_out() -> None:
    said: list[str] = []
    found = under_machines(["torch", "jax-lax", "tf-nn~onednn-on"], ["native", "onednn-off"], said.append)
    assert found == ["torch", "jax-lax", "tf-nn~onednn-on", "torch~onednn-off"]
    assert len(said) == 1
    assert "jax-lax~onednn-off" in said[0]


def test_nothing_left_to_run_is_an_error() -> None:
    with pytest.raises(UnknownAdapter, match="has a setting for it"):
        under_machines(["jax-lax"], ["onednn-off"])


def test_a_pattern_may_name_a_profile() -> None:
    assert expand(["tf-*~onednn-off"], offered=lambda device: ["tf-nn", "torch"]) == ["tf-nn~onednn-off"]


def test_the_users_own_xla_flags_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=x")
    variables = machine_named("avx2").variables_for(["jax"])
    assert variables["XLA_FLAGS"] == "--xla_dump_to=x --xla_cpu_max_isa=AVX2"


def test_a_setting_without_effect_is_reported() -> None:
    machine = Machine(name="capped", about="", facts={"onednn.isa": "AVX2", "threads": "1"})
    assert not unmet(machine, {"onednn.isa": "AVX2", "threads": 1})
    assert not unmet(machine, {"onednn.isa": None, "threads": 1})
    assert unmet(machine, {"onednn.isa": "AVX2_VNNI"}) == (
        "machine profile capped took no effect: onednn.isa is AVX2_VNNI"
    )
    assert "none of onednn.isa, threads could be measured" in unmet(machine, {"onednn.isa": None})


def test_a_process_that_does_not_follow_its_profile_is_our_failure_and_never_a_run() -> None:
    # An adapter that undoes what the profile sets, as a framework would that does not read the variable.
    with AdapterProcess(resolve(f"{toy('Unpinned')}~one-thread")) as host:
        outcome = run_case(Case.parse("1d-i3-k2"), host)
    assert outcome.status == "infra"
    assert "machine profile one-thread took no effect: threads is 7" in outcome.detail


@pytest.mark.parametrize("machine", REACHABLE)
@pytest.mark.parametrize("adapter", ["torch", "tf-nn", "jax-lax"])
def test_a_profile_takes_effect(adapter: str, machine: str) -> None:
    if adapter not in INSTALLED:
        pytest.skip(f"{adapter} is not installed")
    if (adapter, machine) in {("jax-lax", "onednn-off"), ("jax-lax", "onednn-on")}:
        with pytest.raises(MachineOutOfReach, match="has a setting for it"):
            resolve(on_machine(adapter, machine))
        return
    spec = resolve(on_machine(adapter, machine))
    with AdapterProcess(spec) as host:
        outcome = run_case(Case.parse("2d-c2x3-i5x7-k3-s2-same-cl"), host)
        assert outcome.status == "pass", outcome.detail
        assert not unmet(spec.profile, host.environment["facts"])
