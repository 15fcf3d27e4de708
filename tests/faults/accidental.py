"""Faults whose outputs look, in some cases, as if something else were wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from conformance.cases.dtypes import DTYPES, round_to
from tests.faults.machine import Change, Fault, Outputs, Work

__all__ = ["ACCIDENTAL"]

ACCIDENTAL: dict[str, Fault] = {}


def _plant(name: str, ranks: tuple[int, ...] = (1, 2, 3), **hook: Change) -> None:
    ACCIDENTAL[name] = Fault(name, ranks, **hook)  # type: ignore[arg-type]


def _before(name: str, ranks: tuple[int, ...] = (1, 2, 3)) -> Callable[[Change], None]:
    return lambda change: _plant(name, ranks, before=change)


def _after(name: str, ranks: tuple[int, ...] = (1, 2, 3)) -> Callable[[Change], None]:
    return lambda change: _plant(name, ranks, after=change)


@_before("crop of H starts where it should end", (3,))
def _(work: Work) -> None:
    work.low[-2] = work.case.geometry().crop[-2][1]


@_before("crop of 4 and more taken as 3")
def _(work: Work) -> None:
    work.low = [3 if low >= 4 else low for low in work.low]


@_after("every eighth row without bias", (2, 3))
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and work.case.bias:
        bias = work.tensors["bias"].reshape(-1, *(1,) * (work.case.rank - 1))
        for row in np.moveaxis(outputs["y"], -2, 0)[8::8]:
            row -= bias


@_after("every sixteenth column left zero")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        outputs["y"][..., 16::16] = 0


@_after("the part of a block never computed")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and outputs["y"].shape[-1] > 16:
        outputs["y"][..., outputs["y"].shape[-1] // 16 * 16 :] = 0


@_after("the second block does not see the inputs of the first")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs and outputs["y"].shape[-1] > 16:
        x = work.tensors["x"].copy()
        x[..., : 16 // work.case.stride[-1]] = 0
        other = dataclasses.replace(work, tensors={**work.tensors, "x": x}).compute()
        outputs["y"][..., 16:] = other["y"][..., 16:]


def _limited(limit: int) -> Change:
    def change(work: Work) -> None:
        weights = work.tensors["w"]
        flat = weights.reshape(*weights.shape[:2], -1).copy()
        flat[..., limit:] = 0
        work.tensors["w"] = flat.reshape(weights.shape)

    return change


for _limit in (8, 32):
    _before(f"no more than {_limit} taps")(_limited(_limit))


@_after("products clipped to 60")
def _(work: Work, outputs: Outputs) -> None:
    if "y" in outputs:
        bias = work.tensors["bias"].reshape(-1, *(1,) * work.case.rank) if work.case.bias else 0
        outputs["y"] = np.clip(outputs["y"] - bias, -60, 60) + bias


def _rounded(name: str, dtype: str) -> Change:
    def change(work: Work) -> None:
        if work.case.dtype == "f32" and name in work.tensors:
            work.tensors[name] = round_to(DTYPES[dtype], work.tensors[name]).astype(np.float64)

    return change


_before("bias rounded to bfloat16")(_rounded("bias", "bf16"))
_before("weights rounded to float16")(_rounded("w", "f16"))


@_after("dx with output_padding in front")
def _(work: Work, outputs: Outputs) -> None:
    if "dx" in outputs and work.case.output_padding:
        low = [low - extra for low, extra in zip(work.low, work.case.output_padding, strict=True)]
        outputs["dx"] = dataclasses.replace(work, low=low).compute()["dx"]


@_after("dx without what output_padding adds")
def _(work: Work, outputs: Outputs) -> None:
    if "dx" in outputs and work.case.output_padding:
        dy = work.tensors["dy"].copy()
        for axis, extra in enumerate(work.case.output_padding):
            if extra:
                np.moveaxis(dy, 2 + axis, 0)[-extra:] = 0
        outputs["dx"] = dataclasses.replace(work, tensors={**work.tensors, "dy": dy}).compute()["dx"]
