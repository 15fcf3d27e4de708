"""An adapter's process: whatever it does is a reply, and the next case runs."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.adapters.host.client import AdapterProcess, Model, ProcessLimits, Reply
from conformance.adapters.host.connection import Connection
from conformance.adapters.host.precompile import THREADS
from conformance.adapters.registry import AdapterSpec, UnknownAdapter, resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from tests.support.command import toy

CASE = Case.parse("2d-i3x2-k2x3-s2")


def run(name: str, **limits: Any) -> Reply:
    with AdapterProcess(resolve(toy(name)), ProcessLimits(**limits)) as host:
        return host.run(CASE, make_tensors(CASE))


def pid_of(host: AdapterProcess) -> int:
    assert isinstance(host._running, Connection)
    return host._running.process.pid


def test_a_signal_is_named_with_the_last_lines() -> None:
    reply = run("Aborts")
    assert reply.kind == "crash"
    assert reply.detail.startswith("SIGABRT")
    assert "the last text" in reply.detail


@pytest.mark.parametrize(("name", "detail"), [("Exits", "exit status 7"), ("Half", "exit status 0")])
def test_an_exit_without_a_message_is_a_crash(name: str, detail: str) -> None:
    reply = run(name)
    assert (reply.kind, reply.detail.splitlines()[0]) == ("crash", detail)


def test_a_kill_from_outside_is_not_a_fault_of_the_framework() -> None:
    reply = run("Killed")
    assert reply.kind == "broken"
    assert "SIGKILL" in reply.detail


def test_a_hang_ends_at_the_limit() -> None:
    started = time.monotonic()
    reply = run("Hangs", answer=0.5)
    assert reply.kind == "timeout"
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("name", ["Grows", "RequestsTerabyte"])
def test_memory_without_end_is_refused_and_the_process_goes_on(name: str) -> None:
    # Less than it may take by default, so that the test itself does not fill half of the machine.
    huge = Case.parse("1d-i3-k2-s4611686018427387904-p0")
    with AdapterProcess(resolve(toy(name))) as host:
        assert host.start() is None
        pid = pid_of(host)
        soft, _ = resource.prlimit(pid, resource.RLIMIT_DATA)
        assert 8 << 30 <= soft <= 1 << 46
        resource.prlimit(pid, resource.RLIMIT_DATA, (2 << 30, 2 << 30))
        # Where R12 leaves the choice, that is a refusal. A small case needs little memory, so it is one, too.
        assert [host.run(case, make_tensors(case)).kind for case in (huge, CASE)] == ["raised", "raised"]
        assert pid_of(host) == pid


def test_garbage_is_our_failure_and_no_verdict() -> None:
    reply = run("Garbage")
    assert reply.kind == "broken"
    assert "no valid reply" in reply.detail


def test_megabytes_of_output_block_nothing() -> None:
    reply = run("Talkative", answer=30)
    assert reply.kind == "answer"
    assert reply.tensors["y"].values.shape == CASE.output_shape


def test_a_process_that_never_stops_to_print_has_its_time_and_no_more() -> None:
    with AdapterProcess(resolve(toy("NeverStopsPrinting")), ProcessLimits(answer=0.5)) as host:
        assert host.run(CASE, make_tensors(CASE)).kind == "timeout"
        assert host.resident_bytes() == 0


def test_a_long_error_is_cut() -> None:
    reply = run("RefusesAtLength")
    assert reply.kind == "raised"
    assert reply.detail.startswith("RuntimeError: no no")
    assert len(reply.detail) < 100_000


def test_unwritten_memory_is_not_steady() -> None:
    case = Case.parse("2d-n2-c1x4-i9x9-k3-s2")
    with AdapterProcess(resolve(toy("Stale"))) as host:
        assert not host.run(case, make_tensors(case)).deterministic
    with AdapterProcess(resolve(toy("Zeros"))) as host:
        assert host.run(case, make_tensors(case)).deterministic


def test_unwritten_memory_looks_the_same_before_and_after_a_second_call() -> None:
    case = Case.parse("2d-n2-c1x4-i9x9-k3-s2")
    with AdapterProcess(resolve(toy("Stale"))) as host:
        outputs = [host.run(case, make_tensors(case), twice=twice).tensors["y"] for twice in (False, True, False)]
    assert outputs[0].values.any()
    np.testing.assert_array_equal(outputs[2].values, outputs[0].values)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("CannotImport", "No module named 'no_such_framework'"),
        ("Broken", "not_defined"),
    ],
)
def test_the_adapters_own_mistakes_are_ours(name: str, detail: str) -> None:
    reply = run(name)
    assert reply.kind == "broken"
    assert detail in reply.detail


def test_an_output_that_holds_no_numbers_is_not_ours() -> None:
    reply = run("GivesText")
    assert reply.kind == "not_numbers"
    assert "holds no numbers" in reply.detail


def test_a_process_killed_between_cases_is_replaced() -> None:
    with AdapterProcess(resolve(toy("Zeros"))) as host:
        tensors = make_tensors(CASE)
        assert host.run(CASE, tensors).kind == "answer"
        os.kill(pid_of(host), signal.SIGTERM)
        assert host.run(CASE, tensors).kind == "crash"
        assert host.run(CASE, tensors).kind == "answer"


def test_an_interpreter_that_cannot_host_is_broken_each_time_at_no_cost(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho no NumPy here >&2\nexit 1\n")
    fake.chmod(0o755)
    with AdapterProcess(AdapterSpec("quiet", toy("Zeros"), str(fake))) as host:
        for _ in range(2):
            reply = host.run(CASE, make_tensors(CASE))
            assert reply.kind == "broken"
            assert "no NumPy here" in reply.detail


def test_another_interpreter_hosts() -> None:
    spec = resolve(f"{toy('Zeros')}@{sys.executable}")
    assert not spec.foreign
    with AdapterProcess(spec) as host:
        assert host.run(CASE, make_tensors(CASE)).kind == "answer"
        assert host.environment["versions"]["numpy"] == np.__version__


def test_large_arrays_cross() -> None:
    case = Case.parse("2d-n4-c16x16-i64x64-k2-s2")
    with AdapterProcess(resolve(toy("Zeros"))) as host:
        assert host.run(case, make_tensors(case)).tensors["y"].values.shape == case.output_shape


@pytest.mark.parametrize("name", ["AbortsOnGroups", "AbortsInAThread"])
def test_a_crash_belongs_to_the_case_that_caused_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three cases under way, the second of which ends the process before the first output is read."""
    monkeypatch.setenv(THREADS, "2")
    cases = [Case.parse(f"1d-c4x4-i{size}-k3-g{groups}") for size, groups in ((3, 1), (4, 2), (5, 1))]
    with AdapterProcess(resolve(toy(name))) as host:
        sent = [host.send(case, make_tensors(case)) for case in cases]
        time.sleep(1)
        replies = [host.wait(pending) for pending in sent]
        assert [reply.kind for reply in replies] == ["answer", "crash", "answer"]
        assert f"over {cases[1]}" in replies[1].detail
        assert f"over {cases[0]}" not in replies[1].detail
        assert replies[2].tensors["y"].values.shape == cases[2].output_shape


def test_what_was_printed_over_a_case_with_an_output_is_not_in_the_report_of_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second is under way in a thread, and ends the process there, when the output of the first is sent."""
    monkeypatch.setenv(THREADS, "2")
    cases = [Case.parse(f"1d-c4x4-i{size}-k3-g{groups}") for size, groups in ((3, 1), (4, 2))]
    with AdapterProcess(resolve(toy("AbortsAtLast"))) as host:
        sent = [host.send(case, make_tensors(case)) for case in cases]
        output, crash = [host.wait(pending) for pending in sent]
    assert (output.kind, crash.kind) == ("answer", "crash")
    assert f"over {cases[1]}" in crash.detail
    assert f"over {cases[0]}" not in crash.detail


def test_a_hang_in_a_thread_belongs_to_the_case_that_caused_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "2")
    cases = [Case.parse(f"1d-c4x4-i{size}-k3-g{groups}") for size, groups in ((3, 1), (4, 2), (5, 1))]
    with AdapterProcess(resolve(toy("HoldsTheLock")), ProcessLimits(answer=2)) as host:
        sent = [host.send(case, make_tensors(case)) for case in cases]
        assert [host.wait(pending).kind for pending in sent] == ["answer", "timeout", "answer"]


def test_a_crash_over_a_case_sent_ahead_waits_for_its_turn() -> None:
    first, faulty = Case.parse("1d-c4x4-i3-k3"), Case.parse("1d-c4x4-i4-k3-g2")
    with AdapterProcess(resolve(toy("AbortsOnGroups"))) as host:
        sent = [host.send(case, make_tensors(case)) for case in (first, faulty)]
        assert host.wait(sent[0]).kind == "answer"
        assert "np.zeros" in str(host.program(first))
        assert host.run(first, make_tensors(first)).kind == "answer"
        assert host.wait(sent[1]).kind == "crash"


def test_large_arrays_cross_both_ways_at_once() -> None:
    case = Case.parse("2d-n4-c16x16-i64x64-k2-s2")
    tensors = make_tensors(case)
    with AdapterProcess(resolve(toy("Zeros"))) as host:
        sent = [host.send(case, tensors) for _ in range(4)]
        assert [host.wait(pending).kind for pending in sent] == ["answer"] * 4


def test_there_is_no_model_file_without_a_runtime() -> None:
    with AdapterProcess(resolve(toy("Zeros"))) as host:
        reply = host.model(CASE, make_tensors(CASE))
        assert not isinstance(reply, Model)
        assert reply.kind == "inexpressible"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "unknown adapter 'nothing'; known adapters: "),
        ("torch@/no/such/python", "interpreter not found: /no/such/python"),
        ("no/file.py:Class", "file not found: no/file.py"),
        (f"{__file__}:not a name", "is not a class name"),
    ],
)
def test_names_that_are_not_an_adapter(name: str, message: str) -> None:
    with pytest.raises(UnknownAdapter, match=message):
        resolve(name)


@pytest.fixture
def descriptors() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before


def test_nothing_is_left_open(descriptors: None) -> None:
    for name in ("Zeros", "Aborts", "Garbage"):
        run(name)


def test_a_process_that_has_grown_makes_room_for_a_fresh_one() -> None:
    tensors = make_tensors(CASE)

    def processes(memory: int) -> int:
        with AdapterProcess(resolve(toy("Zeros")), ProcessLimits(memory=memory)) as host:
            seen = set()
            for _ in range(110):
                assert host.run(CASE, tensors).kind == "answer"
                seen.add(pid_of(host))
            assert host.resident_bytes() > 1 << 20
            return len(seen)

    assert processes(memory=1) == 3
    assert processes(memory=64 << 30) == 1


@pytest.mark.parametrize(("name", "right"), [("Damaged", False), ("KnownAsDamaged", True)])
def test_no_case_runs_in_a_process_that_an_earlier_one_is_known_to_damage(name: str, right: bool) -> None:
    damaging = Case.parse("1d-i3-k2")
    with AdapterProcess(resolve(toy(name))) as host:
        sent = [host.send(case, make_tensors(case), twice=False) for case in (damaging, CASE, CASE)]
        assert host.wait(sent[0]).tensors["y"].values.any()
        replies = [host.wait(pending) for pending in sent[1:]]
        assert [bool(reply.tensors["y"].values.any()) for reply in replies] == [right, right]
