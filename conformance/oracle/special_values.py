"""Data kinds that leave an implementation a choice: which values each element of an output may have.

Each function in ``REFERENCES`` turns a case and its input data into the references of its outputs, following the
written rule of the data kind (``conformance.cases.kinds``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial

import numpy as np

from conformance.cases.case import Case
from conformance.cases.dtypes import round_to
from conformance.cases.kinds import Judged
from conformance.oracle.reference import Reference

__all__ = ["REFERENCES"]

Tensors = dict[str, np.ndarray]
OracleFunction = Callable[[Case, Tensors], Tensors]
_AFFECTED_OUTPUTS = {
    "x": ("y", "dw", "ddy"),
    "w": ("y", "dx", "ddy"),
    "bias": ("y",),
    "dy": ("dx", "dw", "db", "ddx", "ddw"),
}
# ddy is the sum of two terms (R16): one has x or w itself, the other has the vectors named here in its place.
_SECOND_ORDER_PARTNERS = {"x": ("vx", "vb"), "w": ("vw", "vb")}


def _ones(tensors: Tensors) -> Tensors:
    return {name: np.ones(array.shape) for name, array in tensors.items()}


def _zeroed(tensors: Tensors, names: Iterable[str]) -> Tensors:
    return tensors | {name: np.zeros(tensors[name].shape) for name in names if name in tensors}


def _without_bias(tensors: Tensors) -> Tensors:
    return _zeroed(tensors, ("bias", "vb"))


def reference_for_exact(case: Case, tensors: Tensors, oracle: OracleFunction) -> dict[str, Reference]:
    """One right value per element, with what the error bound needs."""

    @cache
    def magnitude_and_terms() -> tuple[Tensors, Tensors]:
        return oracle(case, {name: np.abs(array) for name, array in tensors.items()}), oracle(case, _ones(tensors))

    def sums(name: str) -> tuple[np.ndarray, np.ndarray]:
        magnitude, terms = magnitude_and_terms()
        return magnitude[name], terms[name]

    return {name: Reference(exact, partial(sums, name)) for name, exact in oracle(case, tensors).items()}


def reference_for_nonfinite(case: Case, tensors: Tensors, oracle: OracleFunction) -> dict[str, Reference]:
    """NaN or infinity at one element of one tensor: where it must arrive, and where NaN is allowed."""
    source = next((name for name, array in tensors.items() if not np.isfinite(array).all()), None)
    finite = {name: np.where(np.isfinite(array), array, 0) for name, array in tensors.items()}
    references = reference_for_exact(case, finite, oracle)
    if source is None:
        return references
    odd = ~np.isfinite(tensors[source])
    value = tensors[source][odd][0]
    mark = odd.astype(np.float64)
    partners = _SECOND_ORDER_PARTNERS.get(source, ())
    others = _zeroed(_ones(tensors), ("bias", *partners) if source != "bias" else tensors)
    reached = oracle(case, others | {source: mark})
    alone = _zeroed(_without_bias(finite), partners) | {source: mark}
    factor = oracle(case, alone) if source != "bias" else reached
    may_be_nan = _may_be_nan(case, source, odd, oracle)
    for name in set(references) & set(_AFFECTED_OUTPUTS[source]):
        exact = references[name].exact.copy()
        must = reached[name] > 0
        with np.errstate(invalid="ignore"):
            exact[must] = (factor[name] * value)[must]
        also = np.where(may_be_nan[name], np.nan, exact)
        references[name] = replace(references[name], exact=exact, also=(also,))
    return references


def _may_be_nan(case: Case, source: str, odd: np.ndarray, oracle: OracleFunction) -> dict[str, np.ndarray]:
    """Output elements that a product of the NaN or infinity with an inserted zero may reach."""
    index = tuple(int(n) for n in np.argwhere(odd)[0])
    possible = {name: np.zeros(shape, dtype=bool) for name, shape in case.output_shapes().items()}
    if source == "bias":
        return possible
    if source == "dy":
        return _may_be_nan_by_upstream(case, odd, index, possible, oracle)
    channel = index[0] if source == "w" else index[1 if case.layout == "channels_first" else -1]
    share = case.out_channels // case.groups
    if source == "w":
        output = channel // (case.in_channels // case.groups) * share + index[1]
        for name, where in (("y", output), ("dx", channel), ("ddy", output)):
            if name in possible:
                axis = 1 if case.layout == "channels_first" else -1
                np.moveaxis(possible[name], axis, 0)[where] = True
    elif "dw" in possible:
        possible["dw"][channel] = True
    else:
        effective = case.geometry().effective_kernel
        solid = replace(case, kernel_size=effective, dilation=(1,) * case.rank, bias=False, direction="fwd")
        box = oracle(solid, {"x": odd.astype(np.float64), "w": np.ones(solid.weight_shape)})
        possible["y" if case.direction == "fwd" else "ddy"] = box["y"] > 0
    return possible


def _may_be_nan_by_upstream(
    case: Case,
    odd: np.ndarray,
    index: tuple[int, ...],
    possible: dict[str, np.ndarray],
    oracle: OracleFunction,
) -> dict[str, np.ndarray]:
    channel = index[1 if case.layout == "channels_first" else -1]
    group, within = divmod(channel, case.out_channels // case.groups)
    share = case.in_channels // case.groups
    effective = case.geometry().effective_kernel
    solid = replace(case, kernel_size=effective, dilation=(1,) * case.rank, bias=False, direction="grad")
    ones = {"x": np.ones(case.input_shape), "w": np.ones(solid.weight_shape)}
    box = oracle(solid, ones | {"dy": odd.astype(np.float64)})
    for name in ("dx", "ddx"):
        if name in possible:
            possible[name] = box["dx"] > 0
    for name in ("dw", "ddw"):
        if name in possible:
            possible[name][group * share : (group + 1) * share, within] = True
    return possible


def reference_for_signed_zero(case: Case, tensors: Tensors, oracle: OracleFunction) -> dict[str, Reference]:
    """Zeros of magnitude_and_terms signs: a sum with +0 among its terms is +0."""
    references = reference_for_exact(case, tensors, oracle)
    if case.format.is_complex:
        return references
    minus = {name: np.signbit(array).astype(np.float64) for name, array in tensors.items()}
    plus = {name: 1 - array for name, array in minus.items()}
    # A product is +0 where magnitude_and_terms signs agree. A sum of single numbers (db) needs only the plus part.
    agree, differ = oracle(case, plus), oracle(case, _without_bias(minus))
    for name, reference in references.items():
        positive = agree[name] + (differ[name] if name != "db" else 0) > 0
        references[name] = replace(reference, positive=positive)
    return references


def reference_for_subnormal(case: Case, tensors: Tensors, oracle: OracleFunction) -> dict[str, Reference]:
    """Subnormal numbers: exact, or with the products, the bias or the sums flushed to zero."""
    references = reference_for_exact(case, tensors, oracle)
    products = oracle(case, _without_bias(tensors))
    for name, reference in references.items():
        kept = (np.zeros(reference.exact.shape), products[name], reference.exact - products[name])
        references[name] = replace(reference, also=kept)
    return references


def reference_for_overflow(case: Case, tensors: Tensors, oracle: OracleFunction) -> dict[str, Reference]:
    """Sums of one sign, some beyond the format: infinity there, or NaN."""
    with np.errstate(over="ignore"):  # in double precision the reference overflows, too
        references = reference_for_exact(case, tensors, oracle)
    return {
        name: replace(value, also=(np.where(np.isinf(round_to(case.format, value.exact)), np.nan, value.exact),))
        for name, value in references.items()
    }


REFERENCES: dict[Judged, Callable[[Case, Tensors, OracleFunction], dict[str, Reference]]] = {
    "exact": reference_for_exact,
    "bound": reference_for_exact,
    "nonfinite": reference_for_nonfinite,
    "signed zero": reference_for_signed_zero,
    "flush": reference_for_subnormal,
    "rounded once": reference_for_exact,
    "overflow": reference_for_overflow,
}
