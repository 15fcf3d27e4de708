"""Data kinds whose tensors do not fit the parameters (R11)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from conformance.cases.data_kind import DataKind, Tensors, draw_ints

if TYPE_CHECKING:
    from conformance.cases.case import Case

__all__ = ["MISFITS"]

_MISFIT_RULE = "The case is invalid (R11): the right response is an error."


def _extra_axis(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    tensors["x"] = tensors["x"][..., None]


def _extra_channel(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    x = tensors["x"]
    tensors["x"] = np.concatenate([x, np.ones((x.shape[0], 1, *x.shape[2:]), x.dtype)], axis=1)


def _longer_bias(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    if "bias" in tensors:
        tensors["bias"] = np.append(tensors["bias"], 1)


def _shorter_bias(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    if "bias" in tensors:
        tensors["bias"] = tensors["bias"][:-1]


def _missing_channel(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    tensors["x"] = tensors["x"][:, :-1]


def _misfit_of_bias(case: Case, extra: int) -> str:
    if not case.bias:
        return ""
    return f"the bias has {case.out_channels + extra} entries for {case.out_channels} output channels"


_NAN, _INF = float("nan"), float("inf")


MISFITS: dict[str, DataKind] = {
    "wrongrank": DataKind(
        draw=draw_ints,
        judged="exact",
        about="integers, the input with one axis of length 1 too many",
        rule=_MISFIT_RULE,
        adapt=_extra_axis,
        misfit=lambda case: f"the input has {case.rank + 1} spatial axes for {case.rank}",
    ),
    "wrongchannels": DataKind(
        draw=draw_ints,
        judged="exact",
        about="integers, the input with one channel too many",
        rule=_MISFIT_RULE,
        adapt=_extra_channel,
        misfit=lambda case: f"the input has {case.in_channels + 1} channels for weights of {case.in_channels}",
    ),
    "wrongbias": DataKind(
        draw=draw_ints,
        judged="exact",
        about="integers, the bias with one entry too many",
        rule=_MISFIT_RULE,
        adapt=_longer_bias,
        misfit=partial(_misfit_of_bias, extra=1),
    ),
    "shortbias": DataKind(
        draw=draw_ints,
        judged="exact",
        about="integers, the bias with one entry too few",
        rule=_MISFIT_RULE,
        adapt=_shorter_bias,
        misfit=partial(_misfit_of_bias, extra=-1),
    ),
    "fewchannels": DataKind(
        draw=draw_ints,
        judged="exact",
        about="integers, the input with one channel too few",
        rule=_MISFIT_RULE,
        adapt=_missing_channel,
        misfit=lambda case: f"the input has {case.in_channels - 1} channels for weights of {case.in_channels}",
    ),
}
