"""Derivatives along a direction agree with gradients, and do not where a gradient is wrong."""

from __future__ import annotations

import pytest

from conformance.adapters.host.client import AdapterProcess
from conformance.adapters.registry import resolve
from conformance.cases import Case
from conformance.execution.directional import Directional, directional_derivatives
from tests.support.command import toy

CASE = Case.parse("2d-n2-c4x6-i3x4-k3x2-s2x1-g2-p1x0-f64-b1-grad")


def derivatives(adapter: str) -> dict[str, Directional]:
    """Those of an adapter of the tests."""
    with AdapterProcess(resolve(toy(adapter))) as host:
        found = directional_derivatives(CASE, host)
    assert isinstance(found, dict), found
    return found


def test_right_gradients_agree_bit_for_bit() -> None:
    found = derivatives("Right")
    assert list(found) == ["dx", "dw", "db"]
    assert all(one.outputs == one.gradient != 0 for one in found.values()), found


@pytest.mark.parametrize("name", ["dx", "dw", "db"])
def test_a_wrong_gradient_does_not(name: str) -> None:
    found = derivatives(f"Wrong{name.upper()}")
    assert [other for other, one in found.items() if one.outputs != one.gradient] == [name]


def test_an_adapter_without_gradients_says_so() -> None:
    with AdapterProcess(resolve(toy("Refuses"))) as host:
        found = directional_derivatives(CASE, host)
    assert not isinstance(found, dict)
    assert found.kind == "raised"
