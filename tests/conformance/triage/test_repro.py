"""Repro scripts: run alone they give the recorded bits, exit 1 while the fault is there and 0 without it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec, resolve
from conformance.cases import Case
from conformance.cases.data import DATA_KINDS, make_tensors
from conformance.triage.repro import Observation, build_script, gather, observation, run_alone
from conformance.triage.repro.context import neighbourhood
from conformance.triage.repro.data import array_text, data_lines
from tests.support.command import conformance, errors, toy
from tests.support.frameworks import families

# Runs scripts one after the other in one process without us on its path, and keeps what each of them got.
_HARNESS = """
import json, sys
import numpy as np
found = {}
for path in sys.argv[2:]:
    names = {"__name__": "__main__", "__file__": path}
    try:
        exec(compile(open(path).read(), path, "exec"), names)
        found[path] = 0
    except SystemExit as end:
        found[path] = end.code
    except AssertionError:
        found[path] = 1
    # A shape inference leaves a shape in place of an output.
    got = names.get("got", {"shape": np.array(names["shape"])} if "shape" in names else {})
    np.savez(path + ".npz", **(got if isinstance(got, dict) else {"y": got}))
json.dump(found, open(sys.argv[1], "w"))
"""

CASES = (
    "1d-i2-k3-s2-same-b1",
    "2d-n2-c4x6-i5x7-k3x2-s2x3-p1x0.1-cl-b1-ints.3-grad",
    "2d-n2-c2x6-i5x7-k3-s2-valid-cl-bf16-ints.1",
    "3d-c2x3-i3x2x4-k3x2x1-s1x2x1-p0-normal.2",
    "1d-n2-c3x4-i9-k4-s3-valid-f64-normal.5-grad",
    "2d-i3x4-k3-s0x1-p1",
    "2d-n2-c2x3-i4x5-k3x2-s2-same-cl-ints.2",
    "2d-n1-c3x2-i3x4-k2-s1-valid-cl-ints.3",
)


@pytest.fixture
def one_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdapterSpec]:
    """An adapter of which one process runs every case: to load a framework takes seconds."""
    spec = resolve(request.param)
    with AdapterProcess(spec) as host:
        monkeypatch.setattr(observation, "AdapterProcess", lambda *_: nullcontext(host))
        yield spec


@pytest.mark.parametrize("one_process", families(), indirect=True)
def test_the_script_alone_gives_the_recorded_bits(one_process: AdapterSpec, tmp_path: Path) -> None:
    scripts: dict[str, Observation] = {}
    for number, text in enumerate(CASES):
        observed = gather(Case.parse(text), one_process)
        if observed.outcome.status in ("unsupported", "inexpressible"):
            continue
        path = tmp_path / f"repro{number}.py"
        path.write_text(build_script(observed))
        scripts[str(path)] = observed
    assert len(scripts) >= 2
    codes = tmp_path / "codes.json"
    done = subprocess.run(
        [sys.executable, "-I", "-c", _HARNESS, str(codes), *scripts], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for path, code in json.loads(codes.read_text()).items():
        observed = scripts[path]
        assert code == int(observed.outcome.gates), observed.case
        with np.load(path + ".npz") as got:
            if observed.outcome.digest and observed.outcome.kind != "accepted":
                assert set(got) == set(observed.got)
            for name in got:
                recorded = observed.got[name]
                assert got[name].dtype == recorded.dtype
                assert got[name].tobytes() == recorded.tobytes(), (observed.case, name)


FAULTS = {
    "PlainFlipped": ("1d-i3-k3-s2-p0", "values"),
    "PlainAborts": ("1d-i3-k3-s2-p0", None),
    "PlainHangs": ("1d-i3-k3-s2-p0", None),
    "PlainRefuses": ("1d-i3-k3-s2-p0", "rejected"),
    "AcceptsAnything": ("1d-i3-k3-s0-p0", "accepted"),
    "OtherDtype": ("1d-i3-k3-s2-p0", "dtype"),
    "Shortens": ("1d-i300-k3-s2-p0", "shape"),
    "MinusZero": ("1d-i3-k2-s3-p0-signedzero.0", "values"),
    "NamesThings": ("1d-i3-k3-s2-p0", "values"),
    "Imprecise": ("1d-i3-k3-s2-p0-normal.0", "precision"),
}


def _observe(fault: str, text: str) -> Observation:
    return gather(Case.parse(text), resolve(toy(fault)), ProcessLimits(answer=1.0))


@pytest.mark.parametrize("fault", FAULTS)
def test_the_script_exits_1_while_the_fault_is_there_and_0_without_it(fault: str, tmp_path: Path) -> None:
    text, kind = FAULTS[fault]
    faulty, right = _observe(fault, text), _observe("Plain", text)
    assert faulty.outcome.gates
    assert faulty.outcome.kind == kind
    assert not right.outcome.gates
    script = build_script(faulty)
    impatient = script.replace("timeout=60", "timeout=2") if fault == "PlainHangs" else script
    run = run_alone(impatient, sys.executable)
    assert run.shows(faulty)
    assert "NameError" not in run.stderr
    # The fault put right: the same script around the right call.
    fixed = _swap(faulty, right, script)
    assert fixed != script
    path = tmp_path / "fixed.py"
    path.write_text(fixed)
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expected" in done.stdout


def test_what_overflow_leaves_is_not_shown_as_the_fault() -> None:
    text = "1d-i7-k3-f16-given.0.x1000_m1000_1000_0_0_0_2.wm1000"
    faulty, right = (_observe(name, text) for name in ("WideAndWrong", "Wide"))
    assert (right.outcome.status, faulty.outcome.status) == ("pass", "fail")
    assert np.isinf(right.got["y"]).sum() == 3
    script = build_script(faulty)
    run = run_alone(script, sys.executable)
    assert run.shows(faulty)
    assert '("y", (0, 0, 8), -2000.0' in script
    # Another order of summation may leave something else there; only the last element is wrong.
    for fixed in ("y[0, 0, -1] += 0", "y[0, 0, 2] = np.nan"):
        other = script.replace("y[0, 0, -1] += np.float16(100)", fixed)
        assert other != script
        assert run_alone(other, sys.executable).code == 0, fixed
    assert run_alone(build_script(right), sys.executable).code == 0


def test_the_script_of_a_gradient_is_about_what_is_wrong_of_it() -> None:
    observed = _observe("WrongWeightGradient", "1d-c2x4-i3-k3-s2-g2-p1-b1-grad")
    assert observed.outcome.kind == "gradient"
    script = build_script(observed)
    run = run_alone(script, sys.executable)
    assert run.shows(observed)
    assert "AssertionError" in run.stderr
    assert '"db"' not in script
    fixed = script.replace("dw = dw + 1\n", "")
    assert fixed != script
    assert run_alone(fixed, sys.executable).code == 0
    # All three, where none is wrong.
    right = build_script(_observe("Gradients", "1d-c2x4-i3-k3-s2-g2-p1-b1-grad"))
    assert run_alone(right, sys.executable).code == 0
    for name in ("dx", "dw", "db"):
        spoilt = right.replace("got = {", f"{name} = {name} + 1\ngot = {{")
        assert run_alone(spoilt, sys.executable).code == 1, name


@pytest.mark.parametrize(
    ("fault", "ended"),
    [("PlainAborts", "got exit code -6\n"), ("AcceptsAnything", "got exit code 0\n"), ("PlainHangs", "")],
)
def test_an_invalid_case_runs_in_a_child(fault: str, ended: str) -> None:
    right, faulty = (_observe(name, "1d-i3-k3-s0-p0") for name in ("Plain", fault))
    assert right.outcome.status == "pass"
    assert faulty.outcome.gates
    script = build_script(right)
    assert run_alone(script, sys.executable).code == 0
    # The script of a version that refuses, in one that does not; and the script of that one.
    for other in (_swap(right, faulty, script), build_script(faulty)):
        impatient = other.replace("timeout=60", "timeout=2") if fault == "PlainHangs" else other
        run = run_alone(impatient, sys.executable)
        assert run.code == 1
        assert run.stdout.endswith(ended)
        assert "NameError" not in run.stderr


def _swap(faulty: Observation, right: Observation, script: str) -> str:
    for indent in ("", "    "):
        there = "\n".join(indent + line for line in faulty.body)
        if there in script:
            return script.replace(there, "\n".join(indent + line for line in right.body))
    raise AssertionError("the call is not in the script as it was made")


def test_an_output_from_unwritten_memory_shows() -> None:
    observed = _observe("Unwritten", "1d-i3-k3-s2-p0")
    assert observed.outcome.gates
    assert run_alone(build_script(observed, poison=True), sys.executable).shows(observed)


def test_a_script_that_does_not_show_its_outcome_is_noticed() -> None:
    observed = _observe("PlainFlipped", "1d-i3-k3-s2-p0")
    fixed = build_script(observed).replace("w = w[:, :, ::-1]\n", "")
    assert not run_alone(fixed, sys.executable).shows(observed)
    misspelt = build_script(observed).replace("w = w[", "w = v[")
    assert run_alone(misspelt, sys.executable).code == 1
    assert not run_alone(misspelt, sys.executable).shows(observed)


def test_a_change_under_which_something_else_fails_does_not_count() -> None:
    observed = _observe("PlainAbortsWithoutStride", "1d-i3-k3-s2-p0")
    assert observed.outcome.kind == "values"
    lines = neighbourhood(observed, ProcessLimits(answer=5)).splitlines()
    (otherwise,) = (line for line in lines if line.startswith("- the case fails in a different way with: "))
    assert "stride 1" in otherwise
    assert not any("stride 1" in line for line in lines if "goes away" in line)


@settings(max_examples=50)
@given(
    st.sampled_from(sorted(DATA_KINDS)),
    st.sampled_from(["f64", "f32", "f16", "bf16", "c64"]),
    st.sampled_from(["cf", "cl"]),
    st.integers(1, 9),
    st.integers(0, 5),
)
def test_the_data_lines_give_the_bits_back(kind: str, dtype: str, layout: str, size: int, seed: int) -> None:
    case = Case.parse(f"2d-n2-c2x4-i{size}x3-k3x2-s2-same-{layout}-{dtype}-b1-{kind}.{seed}-grad")
    tensors = make_tensors(case)
    there = {"np": np, "base64": base64, "zlib": zlib}
    exec("\n".join(data_lines(case, tensors)), there)
    for name, array in tensors.items():
        assert there[name].dtype == array.dtype
        assert there[name].tobytes() == np.ascontiguousarray(array).tobytes()


@pytest.mark.parametrize("values", [[np.nan, np.inf, -np.inf, 0.1], [-0.0, 1.0], [1.0, -3.0], [1e300], [1 + 2j]])
def test_a_literal_gives_the_bits_back(values: list[complex]) -> None:
    array = np.array(values)
    assert eval(array_text(array), {"np": np}).tobytes() == array.tobytes()


def test_the_issue_says_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from conformance.triage.repro import context, issue

    monkeypatch.setattr(context, "expand", list)  # the others take seconds each to import
    monkeypatch.setattr(context, "_MOST_CASES", 40)  # a short search
    observed = _observe("PlainFlipped", "1d-i3-k3-s2-p0")
    script = build_script(observed)
    body = issue.build_issue(observed, script, run_alone(script, sys.executable), 5.0)
    title, summary = body.split("\n\n")[:2]
    assert title.startswith(
        "# numpy: transposed convolution: wrong values, kernel flipped along W (1D, kernel 3, "
    )
    assert summary.startswith("Wrong values: y differs in ")
    for section in ("Script", "Expected and actual", "Versions", "Other implementations", "When it happens"):
        assert f"## {section}" in body
    assert "conv-transpose-conformance, a test suite that runs" in body
    assert "the problem goes away with: " in body
    assert "Mismatched elements: " in body
    assert "numpy " + np.__version__ in body.replace(":", "")
    assert "- R1, Scatter: `full[j*s + t*d] += x[j] * w[t]`" in body
    assert "oracle" not in body.replace("oracle.", "")  # our word; the toy's call is one of ours


def test_a_passing_output_has_a_script_too() -> None:
    done = conformance("repro", "1d-i2-k3-s2", "--adapter", toy("Plain"))
    assert done.returncode == 0, done.stderr
    assert not errors(done)
    compile(done.stdout, "repro.py", "exec")


@pytest.mark.parametrize(
    "arguments",
    [
        ("1d-i2-k3-s2",),
        ("1d-i2-k3-s2", "--adapter", "nothing"),
        ("1d-i2", "--adapter", toy("Plain")),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = conformance("repro", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
