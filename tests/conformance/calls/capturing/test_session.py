"""``with conformance.capture()``: what a block calls, and nothing of it left afterwards."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

import conformance

torch = pytest.importorskip("torch")
F = torch.nn.functional


def attributes() -> list[Any]:
    """Everything of PyTorch that the hooks touch."""
    aten = [getattr(torch.ops.aten, name) for name in ("convolution", "conv_transpose2d")]
    operators = [*aten, *(getattr(packet, name) for packet in aten for name in packet.overloads())]
    functions = [vars(torch)["conv_transpose2d"], vars(torch)["convolution"], F.conv_transpose2d]
    return [*functions, torch.nn.grad.conv2d_input, *(operator._op for operator in operators), *sys.meta_path]


def test_hooks_are_removed() -> None:
    before = attributes()
    during: list[Any] = []
    blocks: list[Any] = []

    def block() -> None:
        with conformance.capture() as captured:
            during.extend(attributes())
            blocks.append(captured)
            F.conv_transpose2d(torch.ones(1, 3, 3, 3), torch.ones(2, 4, 2, 2))  # 3 channels for weights of 2

    with pytest.raises(RuntimeError, match="channels"):
        block()
    (calls,) = blocks
    assert len(calls) == 1
    assert all(one is other for one, other in zip(before, attributes(), strict=True))
    # The detector sees a hook that stays.
    assert sum(one is not other for one, other in zip(before, during, strict=False)) > 8
    F.conv_transpose2d(torch.ones(1, 2, 3, 3), torch.ones(2, 4, 2, 2))
    assert len(calls) == 1


class Decoder(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.up = torch.nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1)

    def forward(self, x: Any) -> Any:
        return self.up(x)


def test_what_a_case_does_not_say_is_noted() -> None:
    model, image = Decoder(), torch.ones(1, 2, 4, 5)
    weight = torch.ones(2, 3, 2, 2)
    with conformance.capture() as calls:
        model(image.to(memory_format=torch.channels_last))
        F.conv_transpose2d(torch.full((1, 2, 1, 1), float("nan")), weight)
        F.conv_transpose2d(image[..., ::2], weight)
        with pytest.raises(RuntimeError):
            F.conv_transpose2d(image, weight.half())
    notes = [" ".join(call.notes) for call in calls]
    assert [call.name for call in calls] == ["up", None, None, None]
    assert notes[0] == "the input is in the memory format torch.channels_last"
    assert notes[1] == "input contains nan; the data of the case are finite"
    assert notes[2] == "the input is not contiguous: its strides are (40, 20, 5, 2)"
    assert "the input is float32 and other tensors are float16" in notes[3]
    assert "raised RuntimeError" in notes[3]


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")
def test_every_way_to_call_pytorch() -> None:
    """Lazy modules, threads, ATen, torch.nn.grad, exported and compiled programs; no ordinary convolution."""
    image, weight = torch.ones(1, 2, 4, 5), torch.ones(2, 3, 2, 2)
    module = torch.nn.Sequential(torch.nn.LazyConvTranspose2d(3, 2, stride=2))
    module(image)
    ends = ([2, 2], [0, 0], [1, 1], True, [0, 0], 1)
    with conformance.capture() as calls, torch.no_grad():
        F.conv2d(image, torch.ones(3, 2, 2, 2))
        torch.convolution(image, torch.ones(3, 2, 2, 2), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
        thread = threading.Thread(target=module, args=(image,))
        thread.start()
        thread.join()
        torch.ops.aten.convolution(image, weight, None, *ends)
        torch.ops.aten.convolution.default(image, weight, None, *ends)
        torch.nn.grad.conv2d_input((1, 3, 9, 10), weight, image, stride=2)
        torch.export.export(module, (image,)).module()(image)
        torch.compile(module, backend="eager", fullgraph=True)(image)
        torch.jit.script(module)
        torch.func.vmap(lambda row: F.conv_transpose2d(row, weight))(image)
    case = "2d-n1-c2x3-i4x5-k2x2-s2x2-d1x1-g1-p0x0-opauto-cf-f32-b0-ints.0-fwd"
    biased = case.replace("b0", "b1")
    assert [(call.api, str(call.case), call.count) for call in calls] == [
        ("torch.nn.functional.conv_transpose2d", biased, 1),  # in the thread
        ("torch.ops.aten.convolution", case, 1),
        ("torch.ops.aten.convolution", case, 1),
        ("torch.nn.grad.conv2d_input", case.replace("opauto", "op1x0"), 1),
        ("torch.nn.functional.conv_transpose2d", biased, 1),  # exporting traces it
        ("torch.ops.aten.conv_transpose2d", biased, 1),  # the exported program
        ("torch.nn.functional.conv_transpose2d", biased, 1),  # the compiled one
        ("torch.nn.functional.conv_transpose2d", case.replace("s2x2", "s1x1"), 1),  # one example of vmap
    ]
