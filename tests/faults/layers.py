"""Faults that show on one combination of parameters only: the layers of public models, and fast algorithms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from conformance.cases import Case
from conformance.cases.corpus.layers import Layer, load_layers
from tests.faults.machine import Outputs, Work, after, before
from tests.faults.numbers import round_inputs


def _wrong(name: str, ranks: tuple[int, ...], where: Callable[[Case], bool]) -> None:
    @after(name, ranks=ranks, diagnosed_as="unexplained", where=where)
    def _(work: Work, outputs: Outputs) -> None:
        for array in outputs.values():
            if array.size:
                array.flat[-1] = array.flat[-1] * 2 + 3


def _wrong_in(layer: Layer) -> None:
    def where(case: Case) -> bool:
        return layer.applies(case)

    rank = (layer.case.rank,)
    _wrong(
        f"wrong as {layer.name}", rank, lambda case: where(case) and (case.dtype, case.direction) == ("f32", "fwd")
    )
    _wrong(f"wrong as {layer.name} in float16", rank, lambda case: where(case) and case.dtype == "f16")
    _wrong(f"gradient wrong as {layer.name}", rank, lambda case: where(case) and case.direction == "grad")


for _layer in load_layers().values():
    if _layer.is_first:
        _wrong_in(_layer)


def _channels_divisible(case: Case, divisor: int) -> bool:
    return case.in_channels % divisor == 0 == case.out_channels % divisor


def _tf32(divisor: int, ranks: tuple[int, ...]) -> None:
    @before(
        f"float32 inputs rounded to TF32 where the channels are multiples of {divisor}",
        ranks=ranks,
        diagnosed_as="unexplained",
        where=lambda case: case.dtype == "f32" and _channels_divisible(case, divisor),
    )
    def _(work: Work) -> None:
        round_inputs(work, 11)


_tf32(4, (1, 2, 3))
_tf32(8, (1, 2))


@after(
    "sums as inexact as those of F(4, 3)",
    diagnosed_as="unexplained",
    where=lambda case: (
        case.dtype == "f32"
        and {*case.kernel_size} == {3}
        and {*case.stride, *case.dilation} == {1}
        and min(case.geometry().output_size) > 6
    ),
)
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        # The transforms multiply and add numbers as large as the largest of the tile.
        outputs["y"][..., 3::4] += np.abs(outputs["y"]).max(initial=0.0) * 2.0**-20


@after(
    "gradients of complex numbers conjugated",
    diagnosed_as="unexplained",
    where=lambda case: case.format.is_complex and case.direction == "grad",
)
def _(work: Work, outputs: Outputs) -> None:
    for name in ("dx", "dw"):
        outputs[name] = np.conj(outputs[name])


@before(
    "imaginary part of the weights dropped",
    diagnosed_as="unexplained",
    where=lambda case: case.format.is_complex,
)
def _(work: Work) -> None:
    work.tensors["w"] = work.tensors["w"].real + 0j


_wrong(
    "wrong as the gradients of depthwise `same` in float16 with a bias",
    (3,),
    lambda case: (
        case.groups == case.in_channels > 1
        and case.dtype == "f16"
        and case.direction == "grad"
        and case.padding == "same"
        and case.bias
    ),
)
