"""Data kinds: the ways to fill the tensors of a case, and what the output must then be.

A kind is an entry in ``DATA_KINDS``: how single tensors are drawn and, where tensors depend on each other or on
the case, an ``adapt`` that changes them once all are drawn.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from conformance.cases.errors import DomainError
from conformance.cases.literals import read_sections

if TYPE_CHECKING:
    from conformance.cases.case import Case

__all__ = ["DATA_KINDS", "Budget", "DataKind", "Judged"]

Tensors = dict[str, np.ndarray]
Draw = Callable[[np.random.Generator, tuple[int, ...], "Budget"], np.ndarray]
Adapt = Callable[["Case", np.random.Generator, Tensors], None]


@dataclass(frozen=True)
class Budget:
    """How large integers may be so that every partial sum stays exact.

    Attributes
    ----------
    amplitude : int
        Largest magnitude of an integer.
    density : float
        Share of entries that may differ from zero.
    """

    amplitude: int
    density: float


Judged = Literal["exact", "bound", "nonfinite", "signed zero", "flush"]


@dataclass(frozen=True, kw_only=True)
class DataKind:
    """A way to fill tensors.

    Attributes
    ----------
    draw : callable
        Maps a generator, a shape and the integer budget to values in float64.
    judged : str
        How outputs are judged: ``exact`` (bit for bit), ``bound`` (the error bound), or exact with a freedom:
        ``nonfinite``, ``signed zero``, ``flush`` (see ``conformance.oracle.expected_output``).
    about : str
        What the kind is for.
    rule : str
        What an output must hold, and what an implementation may choose.
    adapt : callable or None
        Changes the drawn tensors (channels_first, float64) in place.
    headroom : int
        Bits by which every partial sum stays below the exact range.
    in_tiers : bool
        Whether the designs of tiers draw cases of this kind.
    misfit : callable or None
        Why the tensors do not fit the parameters, so that the case is invalid (R11); "" where they fit.
    """

    draw: Draw
    judged: Judged
    about: str
    rule: str
    adapt: Adapt | None = None
    headroom: int = 0
    in_tiers: bool = True
    misfit: Callable[[Case], str] | None = None

    @property
    def exact(self) -> bool:
        """Whether outputs are judged bit for bit rather than by the error bound."""
        return self.judged != "bound"


# --- Drawing one tensor


def _ints(rng: np.random.Generator, shape: tuple[int, ...], budget: Budget) -> np.ndarray:
    # No zeros while the budget allows it: a zero hides every mistake with the tap that it is multiplied by.
    magnitude = rng.integers(1, budget.amplitude + 1, size=shape)
    sign = rng.integers(0, 2, size=shape) * 2 - 1
    values = (magnitude * sign).astype(np.float64)
    if budget.density < 1:
        values[rng.random(size=shape) >= budget.density] = 0.0
    return values


def _normal(rng: np.random.Generator, shape: tuple[int, ...], budget: Budget) -> np.ndarray:
    return rng.standard_normal(size=shape)


def _ones(rng: np.random.Generator, shape: tuple[int, ...], budget: Budget) -> np.ndarray:
    return np.ones(shape)


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


def _onehot(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    x, w = tensors["x"], tensors["w"]
    # Distinct up to half of the exact range: the rest is for the bias, and for the second output of ddy.
    limit = case.format.largest_exact_integer // (4 if "vw" in tensors else 2) - 1
    w[...] = (1 + np.arange(w.size) % limit).reshape(w.shape)
    if "vw" in tensors:
        tensors["vw"][...] = (limit - np.arange(w.size) % limit).reshape(w.shape)
    for name in {"bias", "vb"} & tensors.keys():
        tensors[name][...] = 1 + np.arange(tensors[name].size) % limit
    meetings = _meetings(case)
    x[...] = 0
    if x.size == 0:
        return
    if not meetings:
        x.flat[rng.integers(x.size)] = 1
        return
    item, channel = int(rng.integers(case.batch)), int(rng.integers(case.in_channels))
    position, reached = meetings[int(rng.integers(len(meetings)))]
    x[(item, channel, *position)] = 1
    if "dy" in tensors:
        share = case.out_channels // case.groups
        group = channel // (case.in_channels // case.groups)
        tensors["dy"][...] = 0
        tensors["dy"][(item, group * share + int(rng.integers(share)), *reached)] = 1
    if "vx" in tensors:
        tensors["vx"][...] = x


def _meetings(case: Case) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Pairs of an input position and an output position that a tap connects; one per input position."""
    try:
        geometry = case.geometry()
    except DomainError:
        return []
    axes: list[list[tuple[int, int]]] = []
    for axis, (low, _), length in zip(geometry.axes, geometry.crop, geometry.output_size, strict=True):
        first_output: dict[int, int] = {}  # per input position j, the output position of its first tap t inside
        for j, t in itertools.product(range(axis.input_size), range(axis.kernel_size)):
            output = j * axis.stride + t * axis.dilation - low
            if 0 <= output < length:
                first_output.setdefault(j, output)
        axes.append(list(first_output.items()))
    meetings = []
    for _, pairs in zip(range(1000), itertools.product(*axes), strict=False):
        meetings.append((tuple(j for j, _ in pairs), tuple(output for _, output in pairs)))
    return meetings


def _signed_zero(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    for name in ("w", "vw"):
        if name in tensors:
            tensors[name][...] = rng.integers(0, 2, size=tensors[name].shape) * 2 - 1


def _subnormal(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    for name in {"x", "bias", "vx", "vb"} & tensors.keys():
        tensors[name] *= case.format.subnormal_spacing


def _given(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    # They repeat until the tensor is full, so that one number fills it and smaller cases keep the first ones.
    for name, numbers in read_sections(case.values).items():
        if name in tensors:
            tensors[name] = np.resize(np.array(numbers), tensors[name].shape)
    for name in {"dy", "vx", "vw", "vb"} & tensors.keys():
        tensors[name] = np.ones(tensors[name].shape)


def _place_value(name: str, value: float) -> Adapt:
    """An adapt that puts a value, with a random sign, at a random element of a tensor."""

    def adapt(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
        # C leaves it to the implementation what a complex product with an infinity is (C11, annex G).
        if name in tensors and tensors[name].size and not case.format.is_complex:
            sign = rng.integers(0, 2) * 2 - 1
            tensors[name].flat[rng.integers(tensors[name].size)] = value * sign

    return adapt


# --- Tensors that do not fit the parameters


def _extra_axis(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    tensors["x"] = tensors["x"][..., None]


def _extra_channel(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    x = tensors["x"]
    tensors["x"] = np.concatenate([x, np.ones((x.shape[0], 1, *x.shape[2:]), x.dtype)], axis=1)


def _longer_bias(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    if "bias" in tensors:
        tensors["bias"] = np.append(tensors["bias"], 1)


def _misfit_of_bias(case: Case) -> str:
    if not case.bias:
        return ""
    return f"the bias has {case.out_channels + 1} entries for {case.out_channels} output channels"


_NAN, _INF = float("nan"), float("inf")
_EXACT_RULE = "The output is bit-exact in any order of summation; a zero may have either sign."
_BOUND_RULE = "Every element lies within the error bound of the accuracy profile."
_INPUT_RULE = (
    "Every output that a tap of this input element reaches is {value}; an output within the extent of the kernel "
    "placed on it may be NaN, since an implementation may fill the gaps of a dilated kernel with zeros, and 0 "
    "times NaN or infinity is NaN. Everything else is as without it. Of the gradients, dw of its channel "
    "likewise; dx and db are unaffected."
)
_WEIGHT_RULE = (
    "Every output that this tap reaches is {value}; any other output of its channel may be NaN, since an "
    "implementation may insert zeros into the input, and 0 times NaN or infinity is NaN. Everything else is "
    "as without it. Of the gradients, dx of its input channel likewise; dw and db are unaffected."
)
_MISFIT_RULE = "The case is invalid (R11): the right response is an error."
_BIAS_RULE = "Every output of its channel is {value}, nothing else is; the gradients are unaffected."

DATA_KINDS: dict[str, DataKind] = {
    "ints": DataKind(
        draw=_ints, judged="exact", about="small integers, every partial sum exact in the dtype", rule=_EXACT_RULE
    ),
    "normal": DataKind(draw=_normal, judged="bound", about="standard normal", rule=_BOUND_RULE),
    "ones": DataKind(
        draw=_ones, judged="bound", about="all ones: an output counts the taps that reach it", rule=_BOUND_RULE
    ),
    "onehot": DataKind(
        draw=_ints,
        judged="exact",
        about="one input element is 1, weights count up: each output shows its tap",
        rule=_EXACT_RULE,
        adapt=_onehot,
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
        draw=_ints,
        judged="bound",
        about="the numbers that the id states, in C order and repeated; small integers for tensors without",
        rule="As for normal; where a sum may overflow the accumulator in some order, infinity of its sign, and "
        "NaN where both may.",
        adapt=_given,
        in_tiers=False,
    ),
    "subnormal": DataKind(
        draw=_ints,
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
    "naninput": DataKind(
        draw=_ints,
        judged="nonfinite",
        about="integers, NaN at one input",
        rule=_INPUT_RULE.format(value="NaN"),
        adapt=_place_value("x", _NAN),
    ),
    "nanweight": DataKind(
        draw=_ints,
        judged="nonfinite",
        about="integers, NaN at one weight",
        rule=_WEIGHT_RULE.format(value="NaN"),
        adapt=_place_value("w", _NAN),
    ),
    "nanbias": DataKind(
        draw=_ints,
        judged="nonfinite",
        about="integers, NaN in the bias",
        rule=_BIAS_RULE.format(value="NaN"),
        adapt=_place_value("bias", _NAN),
    ),
    "infinput": DataKind(
        draw=_ints,
        judged="nonfinite",
        about="integers, an infinity at one input",
        rule=_INPUT_RULE.format(value="the infinity of the product's sign"),
        adapt=_place_value("x", _INF),
    ),
    "infweight": DataKind(
        draw=_ints,
        judged="nonfinite",
        about="integers, an infinity at one weight",
        rule=_WEIGHT_RULE.format(value="the infinity of the product's sign"),
        adapt=_place_value("w", _INF),
    ),
    "infbias": DataKind(
        draw=_ints,
        judged="nonfinite",
        about="integers, an infinity in the bias",
        rule=_BIAS_RULE.format(value="it"),
        adapt=_place_value("bias", _INF),
    ),
    "wrongrank": DataKind(
        draw=_ints,
        judged="exact",
        about="integers, the input with one axis of length 1 too many",
        rule=_MISFIT_RULE,
        adapt=_extra_axis,
        misfit=lambda case: f"the input has {case.rank + 1} spatial axes for {case.rank}",
    ),
    "wrongchannels": DataKind(
        draw=_ints,
        judged="exact",
        about="integers, the input with one channel too many",
        rule=_MISFIT_RULE,
        adapt=_extra_channel,
        misfit=lambda case: f"the input has {case.in_channels + 1} channels for weights of {case.in_channels}",
    ),
    "wrongbias": DataKind(
        draw=_ints,
        judged="exact",
        about="integers, the bias with one entry too many",
        rule=_MISFIT_RULE,
        adapt=_longer_bias,
        misfit=_misfit_of_bias,
    ),
}
