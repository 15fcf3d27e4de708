"""The strided adapters call the framework with views, and NaN where a kernel without strides would read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.adapters.registry import load, resolve
from conformance.cases import Case
from tests.support.frameworks import requires

CASE = Case.parse("2d-c2x3-i5x4-k3-s2")


def strided_input(adapter: str) -> tuple[Any, np.ndarray]:
    """The input as the adapter's program makes it, and as it was given."""
    program = load(resolve(adapter).target)().program(CASE)
    tensors = {
        "x": np.arange(1, 41, dtype=np.float32).reshape(CASE.input_shape),
        "w": np.ones(CASE.weight_shape, np.float32),
    }
    names: dict[str, Any] = dict(tensors)
    exec("\n".join([*program.setup, program.body[0]]), names)
    return names["x"], tensors["x"]


@pytest.mark.parametrize(
    "adapter", [pytest.param(name, marks=requires(name)) for name in ("torch-strided", "mlx-strided")]
)
def test_the_numbers_are_those_of_the_case(adapter: str) -> None:
    view, given = strided_input(adapter)
    np.testing.assert_array_equal(np.array(view.tolist()), given)


@requires("torch-strided")
def test_the_tensor_of_pytorch_is_not_contiguous_and_has_nan_between() -> None:
    view, given = strided_input("torch-strided")
    assert not view.is_contiguous()
    assert view.storage_offset() > 0
    memory = view.new_empty(0).set_(view.untyped_storage())
    assert memory.isnan().sum() == memory.numel() - given.size
