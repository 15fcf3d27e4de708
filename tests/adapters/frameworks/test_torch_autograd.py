"""Each way to take PyTorch's gradients finds an operator that is wrong in that way only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.adapters.base import Adapter
from conformance.adapters.host.client import Reply
from conformance.adapters.registry import load, resolve
from conformance.cases import Case
from conformance.cases.data import make_tensors
from conformance.oracle.verdict import judge
from tests.support.frameworks import requires

pytestmark = requires("torch")

CASES = [Case.parse(f"1d-n2-c2x3-i5-k3-s2-p1-{layout}-b1-{data}-grad") for layout in ("cf", "cl")
         for data in ("ints.0", "normal.0")]  # fmt: skip
USES = ("torch-accumulated", "torch-one-gradient", "torch-summed-layouts", "torch-hooks")


def kind_of(adapter: str, case: Case) -> str | None:
    """The kind of failure of an adapter in this process; None for a right output."""
    instance: Adapter = load(resolve(adapter).target)()
    tensors = make_tensors(case)
    outputs = instance.run(case, {name: array.copy() for name, array in tensors.items()})
    return judge(case, tensors, Reply("answer", outputs, promise=instance.promise(case))).kind


def operator(torch: Any, right: Callable[..., Any], backward: Callable[..., Any], saved: dict[str, Any]) -> Any:
    """A transposed convolution whose gradients go through ``backward``."""

    class Operator(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, arguments: dict[str, Any], *tensors: Any) -> Any:
            ctx.save_for_backward(*tensors)
            ctx.arguments = arguments
            saved["tensors"] = tensors
            return right(*tensors, **arguments)

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            def gradients(tensors: Any, upstream: Any) -> list[Any]:
                with torch.enable_grad():
                    copies = [tensor.detach().requires_grad_() for tensor in tensors]
                    return list(torch.autograd.grad(right(*copies, **ctx.arguments), copies, upstream))

            return (None, *backward(ctx, dy, gradients))

    return lambda *tensors, **arguments: Operator.apply(arguments, *tensors)


def _as_it_is(ctx: Any, dy: Any, gradients: Any) -> Any:
    return gradients(ctx.saved_tensors, dy)


def _memory_in_order(ctx: Any, dy: Any, gradients: Any) -> Any:
    strides = dy.new_empty(dy.shape).stride()
    return gradients(ctx.saved_tensors, dy.as_strided(dy.shape, strides))


def _all_or_nothing(ctx: Any, dy: Any, gradients: Any) -> Any:
    share = 1 if all(ctx.needs_input_grad[1:]) else 0
    return [share * gradient for gradient in gradients(ctx.saved_tensors, dy)]


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], dict[str, Any]]:
    """Replaces the operator by one with a fault."""
    import torch

    def replace(backward: Any) -> dict[str, Any]:
        saved: dict[str, Any] = {}
        right = torch.nn.functional.conv_transpose1d
        monkeypatch.setattr(torch.nn.functional, "conv_transpose1d", operator(torch, right, backward, saved))
        return saved

    return replace


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("adapter", USES)
def test_right_gradients_pass(adapter: str, case: Case, plant: Any) -> None:
    assert kind_of(adapter, case) is None
    plant(_as_it_is)
    assert kind_of(adapter, case) is None


def test_an_operator_that_keeps_the_inputs_of_its_last_call_only(plant: Any) -> None:
    saved: dict[str, Any] = plant(lambda ctx, dy, gradients: gradients(saved["tensors"], dy))
    assert kind_of("torch", CASES[0]) is None
    assert kind_of("torch-accumulated", CASES[0]) == "gradient"


def test_an_operator_that_returns_its_first_gradients_again(plant: Any) -> None:
    kept: dict[str, Any] = {}
    plant(lambda ctx, dy, gradients: [g.clone() for g in kept.setdefault("g", gradients(ctx.saved_tensors, dy))])
    assert kind_of("torch", CASES[0]) is None
    kept.clear()
    assert kind_of("torch-accumulated", CASES[0]) == "gradient"


def test_an_operator_that_computes_all_gradients_or_none(plant: Any) -> None:
    plant(_all_or_nothing)
    assert kind_of("torch", CASES[0]) is None
    assert kind_of("torch-one-gradient", CASES[0]) == "gradient"


def test_an_operator_that_reads_the_upstream_gradient_in_the_order_of_memory(plant: Any) -> None:
    plant(_memory_in_order)
    assert kind_of("torch", CASES[0]) is None
    assert kind_of("torch-summed-layouts", CASES[0]) == "gradient"


def test_an_output_that_ignores_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    right = torch.nn.functional.conv_transpose1d

    def without_hooks(*tensors: Any, **arguments: Any) -> Any:
        y = right(*tensors, **arguments)
        monkeypatch.setattr(y, "register_hook", lambda hook: None, raising=False)
        return y

    monkeypatch.setattr(torch.nn.functional, "conv_transpose1d", without_hooks)
    assert kind_of("torch", CASES[0]) is None
    assert kind_of("torch-hooks", CASES[0]) == "gradient"
