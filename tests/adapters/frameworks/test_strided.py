"""Adapters that call the framework with views, and NaN where a kernel without strides would read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.adapters.host.client import Reply
from conformance.adapters.registry import load, resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.oracle.verdict import judge
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
    line = next(line for line in program.body if line.startswith(("x = ", "x, w = ")))
    exec("\n".join(["import numpy as np", *program.setup, line]), names)
    return names["x"], tensors["x"]


@pytest.mark.parametrize(
    "adapter",
    [
        pytest.param(name, marks=requires(name))
        for name in ("torch-strided", "torch-unaligned", "mlx-strided", "onnxruntime-strided")
    ],
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


@requires("onnxruntime-strided")
def test_the_array_for_onnx_runtime_runs_backwards_and_cannot_be_written() -> None:
    view, given = strided_input("onnxruntime-strided")
    assert max(view.strides) < 0
    assert not view.flags.writeable
    assert np.isnan(view.base).sum() == view.base.size - given.size


@requires("torch-unaligned")
def test_the_tensor_at_an_odd_address_is_one() -> None:
    view, _ = strided_input("torch-unaligned")
    assert view.data_ptr() % 2 == 1


@pytest.mark.parametrize(
    ("adapter", "case"),
    [
        pytest.param(adapter, case, marks=requires(adapter))
        for adapter, case in (
            ("torch-broadcast", "2d-n2-c4x6-i3x4-k3x2-s2x1-g2-p1x0-b1-ones.0"),
            ("torch-broadcast", "2d-n2-c4x6-i3x4-k3x2-s2x1-g2-p1x0-cl-b1-ones.0-grad"),
            ("torch-unaligned", "2d-n2-c4x6-i3x4-k3x2-s2x1-g2-p1x0-b1"),
            ("torch-unaligned", "2d-n2-c4x6-i3x4-k3x2-s2x1-g2-p1x0-cl-b1-grad"),
            ("torch-inference", "2d-n2-c4x6-i3x4-k3x2-s2x1-g2-p1x0-b1"),
            ("onnxruntime-strided", "2d-n2-c4x6-i3x4-k3x2-s2x1-g2-p1x0-cl-b1"),
        )
    ],
)
def test_the_output_is_right(adapter: str, case: str) -> None:
    parsed, instance = Case.parse(case), load(resolve(adapter).target)()
    tensors = make_tensors(parsed)
    outputs = instance.run(parsed, {name: array.copy() for name, array in tensors.items()})
    verdict = judge(parsed, tensors, Reply("answer", outputs, promise=instance.promise(parsed)))
    assert verdict.status == "pass", verdict.detail


@requires("torch-broadcast")
def test_a_kernel_that_takes_stride_0_for_1_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    right = torch.nn.functional.conv_transpose1d

    def wrong(x: Any, *rest: Any, **arguments: Any) -> Any:
        if 0 in x.stride():
            x = torch.arange(x.numel(), dtype=x.dtype).reshape(x.shape)
        return right(x, *rest, **arguments)

    monkeypatch.setattr(torch.nn.functional, "conv_transpose1d", wrong)
    case = Case.parse("1d-c2x3-i4-k2-ones.0")
    tensors = make_tensors(case)
    for adapter, status in (("torch", "pass"), ("torch-broadcast", "fail")):
        outputs = load(resolve(adapter).target)().run(case, tensors)
        assert judge(case, tensors, Reply("answer", outputs, promise="fp32-acc")).status == status
