"""Tests for the author of an adapter: ``pytest --pyargs conformance.contract --adapter file.py:Class``.

The cases are ordinary, and their outputs distinguish every argument and axis. An adapter computes them by the
rules, or declares why it cannot. A failure says what is missing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from conformance.adapters.host.client import AdapterProcess, ProcessLimits
from conformance.adapters.registry import AdapterSpec, UnknownAdapter, load, resolve
from conformance.cases import Case
from conformance.cases.program import Program
from conformance.execution.check import run_case
from conformance.execution.directional import directional_derivatives
from conformance.oracle.error_bound import PROFILES

__all__ = ["DIRECTIONAL", "TABLE"]

# Anisotropic throughout, unequal channel counts.
TABLE = {
    "same": "2d-n2-c2x3-i4x5-k3x2-s2x1-same-cl-b1",
    "valid": "2d-n2-c3x2-i3x4-k2x4-s1x3-valid-cl-b1",
    "valid, channels first": "2d-n2-c3x2-i3x4-k2x4-s1x3-valid",
    "explicit": "2d-c2x3-i4x3-k4x3-s3x2-p1x0-cl",
    "uneven crop": "2d-c2x3-i4x3-k4x3-s3x2-p0.1x1.2-cl-b1",
    "output_padding": "2d-c2x3-i3x2-k3x2-s3x2-p1x0-op2x1-b1",
    "same with output_padding": "2d-c2x3-i3x4-k3x5-s3x2-same-op2x1-cl",
    "dilation": "2d-c2x3-i3x4-k2x3-d3x2-valid-b1",
    "groups": "2d-n2-c4x6-i3x2-k2x3-s2x1-g2-p1x0-b1",
    "one axis": "1d-n2-c2x3-i5-k3-s2-p0.1-cl-b1",
    "three axes": "3d-c2x3-i2x3x4-k2x1x3-s1x2x3-valid-cl-b1",
    "upper": "2d-c2x3-i3x4-k4x3-s1x2-same_upper-cl",
    "lower": "2d-c2x3-i3x4-k4x3-s1x2-same_lower-b1",
    "output size": "1d-c2x3-i3-k4-s2-shape_upper.6-b1",
    "circular": "2d-c2x3-i3x2-k4x5-s2x1-circular-cl-b1",
    "circular lower": "2d-c2x3-i3x2-k4x5-s1x2-circular_lower-b1",
    "gradients": "2d-n2-c2x3-i3x4-k3x2-s2x1-valid-cl-b1-grad",
    "gradients, channels first": "2d-n2-c2x3-i3x4-k3x2-s2x1-p1x0-b1-grad",
    "gradients of groups": "2d-n2-c4x6-i3x2-k2x3-s2x1-g2-p1x0-grad",
    "gradients of gradients": "2d-n2-c2x3-i3x4-k3x2-s2x1-valid-cl-b1-grad2",
    "double": "2d-c2x3-i4x3-k2x3-s2x1-valid-cl-f64",
    "half": "2d-c2x3-i4x3-k2x3-s2x1-valid-cl-f16",
    "bfloat16": "2d-c2x3-i4x3-k2x3-s2x1-valid-cl-bf16-b1",
    "mixed dtypes": "1d-c2x3-i4-k3-s2-valid-cl-f32.f16-b1",
    "complex": "1d-c2x3-i4-k3-s2-p1-c64-grad",
}
DIRECTIONAL = Case.parse("2d-n2-c2x3-i3x4-k3x2-s2x1-valid-cl-f64-b1-grad")
DECLINED = ("unsupported", "inexpressible")
_LEAST = 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test for each adapter named by --adapter."""
    if "spec" in metafunc.fixturenames:
        try:
            specs = [resolve(name) for name in metafunc.config.getoption("--adapter")]
        except UnknownAdapter as error:
            raise pytest.UsageError(str(error)) from None
        if not specs:
            raise pytest.UsageError("give the adapter to test: --adapter file.py:Class")
        metafunc.parametrize("spec", specs, ids=[spec.name for spec in specs], scope="module")


@pytest.fixture(scope="module")
def host(spec: AdapterSpec) -> Iterator[AdapterProcess]:
    """The adapter's process."""
    with AdapterProcess(spec, ProcessLimits(answer=120)) as host:
        yield host


def test_it_declares_itself(spec: AdapterSpec) -> None:
    """The class has a name, distributions, documentation, promises and limits."""
    kind = load(spec.target)
    for field in ("name", "packages", "documentation"):
        assert getattr(kind, field, None), f"class attribute {field} is missing"
    assert isinstance(kind.packages, tuple), "packages must be a tuple of distribution names, the framework first"
    wrong = set(kind.promises.values()) - set(PROFILES)
    assert not wrong, f"promises name unknown profiles {sorted(wrong)}; known are {', '.join(PROFILES)}"
    for limit in kind.limits:
        assert limit.status in DECLINED, f"{limit.parameter}: status must be one of {', '.join(DECLINED)}"
        assert limit.reason, f"{limit.parameter}: a limit must give its reason"
        assert limit.source, f"{limit.parameter}: a limit must cite the documentation that states it"


def test_limits_can_be_read_for_every_case(spec: AdapterSpec) -> None:
    """The condition of a limit works for any case, invalid ones included."""
    kind = load(spec.target)
    for case_id in [*TABLE.values(), "1d-i3-k3-s0", "1d-i3-k3-p9", "2d-c3x4-i3-k3-g2"]:
        for limit in kind.limits:
            try:
                limit.applies(Case.parse(case_id))
            except Exception as error:
                pytest.fail(f"the condition of limit {limit.parameter} raised {error!r} for {case_id}")


def test_its_process_starts(host: AdapterProcess) -> None:
    """The constructor of the adapter imports the framework, and the versions can be read."""
    failed = host.start()
    assert failed is None, failed.detail if failed else ""
    assert host.environment["versions"], "none of the distributions in packages is installed"


@pytest.mark.parametrize("name", TABLE)
def test_it_computes_or_declines(host: AdapterProcess, name: str) -> None:
    """Exact to the bit. If this fails, look for a flipped kernel, a swapped axis or a lost argument."""
    outcome = run_case(Case.parse(TABLE[name]), host)
    assert outcome.status in ("pass", *DECLINED), (
        f"{TABLE[name]}: {outcome.status} {outcome.kind or ''}: {outcome.detail}"
    )


def test_its_gradients_are_those_of_its_own_output(host: AdapterProcess) -> None:
    """Along a direction of each tensor the output changes as the gradient says, bit for bit on integers."""
    derivatives = directional_derivatives(DIRECTIONAL, host)
    if not isinstance(derivatives, dict):
        assert derivatives.kind in DECLINED, f"{DIRECTIONAL}: {derivatives.kind}: {derivatives.detail}"
        return
    for name, (outputs, gradient) in derivatives.items():
        assert outputs == gradient, f"{DIRECTIONAL}: the output changes by {outputs}, {name} says {gradient}"


def test_it_computes_something(host: AdapterProcess) -> None:
    """An adapter does not decline everything."""
    passed = [name for name, case_id in TABLE.items() if run_case(Case.parse(case_id), host).status == "pass"]
    assert len(passed) >= _LEAST, f"only {passed} of the table pass; at least {_LEAST} must"


def test_its_program_is_source_text(host: AdapterProcess) -> None:
    """The program that a repro prints is not empty, and valid Python unless it is of another language."""
    for case_id in TABLE.values():
        program = host.program(Case.parse(case_id))
        if not isinstance(program, Program):
            assert program.kind in DECLINED, f"no program for {case_id}: {program.detail}"
            continue
        assert str(program).strip(), f"the program for {case_id} is empty"
        if load(host.spec.target).language == "python":
            ast.parse(str(program))
