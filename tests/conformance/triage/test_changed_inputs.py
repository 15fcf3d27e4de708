"""A call that changes its inputs in memory fails, though its output is right, and a script shows it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from conformance.adapters.base import Tensor
from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.oracle.expected_output import input_tensors
from conformance.oracle.verdict import judge
from conformance.triage.repro import build_script, gather, run_alone
from tests.support.command import conformance, toy

CASE = "1d-c2x3-i4-k3-s2"


@pytest.mark.parametrize(("adapter", "kind"), [("Overwriting", "inputs"), ("Right", None)])
def test_only_a_call_that_changes_its_inputs_fails(adapter: str, kind: str | None) -> None:
    done = conformance("check", CASE, "--adapter", toy(adapter), "--json")
    (outcome,) = json.loads(done.stdout)["outcomes"]
    assert (done.returncode, outcome["kind"]) == (int(kind is not None), kind)
    if kind:
        assert outcome["detail"] == "the call changed x in memory"
        assert outcome["diagnosis"]["transform"] == "inputs_changed"


def test_a_wrong_output_says_more_than_a_changed_input() -> None:
    case = Case.parse(CASE)
    tensors = input_tensors(case)
    with AdapterProcess(resolve(toy("Overwriting"))) as host:
        reply = host.run(case, tensors)
        assert reply.overwritten == ("x",)
    wrong = replace(reply, tensors={"y": Tensor.of(reply.tensors["y"].values + 1)})
    assert judge(case, tensors, wrong).kind == "values"


def test_the_script_fails_alone() -> None:
    observed = gather(Case.parse(CASE), resolve(toy("Overwriting")))
    run = run_alone(build_script(observed), sys.executable)
    assert run.code == 1
    assert "x expected [" in run.stdout
