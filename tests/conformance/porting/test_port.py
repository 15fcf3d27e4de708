"""Ports: every step keeps the case, the printed text runs alone, and what cannot be proven is said."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import BUILT_IN, available, resolve
from conformance.calls import Meaning, WeightForm, parse_call
from conformance.calls.weights import call_shape, from_case
from conformance.cases import Case, CaseError, DomainError
from conformance.cases.data import make_tensors
from conformance.cases.tiers import load_tier
from conformance.oracle.expected_output import expected_output
from conformance.porting import STEPS, Port, find_port, prove
from conformance.porting.matrix import port_all, valid_cases
from conformance.porting.script import port_text
from conformance.porting.store import PortsRecord
from tests.support.command import ROOT, conformance, toy
from tests.support.frameworks import families, requires

SAMPLE = 30
SMALL_SAMPLE = {"jax-lax": 10}  # each case is compiled
CASES = [case for case in load_tier("smoke") if not case.format.is_complex]


def _numbers(port: Port, direction: str, skip: str = "") -> dict[str, Any]:
    """What the lines around the call make of the right output of the changed case."""
    case = dataclasses.replace(port.case, direction=direction, data="ints")
    changed = dataclasses.replace(port.call_case, direction=direction, data="ints")
    there: dict[str, Any] = {"np": np, **make_tensors(case)}
    parts = ["before"] if direction == "fwd" else ["before", "before_gradient"]
    exec("\n".join(line for part in parts if part != skip for line in port.lines(part)), there)
    names = [name for name in make_tensors(changed) if name in there]
    there.update(expected_output(changed, {name: there[name] for name in names}))
    after = "after" if direction == "fwd" else "after_gradient"
    exec("\n".join([] if after == skip else port.lines(after)), there)
    return there


@given(st.sampled_from(CASES), st.permutations(STEPS))
def test_a_step_keeps_the_case(case: Case, steps: list[Any]) -> None:
    changed, taken = case, []
    try:
        for step in steps:
            if not step.applies(changed):
                continue
            taken.append((step, changed))
            changed = step.case(changed)
        changed.geometry()
    except (DomainError, CaseError):
        assume(False)
    assume(taken)
    port = Port(case, changed, tuple(taken))
    for direction in ("fwd", "grad"):
        there = _numbers(port, direction)
        wanted = dataclasses.replace(case, direction=direction, data="ints")
        for name, right in expected_output(wanted, make_tensors(wanted)).items():
            np.testing.assert_array_equal(there[name], right, err_msg=f"{name} {direction}")


GROUPS = next(step for step in STEPS if step.about.startswith("groups"))


@requires("torch")
def test_a_port_that_is_wrong_is_said_to_be() -> None:
    case = Case.parse("2d-c4x6-i5x7-k3x2-s2-d2x1-g2-p1")
    right = Port(case, GROUPS.case(case), ((GROUPS, case),))
    lazy = dataclasses.replace(GROUPS, before=lambda case: ["w = np.concatenate([w, w], axis=1)"])
    with AdapterProcess(resolve("torch")) as host:
        assert prove(right, host).proved == ("output", "gradients")
        assert "values" in prove(Port(case, GROUPS.case(case), ((lazy, case),)), host).problem
        assert "shape" in prove(Port(case, dataclasses.replace(case, padding="valid")), host).problem


def test_a_wrong_call_gives_way_to_a_right_one_with_steps() -> None:
    case = Case.parse("1d-i3-k3-s2-same")
    with AdapterProcess(resolve(toy("WrongSame"))) as host:
        port = find_port(case, host)
        assert isinstance(port, Port)
        assert port.proof.proved == ("output", "gradients")
        assert not port.proof.problem
        assert "the crop is written out" in [step.about for step, _ in port.steps]
        assert port.reason.startswith("The call alone gives a wrong output")
        text = port_text(Meaning("", case, WeightForm()), port, host)
    assert "# Verified" in text
    assert "WRONG" not in text


@pytest.mark.parametrize(
    "text",
    ["1d-i4-k3-p0", "1d-i4-k3-p1", "1d-i3-k2-s4-circular", "2d-c3x9-i2x4-k3x1-s1x2-g3-circular_lower-op0-b1"],
)
def test_two_words_are_enough(text: str) -> None:
    with AdapterProcess(resolve(toy("NamedPaddingOnly"))) as host:
        port = find_port(Case.parse(text), host)
    assert isinstance(port, Port), port
    assert port.call_case.padding in ("valid", "same")
    assert port.proof.proved == ("output", "gradients")
    assert not port.proof.problem


CALLS = [
    ("keras.layers.Conv2DTranspose(3, 3, strides=2, padding='same')", (1, 4, 5, 2), None),
    ("torch.nn.ConvTranspose2d(4, 6, (3, 2), stride=2, padding=1, groups=2, dilation=2)", (1, 4, 5, 7), None),
    ("jax.lax.conv_transpose(x, w, (2,), 'SAME')", (1, 5, 2), (3, 2, 4)),
    ("eqx.nn.ConvTranspose(1, 4, 6, 3, 2, 1, 1, groups=2, key=k)", (4, 5), None),
    ("tf.nn.conv1d_transpose(x, w, [1, 13, 6], 3, 'VALID')", (1, 4, 3), (2, 6, 3)),
]


@pytest.mark.parametrize(
    "target", [name for name in ("torch", "keras-tensorflow", "jax-lax") if name in available()]
)
def test_the_printed_port_runs_alone(target: str, tmp_path: Path) -> None:
    scripts, rights = [], []
    with AdapterProcess(resolve(target)) as host:
        for number, (text, inputs, weights) in enumerate(CALLS):
            meaning = parse_call(text, input_shape=inputs, weight_shape=weights)
            port = find_port(meaning.case, host)
            assert isinstance(port, Port), port
            assert not port.proof.problem
            script = port_text(meaning, port, host)
            assert "# Verified on random weights" in script
            tensors = dict(make_tensors(meaning.case))
            there: dict[str, Any] = {"np": np, "w": tensors["w"]}
            exec("\n".join(from_case(meaning.weight, meaning.case)), there)
            tensors["w"] = there["w"]
            assert tensors["w"].shape == call_shape(meaning.weight, meaning.case)
            np.savez(tmp_path / f"{number}.npz", **tensors)  # type: ignore[arg-type]  # NumPy's own stub
            (tmp_path / f"{number}.py").write_text(script)
            scripts.append(f"{number}")
            rights.append(expected_output(meaning.case, make_tensors(meaning.case))["y"])
    harness = (
        "import sys, numpy as np\n"
        "for n in sys.argv[1:]:\n"
        "    names = dict(np.load(n + '.npz')) | {'__name__': 'port'}\n"
        "    exec(compile(open(n + '.py').read(), n, 'exec'), names)\n"
        "    y = names['y']\n"
        "    np.save(n + '.npy', np.asarray(y.detach() if hasattr(y, 'detach') else y))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", harness, *scripts], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name, right in zip(scripts, rights, strict=True):
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), right.astype(np.float32))


@pytest.mark.parametrize("target", families())
def test_every_port_of_the_gate_is_right_or_the_discrepancy_is_known(target: str) -> None:
    # One in so many; `tox run -e ports` takes all of them.
    cases = valid_cases(load_tier("gate"))
    cases = cases[:: len(cases) // SMALL_SAMPLE.get(target, SAMPLE)]
    (ported,) = port_all([resolve(target)], cases, ProcessLimits(), PortsRecord()).values()
    kinds = [entry.kind for entry in ported.values()]
    wrong = {str(case): entry.why for case, entry in ported.items() if entry.kind == "wrong"}
    assert not wrong
    assert kinds.count("direct") + kinds.count("with steps") > len(cases) * 0.3


@requires("torch")
def test_the_command_prints_a_port() -> None:
    done = conformance("port", "keras.layers.Conv2DTranspose(64, 3, strides=2, padding='same')", "--to", "torch")
    assert done.returncode == 0, done.stderr
    assert "F.conv_transpose2d(" in done.stdout
    assert "np.transpose(w, (3, 2, 0, 1))" in done.stdout


def test_a_framework_stands_for_an_interface_that_there_is() -> None:
    from conformance.cli.port import _FRAMEWORKS

    assert set(_FRAMEWORKS.values()) <= set(BUILT_IN)
    assert not set(_FRAMEWORKS) & set(BUILT_IN)


def test_an_interface_that_cannot_run_is_our_failure() -> None:
    for arguments in (("2d-i5-k3", "--to", toy("CannotImport")),
                      ("--table", "--adapter", toy("CannotImport"), "--adapter", toy("Right"))):  # fmt: skip
        done = conformance("port", *arguments)
        assert done.returncode == 3
        assert "WRONG" not in done.stdout
        assert "cannot be loaded" in done.stderr


def test_a_call_that_hangs_is_not_tried_in_every_form() -> None:
    case = Case.parse("2d-i5x7-k2-s2-same-b1")
    with AdapterProcess(resolve(toy("Hangs")), ProcessLimits(answer=0.5)) as host:
        port = find_port(case, host)
        assert isinstance(port, Port)
        assert port.proof.ended == "timeout"
        assert host._request_count <= 2


def test_an_output_in_a_different_dtype_is_not_a_port() -> None:
    case = Case.parse("1d-i3-k3-s2-p0")
    with AdapterProcess(resolve(toy("OtherDtype"))) as host:
        assert "dtype" in prove(Port(case, case), host).problem


@requires("torch")
def test_the_port_of_the_readme_is_what_is_printed() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"\$ conformance port (\"keras.*) --to torch\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    assert conformance("port", found[1].strip('"'), "--to", "torch").stdout == found[2]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("2d-i5-k3", "--to", f"{ROOT}/*"),
        ("2d-i5-k3",),
        ("2d-i5-k3", "--to", "nothing"),
        ("2d-i5-k3-s0", "--to", "torch"),
        ("--table", "--to", "torch"),
        ("what(", "--to", "torch"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = conformance("port", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
