"""Findings that are written down, handed on: a script, an issue body and a port of each, run without us."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import load, resolve
from conformance.calls import Meaning, WeightForm
from conformance.cases import Case, DomainError
from conformance.cases.data import make_tensors
from conformance.oracle.expected_output import expected_output
from conformance.porting import find_port
from conformance.porting.script import port_text
from conformance.reports.gate import expectations
from conformance.triage.repro import Observation, build_script, context, gather, issue, run_alone
from conformance.triage.repro.data import data_lines
from tests.support.command import conformance
from tests.support.frameworks import requires

# The finding in the file of its adapter, and a case like its evidence whose output is right. Left out is what
# not every processor or every process shows: what needs AVX512-BF16, and what is intermittent.
FINDINGS = {
    ("keras-tensorflow", "bias-added-along-the-last-axis"): "1d-n2-c3x5-i5-k2-s1-d3-same-cf-b0",
    ("jax-lax", "gradient-through-a-negative-padding"): "2d-n2-c3x5-i4x3-k3x4-s2x3-p1-cl-b1-grad",
    ("jax-lax", "compiler-aborts-over-an-exchanged-kernel"): "2d-n2-c3x2-i2x3-k4x2-s1x2-valid-bf16-ints.1",
    ("jax-lax", "dilating-an-empty-axis"): "1d-n2-c3x5-i2-k4-s2-valid-b1",
    ("onnxruntime", "same-with-a-stride-over-the-kernel"): "1d-n2-c3x5-i3-k3-s3-same-b1",
    ("onnxruntime", "output-padding-of-a-stride-or-more"): "1d-n2-c3x5-i4-k3-s2-d3-p1.3-op1-b1",
    ("onnxruntime", "empty-axis-in-three-dimensions"): "3d-n2-c3x5-i1x3x2-k4x3x2-s2x1x3-valid-b1",
    ("onnxruntime", "no-channels"): "1d-n2-c4x6-i5-k3-s2-valid-op1-b1",
    ("onnx-reference", "several-channels-a-group"): "1d-n2-c5x5-i4-k3-s2-valid-b1",
    ("onnx-infer-shapes", "same-with-output-padding"): "1d-n1-c3x2-i4-k1-s1-d3-same_upper-f64",
    ("openvino", "same-with-a-stride-over-the-kernel"): "1d-n2-c3x5-i4-k3-s3-same-b1",
    ("openvino", "no-groups-or-negative-output-padding"): "1d-n2-c4x6-i5-k3-s2-p1-b1",
    ("torch-meta", "arguments-that-eager-refuses"): "1d-n2-c4x6-i5-k3-s2-valid-op1-b1",
}

# What a script may import beside the standard library and NumPy.
FRAMEWORKS = {
    "torch": {"torch"},
    "keras": {"keras", "tensorflow"},
    "jax": {"jax"},
    "onnxruntime": {"onnx", "onnxruntime"},
    "onnx": {"onnx"},
    "openvino": {"onnx", "openvino"},
}
TO = "onnxruntime"
SECTIONS = ("Script", "Expected and actual", "Versions", "Other implementations", "When it happens", "Definitions")

pytestmark = pytest.mark.filterwarnings("ignore")


def entry_of(adapter: str, finding: str) -> expectations.Expectation:
    (entry,) = (entry for entry in expectations.load(adapter) if entry.finding == finding)
    return entry


def case_of(adapter: str, finding: str) -> Case:
    """The first evidence of an entry."""
    return Case.parse(entry_of(adapter, finding).evidence[0])


def has_an_output(case: Case) -> bool:
    try:
        return bool(case.geometry())
    except DomainError:
        return False


findings = [pytest.param(*key, marks=requires(key[0]), id="-".join(key)) for key in FINDINGS]
with_an_output = [param for param, key in zip(findings, FINDINGS, strict=True) if has_an_output(case_of(*key))]


# Its findings are about what oneDNN computes, which TensorFlow switches on by itself on some processors only.
_ON = {"keras-tensorflow": "keras-tensorflow~onednn-on"}


@cache
def observe(adapter: str, finding: str) -> Observation:
    entry = entry_of(adapter, finding)
    observed = gather(case_of(adapter, finding), resolve(_ON.get(adapter, adapter)))
    if not entry.applies(observed.environment):
        pytest.skip(f"{adapter}: {finding} is known of other versions: {observed.environment.get('versions')}")
    return observed


def imported(script: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize(("adapter", "finding"), findings)
def test_a_finding_can_be_handed_on(
    adapter: str, finding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed = observe(adapter, finding)
    assert observed.outcome.gates
    script = build_script(observed)
    assert imported(script) <= sys.stdlib_module_names | {"numpy"} | FRAMEWORKS[adapter.partition("-")[0]]
    assert len([line for line in script.splitlines() if line.strip()]) <= 31
    run = run_alone(script, sys.executable)
    assert run.code == 1, run
    assert "expected" in run.stdout

    right = gather(Case.parse(FINDINGS[adapter, finding]), observed.spec)
    assert right.outcome.status == "pass", right.outcome
    run_right = run_alone(build_script(right), sys.executable)
    assert run_right.code == 0, run_right

    # Other frameworks and further cases take longer than a test should; they have tests of their own.
    monkeypatch.setattr(context, "expand", lambda names: [])
    monkeypatch.setattr(context, "_MOST_CASES", 0)
    monkeypatch.setattr(context, "neighbours", lambda case: iter(()))
    body = issue.build_issue(observed, script, run)
    title = body.partition("\n")[0]
    assert title.startswith(f"# {load(observed.spec.target).packages[0]}: ")
    assert all(f"## {section}" in body for section in SECTIONS)
    assert script in body
    assert run.stdout.splitlines()[0] in body
    assert next(iter(observed.environment["versions"].values())) in body


@pytest.fixture(scope="module")
def target() -> Iterator[AdapterProcess]:
    with ExitStack() as stack:
        yield stack.enter_context(AdapterProcess(resolve(TO), ProcessLimits(answer=60.0)))


def ported(adapter: str, finding: str, host: AdapterProcess) -> tuple[Case, str]:
    """The case, forward and in single precision, as a call of the target."""
    case = replace(case_of(adapter, finding), direction="fwd", dtype="f32")
    port = find_port(case, host)
    assert not isinstance(port, str), port
    return port.case, port_text(Meaning("", case, WeightForm()), port, host)


@requires(TO)
@pytest.mark.parametrize(("adapter", "finding"), with_an_output)
def test_a_finding_has_a_port_that_runs_alone(
    adapter: str, finding: str, target: AdapterProcess, tmp_path: Path
) -> None:
    case, text = ported(adapter, finding, target)
    if "WRONG" in text:
        # An empty axis is wrong in the target as well, and its port says so.
        assert min(case.input_size) == 0
        return
    tensors = make_tensors(case)
    result = tmp_path / "y.npy"
    given = ["import base64, zlib", "import numpy as np", *data_lines(case, tensors)]
    code = "\n".join([*given, text, f"np.save({str(result)!r}, np.asarray(y))"])
    assert imported(code) <= sys.stdlib_module_names | {"numpy"} | FRAMEWORKS[TO]
    done = run_alone(code, sys.executable)
    assert done.code == 0, done.stderr
    np.testing.assert_array_equal(np.load(result), expected_output(case, tensors)["y"])


def test_there_are_ten_findings_of_several_frameworks() -> None:
    assert len(FINDINGS) >= 10
    assert len({adapter for adapter, _ in FINDINGS}) >= 6


def test_an_invalid_case_has_no_port_and_the_command_says_why() -> None:
    case = "1d-n2-c0x6-i5-k3-s2-d1-g1-valid-op1-cf-f32-b1-ints.0-fwd"
    done = conformance("port", case, "--to", TO)
    assert done.returncode == 2
    assert "is invalid, so there is nothing to port: R11: in_channels is 0" in done.stderr
