"""PaddlePaddle: ``paddle.nn.functional.conv{1,2,3}d_transpose`` on the CPU."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

from conformance.adapters.base import Adapter, Declined, Limit, Program, Tensor, call, conversion_line
from conformance.adapters.frameworks.common_limits import no_crop_outside, no_dtype, no_periodic
from conformance.adapters.frameworks.padding import geometry
from conformance.cases.case import Case

__all__ = ["Paddle"]

_DOCUMENTATION = (
    "https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/functional/conv2d_transpose_en.html"
)
_FORMATS = {1: ("NCL", "NLC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}


class Paddle(Adapter):
    """Padding is one pair per axis, which is the crop (lo = p.lo, hi = p.hi - output_padding)."""

    name = "paddle"
    packages = ("paddlepaddle",)
    extra = "paddle"
    documentation = _DOCUMENTATION
    limits: ClassVar[tuple[Limit, ...]] = (
        no_periodic(_DOCUMENTATION),
        no_dtype(_DOCUMENTATION, "f16", "bf16", "c64", "c128"),
        Limit(
            "unsupported",
            "direction",
            lambda case: case.direction == "grad2",
            "its double gradient has kernels for the GPU only",
            "https://github.com/PaddlePaddle/Paddle/blob/develop/paddle/phi/kernels/gpudnn/conv_transpose_grad_kernel.cu",
        ),
        Limit(
            "unsupported",
            "output_padding",
            lambda case: (
                case.output_padding is not None
                and any(
                    o >= max(s, d) for o, s, d in zip(case.output_padding, case.stride, case.dilation, strict=True)
                )
            ),
            "the output size lies between the smallest one and that plus the stride",
            _DOCUMENTATION,
        ),
        no_crop_outside(_DOCUMENTATION),
    )

    def __init__(self) -> None:
        super().__init__()
        self._paddle: Any = importlib.import_module("paddle")

    second_order = True

    def export(self, value: Any) -> Tensor:
        """Convert a tensor of Paddle."""
        return Tensor.of(value.numpy())

    @classmethod
    def as_numpy(cls, case: Case, name: str) -> str:
        """Source text of `export`."""
        return f"{name}.numpy()"

    def program(self, case: Case) -> Program:
        """Write the call."""
        names = ["x", "w", "bias"][: 2 + case.bias]
        grad = ", stop_gradient=False" if case.direction != "fwd" else ""
        body = [conversion_line(names, lambda name: f"paddle.to_tensor({name}{grad})")]
        pairs, output_padding = _padding(case)
        if case.rank == 1:
            padding: list[Any] = list(pairs[0])
        else:
            channels = [[0, 0]]
            spatial = [list(pair) for pair in pairs]
            padding = (
                [[0, 0], *spatial, *channels] if case.layout == "channels_last" else [[0, 0], *channels, *spatial]
            )
        convolve = call(
            f"F.conv{case.rank}d_transpose",
            [
                ("", "x"),
                ("", "w"),
                ("", "bias" if case.bias else "None"),
                ("stride", list(case.stride)),
                ("padding", padding),
                ("output_padding", list(output_padding)),
                ("groups", case.groups),
                ("dilation", list(case.dilation)),
                ("data_format", repr(_FORMATS[case.rank][case.layout == "channels_last"])),
            ],
        )
        body.append(f"y = {convolve}")
        if case.direction == "grad":
            targets = ", ".join(["dx", "dw", "db"][: len(names)])
            body.append(f"{targets} = paddle.grad([y], [{', '.join(names)}], [paddle.to_tensor(dy)])")
        if case.direction == "grad2":
            targets = ", ".join(["dx", "dw", "db"][: len(names)])
            along = ", ".join(f"paddle.to_tensor({name})" for name in ("vx", "vw", "vb")[: len(names)])
            body += [
                "dy = paddle.to_tensor(dy, stop_gradient=False)",
                f"{targets} = paddle.grad([y], [{', '.join(names)}], [dy], create_graph=True)",
                f"ddx, ddw, ddy = paddle.grad([{targets}], [x, w, dy], [{along}])",
            ]
        return Program(("import paddle", "import paddle.nn.functional as F"), tuple(body))


def _padding(case: Case) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
    none = (0,) * case.rank
    if not isinstance(case.padding, str):
        return case.padding, case.output_padding or none
    solved = geometry(case)
    if solved is None:
        return ((0, 0),) * case.rank, case.output_padding or none
    pads = tuple((low, max(high, 0)) for low, high in solved.crop)
    output_padding = tuple(max(-high, 0) for _, high in solved.crop)
    if any(low < 0 for low, _ in pads) or any(
        o >= max(s, d) for o, s, d in zip(output_padding, case.stride, case.dilation, strict=True)
    ):
        raise Declined("inexpressible", "padding and output_padding do not reach that far", _DOCUMENTATION)
    return pads, output_padding
