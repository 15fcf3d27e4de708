"""Data kinds: the ways to fill the tensors of a case, and what the output must then be.

A kind is an entry in ``DATA_KINDS``: how single tensors are drawn and, where tensors depend on each other or on
the case, an ``adapt`` that changes them once all are drawn.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from conformance.cases.data_kind import EXACT_RULE, Budget, DataKind, Judged, Tensors, draw_ints, one_input
from conformance.cases.literals import read_sections
from conformance.cases.misfits import MISFITS
from conformance.cases.special_kinds import SPECIAL_KINDS

if TYPE_CHECKING:
    from conformance.cases.case import Case

__all__ = ["DATA_KINDS", "PERIOD", "Budget", "DataKind", "Judged"]

PERIOD = 65521
"""The number of integers that ``cycle`` repeats: a prime, so that no power of two is a whole number of periods."""

# --- Drawing one tensor


def _normal(rng: np.random.Generator, shape: tuple[int, ...], budget: Budget) -> np.ndarray:
    return rng.standard_normal(size=shape)


def _ones(rng: np.random.Generator, shape: tuple[int, ...], budget: Budget) -> np.ndarray:
    return np.ones(shape)


def _cycle(rng: np.random.Generator, shape: tuple[int, ...], budget: Budget) -> np.ndarray:
    return np.resize(draw_ints(rng, (PERIOD,), budget), shape)


def _significand(rng: np.random.Generator, shape: tuple[int, ...], budget: Budget) -> np.ndarray:
    return rng.uniform(1, 2, size=shape) * (rng.integers(0, 2, size=shape) * 2 - 1)


def _zeros(rng: np.random.Generator, shape: tuple[int, ...], budget: Budget) -> np.ndarray:
    return np.where(rng.integers(0, 2, size=shape) == 1, -0.0, 0.0)


# --- Adapting all tensors


def _scale(case: Case, rng: np.random.Generator, tensors: Tensors, *, sign: int) -> None:
    # float16 has exponents for a factor of 2**8 only, the other formats for 2**20.
    factor = 2.0 ** (sign * (8 if case.format.max_exponent < 64 else 20))
    # The upstream gradient keeps its scale, because otherwise the products of dw would overflow the format.
    for name in {"x", "bias", "vx", "vb"} & tensors.keys():
        tensors[name] *= factor


def _mixed(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    spread = 2 if case.format.max_exponent < 64 else 12
    for values in tensors.values():
        values *= 2.0 ** rng.integers(-spread, spread + 1, size=values.shape)


def _extreme(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    # A product is below 4 * 2**(2 * exponent), and no sum has more terms than all the tensors have elements.
    terms = max(values.size for values in tensors.values()) * (2 if "vx" in tensors else 1) + 1
    exponent = (case.format.max_exponent - 3 - math.ceil(math.log2(terms))) // 2
    for name in tensors:
        tensors[name] = tensors[name] * 2.0 ** (2 * exponent if name in ("bias", "vb") else exponent)


def _cancel(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    if case.groups < 1 or case.in_channels % case.groups or case.out_channels % case.groups:
        return
    for name in {"w", "vw"} & tensors.keys():
        shape = tensors[name].shape
        w = tensors[name].reshape(case.groups, case.in_channels // case.groups, *shape[1:])
        for axis in (1, 2):  # a group's input channels, then its output channels: every second repeats the first
            pairs = np.moveaxis(w, axis, 0)
            paired = pairs.shape[0] // 2 * 2
            pairs[1:paired:2] = pairs[0:paired:2]
    for name in {"x", "dy", "vx"} & tensors.keys():
        values = tensors[name]
        grouped = values.reshape(values.shape[0], case.groups, values.shape[1] // case.groups, *values.shape[2:])
        paired = grouped.shape[2] // 2 * 2
        grouped[:, :, 1:paired:2] = -grouped[:, :, 0:paired:2]


def _signed_zero(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    for name in ("w", "vw"):
        if name in tensors:
            tensors[name][...] = rng.integers(0, 2, size=tensors[name].shape) * 2 - 1


def _given(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    # They repeat until the tensor is full, so that one number fills it and smaller cases keep the first ones.
    for name, numbers in read_sections(case.values).items():
        if name in tensors:
            tensors[name] = np.resize(np.array(numbers), tensors[name].shape)
    for name in {"dy", "vx", "vw", "vb"} & tensors.keys():
        tensors[name] = np.ones(tensors[name].shape)


def _subnormal(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    for name in {"x", "bias", "vx", "vb"} & tensors.keys():
        tensors[name] *= case.format.subnormal_spacing


_BOUND_RULE = "Every element lies within the error bound of the accuracy profile."


DATA_KINDS: dict[str, DataKind] = {
    "ints": DataKind(
        draw=draw_ints,
        judged="exact",
        about="small integers, every partial sum exact in the dtype",
        rule=EXACT_RULE,
    ),
    "normal": DataKind(draw=_normal, judged="bound", about="standard normal", rule=_BOUND_RULE),
    "ones": DataKind(
        draw=_ones, judged="bound", about="all ones: an output counts the taps that reach it", rule=_BOUND_RULE
    ),
    "onehot": DataKind(
        draw=draw_ints,
        judged="exact",
        about="one input element is 1, weights count up: each output shows its tap",
        rule=EXACT_RULE,
        adapt=one_input,
    ),
    "small": DataKind(
        draw=_normal,
        judged="bound",
        about="standard normal, scaled down by 2**20 (f16: 2**8)",
        rule=_BOUND_RULE,
        adapt=partial(_scale, sign=-1),
    ),
    "large": DataKind(
        draw=_normal,
        judged="bound",
        about="standard normal, scaled up by 2**20 (f16: 2**8)",
        rule=_BOUND_RULE,
        adapt=partial(_scale, sign=1),
    ),
    "mixed": DataKind(
        draw=_normal,
        judged="bound",
        about="standard normal times powers of two from a wide range",
        rule=_BOUND_RULE,
        adapt=_mixed,
    ),
    "cancel": DataKind(
        draw=_normal,
        judged="bound",
        about="channels in pairs that cancel: the sums are zero, their terms are not",
        rule=_BOUND_RULE,
        adapt=_cancel,
    ),
    "extreme": DataKind(
        draw=_significand,
        judged="bound",
        about="exponents as large as the sums allow",
        rule="As for normal; no partial sum in any order overflows the format, so infinity or NaN is wrong.",
        adapt=_extreme,
    ),
    "given": DataKind(
        draw=draw_ints,
        judged="bound",
        about="the numbers that the id states, in C order and repeated; small integers for tensors without",
        rule="As for normal; where a sum may overflow the accumulator in some order, infinity or NaN.",
        adapt=_given,
        in_tiers=False,
    ),
    "cycle": DataKind(
        draw=_cycle,
        judged="bound",
        about=f"{PERIOD} small integers over and over, in C order: an element is known from its index",
        rule="As for normal, and bit-exact where the sum of magnitudes is exact in the accumulator.",
        in_tiers=False,
    ),
    "subnormal": DataKind(
        draw=draw_ints,
        judged="flush",
        about="input and bias are small multiples of the smallest subnormal number",
        rule="Each element is exact, or what remains when subnormal products, bias or sums are treated as zero.",
        adapt=_subnormal,
        headroom=1,
    ),
    "signedzero": DataKind(
        draw=_zeros,
        judged="signed zero",
        about="input, bias and upstream gradient are zeros of both signs, weights are 1 and -1",
        rule="All zero. +0 where any product or the bias is +0, since in round to nearest a sum with a term +0 is "
        "+0; elsewhere either sign.",
        adapt=_signed_zero,
    ),
    **SPECIAL_KINDS,
    **MISFITS,
}
