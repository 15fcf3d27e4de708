"""Facts: measured in a fork, null where they cannot be, and the same as the framework says."""

from __future__ import annotations

import os
import platform
import time

import pytest

from conformance.adapters.facts import FACTS, Fact, facts_for, flags_up_to
from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.host.measuring import measure
from conformance.adapters.registry import available, resolve

INSTALLED = set(available())


def fact(name: str, value: object) -> Fact:
    return Fact(name=name, about="", measure=lambda: value)  # type: ignore[arg-type, return-value]


def test_values_come_back_with_their_types() -> None:
    found = measure([fact("a", True), fact("b", 2), fact("c", "avx2"), fact("d", None)])
    assert found == {"a": True, "b": 2, "c": "avx2", "d": None}
    assert found["a"] is True


def test_what_is_not_a_fact_is_not_recorded() -> None:
    assert measure([fact("a", 1.5), fact("b", [1]), fact("c", 3)]) == {"a": None, "b": None, "c": 3}


def test_an_error_is_null_and_the_next_is_measured() -> None:
    broken = Fact(name="a", about="", measure=lambda: 1 // 0)
    assert measure([broken, fact("b", 1)]) == {"a": None, "b": 1}


def test_a_crash_leaves_null_and_this_process() -> None:
    crash = Fact(name="a", about="", measure=lambda: os.abort())
    assert measure([fact("before", 1), crash, fact("behind", 1)]) == {"before": 1, "a": None, "behind": None}


def test_a_hang_is_ended() -> None:
    hang = Fact(name="a", about="", measure=lambda: time.sleep(600))
    assert measure([fact("before", 1), hang], seconds=1.0) == {"before": 1, "a": None}


def test_measuring_leaves_nothing_behind() -> None:
    def set_a_variable() -> bool:
        os.environ["CONFORMANCE_TEST_LEFT_BEHIND"] = "1"
        print("said by a fact", flush=True)
        return True

    assert measure([Fact(name="a", about="", measure=set_a_variable)]) == {"a": True}
    assert "CONFORMANCE_TEST_LEFT_BEHIND" not in os.environ


def test_a_name_is_measured_once_and_the_adapters_own_fact_wins() -> None:
    found = {item.name: item for item in facts_for(["torch", "tensorflow"], [fact("threads", 1)])}
    assert found["threads"].measure() == 1
    assert {"cpu.arch", "torch.onednn", "tensorflow.onednn"} <= found.keys()


def test_every_process_says_its_architecture() -> None:
    found = measure(facts_for([]))
    assert found["cpu.arch"] == platform.machine()
    assert isinstance(found["cpu.count"], int)


@pytest.mark.parametrize(
    ("isa", "left"),
    [
        ("avx512f", ["avx", "avx2", "avx512_bf16", "fma", "sse4_2"]),
        ("avx2", ["avx", "avx2", "fma", "sse4_2"]),
        ("sse4.2", ["sse4_2"]),
        (None, ["avx", "avx2", "avx512_bf16", "fma", "sse4_2"]),
    ],
)
def test_an_emulated_processor_has_none_of_the_hosts_further_flags(isa: str | None, left: list[str]) -> None:
    assert flags_up_to(["avx", "avx2", "avx512_bf16", "fma", "sse4_2"], isa) == left


@pytest.mark.parametrize("adapter", ["torch", "tf-nn", "jax-lax"])
def test_the_frameworks_facts_are_measured(adapter: str) -> None:
    if adapter not in INSTALLED:
        pytest.skip(f"{adapter} is not installed")
    spec = resolve(adapter)
    with AdapterProcess(spec) as host:
        assert host.start() is None
        facts = host.environment["facts"]
    own = {item.name for package in ("torch", "tensorflow", "jax") for item in FACTS[package]}
    measured = {name for name in own & facts.keys() if facts[name] is not None}
    # oneDNN's instruction set is null where oneDNN is off.
    assert own & facts.keys() - measured <= {"onednn.isa"}
    assert facts["threads"] >= 1
    assert ("onednn.isa" in measured) == bool(facts.get("torch.onednn") or facts.get("tensorflow.onednn"))
