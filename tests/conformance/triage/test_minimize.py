"""A failing case shrinks to the smallest one with the same diagnosis, crashes included."""

from __future__ import annotations

import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.triage.minimize import minimize
from tests.support.command import conformance, toy

START = "2d-n2-c4x6-i5x7-k2x3-s3x4-d2-g2-same-cl-b1"


@pytest.mark.parametrize(
    ("adapter", "smallest"),
    [
        ("Shifted", "1d-n1-c1x1-i1-k1-s2-d1-g1-valid-opauto-cf-f32-b0-ones.0-fwd"),
        ("SegfaultsOnDilatedGroups", "1d-n1-c2x2-i1-k1-s1-d2-g2-valid-opauto-cf-f32-b0-ones.0-fwd"),
    ],
)
def test_smallest_case(adapter: str, smallest: str) -> None:
    with AdapterProcess(resolve(toy(adapter))) as host:
        found = minimize(Case.parse(START), host)
    assert found is not None
    assert str(found.case) == smallest
    assert found.finished
    assert found.outcome.gates


def test_nothing_to_minimize() -> None:
    with AdapterProcess(resolve(toy("SegfaultsOnDilatedGroups"))) as host:
        assert minimize(Case.parse("1d-i3-k2"), host) is None


def test_command() -> None:
    words = ["2d-c2x3-i3-k2-s3-b1", "--adapter", toy("Shifted")]
    done = conformance("minimize", *words)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "1d-n1-c1x1-i1-k1-s2-d1-g1-valid-opauto-cf-f32-b0-ones.0-fwd"


def test_command_wants_one_adapter() -> None:
    words = ["2d-i3-k2-s3"]
    done = conformance("minimize", *words)
    assert done.returncode == 2
    assert done.stderr == "conformance: give one --adapter; a case is minimized for one adapter at a time\n"
