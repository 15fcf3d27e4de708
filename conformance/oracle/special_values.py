"""Data kinds that leave an implementation a choice: which values each element of an answer may take.

Each judgement in ``REFERENCES`` turns a case and its input data into the references of its answers, following the
written rule of the data kind (``conformance.cases.kinds``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial

import numpy as np

from conformance.cases.case import Case
from conformance.oracle.reference import Reference

__all__ = ["REFERENCES"]

Tensors = dict[str, np.ndarray]
OracleFunction = Callable[[Case, Tensors], Tensors]
_TOUCHES = {"x": ("y", "dw", "ddy"), "w": ("y", "dx", "ddy"), "bias": ("y",)}
# In ddy the one stands in one sum, and in the other what it is asked along (R16).
_OTHER_SUM = {"x": ("vx", "vb"), "w": ("vw", "vb")}


def _ones(tensors: Tensors) -> Tensors:
    return {name: np.ones(array.shape) for name, array in tensors.items()}


def _zeroed(tensors: Tensors, names: Iterable[str]) -> Tensors:
    return tensors | {name: np.zeros(tensors[name].shape) for name in names if name in tensors}


def _without_bias(tensors: Tensors) -> Tensors:
    return _zeroed(tensors, ("bias", "vb"))


def plain(case: Case, tensors: Tensors, answer: OracleFunction) -> dict[str, Reference]:
    """One right value an element, with what the error bound needs."""

    @cache
    def both() -> tuple[Tensors, Tensors]:
        return answer(case, {name: np.abs(array) for name, array in tensors.items()}), answer(case, _ones(tensors))

    def sums(name: str) -> tuple[np.ndarray, np.ndarray]:
        magnitude, terms = both()
        return magnitude[name], terms[name]

    return {name: Reference(exact, partial(sums, name)) for name, exact in answer(case, tensors).items()}


def nonfinite(case: Case, tensors: Tensors, answer: OracleFunction) -> dict[str, Reference]:
    """NaN or infinity at one element of one tensor: where it must arrive, and where NaN may."""
    source = next((name for name, array in tensors.items() if not np.isfinite(array).all()), None)
    finite = {name: np.where(np.isfinite(array), array, 0) for name, array in tensors.items()}
    references = plain(case, finite, answer)
    if source is None:
        return references
    odd = ~np.isfinite(tensors[source])
    value = tensors[source][odd][0]
    mark = odd.astype(np.float64)
    apart = _OTHER_SUM.get(source, ())
    others = _zeroed(_ones(tensors), ("bias", *apart) if source != "bias" else tensors)
    reached = answer(case, others | {source: mark})
    alone = _zeroed(_without_bias(finite), apart) | {source: mark}
    factor = answer(case, alone) if source != "bias" else reached
    possible = _may_be_nan(case, source, odd, answer)
    for name in set(references) & set(_TOUCHES[source]):
        exact = references[name].exact.copy()
        must = reached[name] > 0
        with np.errstate(invalid="ignore"):
            exact[must] = (factor[name] * value)[must]
        also = np.where(possible[name], np.nan, exact)
        references[name] = replace(references[name], exact=exact, also=(also,))
    return references


def _may_be_nan(case: Case, source: str, odd: np.ndarray, answer: OracleFunction) -> dict[str, np.ndarray]:
    """Elements that a product of the odd element with a zero filled in may reach."""
    index = tuple(int(n) for n in np.argwhere(odd)[0])
    found = {name: np.zeros(shape, dtype=bool) for name, shape in case.output_shapes().items()}
    if source == "bias":
        return found
    channel = index[0] if source == "w" else index[1 if case.layout == "channels_first" else -1]
    share = case.out_channels // case.groups
    if source == "w":
        output = channel // (case.in_channels // case.groups) * share + index[1]
        for name, where in (("y", output), ("dx", channel), ("ddy", output)):
            if name in found:
                axis = 1 if case.layout == "channels_first" else -1
                np.moveaxis(found[name], axis, 0)[where] = True
    elif "dw" in found:
        found["dw"][channel] = True
    else:
        effective = case.geometry().effective_kernel
        solid = replace(case, kernel_size=effective, dilation=(1,) * case.rank, bias=False, direction="fwd")
        box = answer(solid, {"x": odd.astype(np.float64), "w": np.ones(solid.weight_shape)})
        found["y" if case.direction == "fwd" else "ddy"] = box["y"] > 0
    return found


def signed_zero(case: Case, tensors: Tensors, answer: OracleFunction) -> dict[str, Reference]:
    """Zeros of both signs: a sum with +0 among its terms is +0."""
    references = plain(case, tensors, answer)
    if case.format.is_complex:
        return references
    minus = {name: np.signbit(array).astype(np.float64) for name, array in tensors.items()}
    plus = {name: 1 - array for name, array in minus.items()}
    # A product is +0 where both signs agree. A sum of single numbers (db) needs only the plus part.
    agree, differ = answer(case, plus), answer(case, _without_bias(minus))
    for name, reference in references.items():
        positive = agree[name] + (differ[name] if name != "db" else 0) > 0
        references[name] = replace(reference, positive=positive)
    return references


def flush(case: Case, tensors: Tensors, answer: OracleFunction) -> dict[str, Reference]:
    """Subnormal numbers: exact, or with products, bias or sums taken for zero."""
    references = plain(case, tensors, answer)
    products = answer(case, _without_bias(tensors))
    for name, reference in references.items():
        kept = (np.zeros(reference.exact.shape), products[name], reference.exact - products[name])
        references[name] = replace(reference, also=kept)
    return references


REFERENCES: dict[str, Callable[[Case, Tensors, OracleFunction], dict[str, Reference]]] = {
    "exact": plain,
    "bound": plain,
    "nonfinite": nonfinite,
    "signed zero": signed_zero,
    "flush": flush,
}
