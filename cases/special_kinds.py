"""Data kinds about NaN, infinities, overflow, ties and the smallest normal numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from conformance.cases.data_kind import Adapt, DataKind, Tensors, draw_ints, one_input

if TYPE_CHECKING:
    from conformance.cases.case import Case

__all__ = ["SPECIAL_KINDS"]

_NAN, _INF = float("nan"), float("inf")
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
_UPSTREAM_RULE = (
    "Every element of dx and dw that takes this element with a tap is {value}, and so is db of its channel. An "
    "element of dx within the extent of the kernel placed on it, or of dw of its channel, may be NaN, since an "
    "implementation may fill the gaps of a dilated kernel or of the input with zeros. Everything else is as "
    "without it."
)
_BIAS_RULE = "Every output of its channel is {value}, nothing else is; the gradients are unaffected."


def _place_value(name: str, value: float) -> Adapt:
    """An adapt that puts a value, with a random sign, at a random element of a tensor."""

    def adapt(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
        # C leaves it to the implementation what a complex product with an infinity is (C11, annex G).
        if name in tensors and tensors[name].size and not case.format.is_complex:
            sign = rng.integers(0, 2) * 2 - 1
            tensors[name].flat[rng.integers(tensors[name].size)] = value * sign

    return adapt


def _place_infinity_among_zeros(name: str, partners: tuple[str, ...]) -> Adapt:
    """An adapt that zeroes half of the numbers which an infinity is multiplied by."""
    place = _place_value(name, _INF)

    def adapt(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
        for partner in partners:
            if partner in tensors:
                tensors[partner] = tensors[partner] * rng.integers(0, 2, size=tensors[partner].shape)
        place(case, rng, tensors)

    return adapt


def _tiny(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    for name in {"x", "bias", "vx", "vb"} & tensors.keys():
        tensors[name] *= case.format.smallest_normal


_TIE_PRECISION = 11  # the wider formats get exact products: a tie of theirs does not fit a TF32 multiplier


def _ties(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    """One product per element: three times an odd weight, with one bit more than the format has."""
    one_input(case, rng, tensors)
    half = 2 ** (min(case.format.precision, _TIE_PRECISION) - 1)
    for name in {"w", "vw"} & tensors.keys():
        odd = rng.integers(half // 3 + 1, 2 * half // 3, size=tensors[name].shape) * 2 + 1
        tensors[name] = odd * (rng.integers(0, 2, size=odd.shape) * 2.0 - 1)
    for name in {"x", "dy"} & tensors.keys():
        tensors[name] = tensors[name] * 3
    for name in {"bias", "vx", "vb"} & tensors.keys():
        tensors[name] = np.zeros_like(tensors[name])  # a second term could be rounded by itself


def _overflow(case: Case, rng: np.random.Generator, tensors: Tensors) -> None:
    """Products of a quarter of the first power of two beyond the format, all of one sign: four overflow."""
    exponent = (case.format.max_exponent - 1) // 2
    signs = dict(zip(("x", "w", "dy"), rng.integers(0, 2, size=3) * 2 - 1, strict=True))
    signs |= {"vx": signs["x"], "vw": signs["w"], "bias": (both := signs["x"] * signs["w"]), "vb": both}
    for name, values in tensors.items():
        scale = 2.0 ** (2 * exponent if name in ("bias", "vb") else exponent)
        tensors[name] = np.where(values != 0, signs[name] * scale, 0.0)


SPECIAL_KINDS: dict[str, DataKind] = {
    "naninput": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, NaN at one input",
        rule=_INPUT_RULE.format(value="NaN"),
        adapt=_place_value("x", _NAN),
    ),
    "nanweight": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, NaN at one weight",
        rule=_WEIGHT_RULE.format(value="NaN"),
        adapt=_place_value("w", _NAN),
    ),
    "nanbias": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, NaN in the bias",
        rule=_BIAS_RULE.format(value="NaN"),
        adapt=_place_value("bias", _NAN),
    ),
    "infinput": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, an infinity at one input",
        rule=_INPUT_RULE.format(value="the infinity of the product's sign"),
        adapt=_place_value("x", _INF),
    ),
    "infweight": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, an infinity at one weight",
        rule=_WEIGHT_RULE.format(value="the infinity of the product's sign"),
        adapt=_place_value("w", _INF),
    ),
    "infbias": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, an infinity in the bias",
        rule=_BIAS_RULE.format(value="it"),
        adapt=_place_value("bias", _INF),
    ),
    "nanupstream": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, NaN at one element of the upstream gradient",
        rule=_UPSTREAM_RULE.format(value="NaN"),
        adapt=_place_value("dy", _NAN),
        directions=("grad", "grad2"),
    ),
    "infupstream": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, an infinity at one element of the upstream gradient",
        rule=_UPSTREAM_RULE.format(value="the infinity of the product's sign"),
        adapt=_place_value("dy", _INF),
        directions=("grad", "grad2"),
    ),
    "infinputzeros": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, an infinity at one input, and half of what it is multiplied by is zero",
        rule=_INPUT_RULE.format(value="the infinity of the product's sign, or NaN where the other factor is zero"),
        adapt=_place_infinity_among_zeros("x", ("w", "dy", "vw")),
    ),
    "infweightzeros": DataKind(
        draw=draw_ints,
        judged="nonfinite",
        about="integers, an infinity at one weight, and half of what it is multiplied by is zero",
        rule=_WEIGHT_RULE.format(
            value="the infinity of the product's sign, or NaN where the other factor is zero"
        ),
        adapt=_place_infinity_among_zeros("w", ("x", "dy", "vx")),
    ),
    "overflow": DataKind(
        draw=draw_ints,
        judged="overflow",
        about="large powers of two of one sign: the sum of four products is beyond the format",
        rule="Exact where the sum fits the format. Where it does not, the infinity of its sign, or NaN, since a "
        "compensated sum may subtract two infinities; no finite number.",
        adapt=_overflow,
    ),
    "ties": DataKind(
        draw=draw_ints,
        judged="rounded once",
        about="one product per element, halfway between two numbers of float16 or bfloat16",
        rule="The product rounded to nearest, ties to even; an implementation rounds it once.",
        adapt=_ties,
        dtypes=("f16", "bf16"),
    ),
    "tiny": DataKind(
        draw=draw_ints,
        judged="exact",
        about="input and bias are small multiples of the smallest normal number",
        rule="Bit-exact: no input, product or sum is subnormal, so that nothing may be treated as zero.",
        adapt=_tiny,
    ),
}
