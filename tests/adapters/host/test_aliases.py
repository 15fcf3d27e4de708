"""An output in the memory of an input, and one in the memory of an earlier output."""

from __future__ import annotations

import numpy as np
import pytest

from conformance import check
from conformance.adapters.base import Tensor
from conformance.adapters.host.aliases import in_memory_of_first, in_memory_of_inputs
from tests.support.command import toy


def test_an_output_in_the_memory_of_an_input_is_named() -> None:
    x, w, dy = np.zeros((2, 3)), np.zeros(4), np.zeros(5)
    given = {"x": x, "w": w, "dy": dy}
    found = in_memory_of_inputs({"y": Tensor.of(x[:, 1:]), "dw": Tensor.of(w + 1)}, given)
    assert found == ["y lies in the memory of x"]
    assert in_memory_of_inputs({"dx": Tensor.of(x.copy()), "db": Tensor.of(dy)}, given) == []


def test_outputs_of_two_calls_in_one_memory_are_named() -> None:
    room = np.zeros(6)
    first = {"y": Tensor.of(room[:4])}
    assert in_memory_of_first({"y": Tensor.of(room[2:])}, first)
    assert not in_memory_of_first({"y": Tensor.of(room[4:])}, first)


@pytest.mark.parametrize(
    ("adapter", "detail"),
    [
        ("SharesInput", "y lies in the memory of x"),
        ("ReusesOutput", "a second call wrote y into the memory of the first"),
    ],
)
def test_an_adapter_that_returns_such_memory_fails(adapter: str, detail: str) -> None:
    outcome = check("1d-i4-k1-ones.0", toy(adapter))
    assert (outcome.status, outcome.kind) == ("fail", "aliased")
    assert outcome.detail == detail
    assert outcome.diagnosis is not None
    assert outcome.diagnosis.transform == "aliased"
